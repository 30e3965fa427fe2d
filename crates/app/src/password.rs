//! Password hashing: Argon2id with the parameters that OWASP recommends (19 MiB, two passes, one
//! lane).

use std::sync::{Condvar, Mutex, PoisonError};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use lotse_domain::{Error, Result};

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes and verifies, a bounded number at a time: every one takes 19 MiB and a core, and a burst
/// of log-ins must not take the machine.
#[derive(Debug)]
pub struct Hasher {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Default for Hasher {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { free: Mutex::new(cores.min(4)), freed: Condvar::new() }
    }
}

impl Hasher {
    fn argon2() -> Result<Argon2<'static>> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
            .map_err(|error| Error::internal(error.to_string()))?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }

    /// The hash in PHC string format.
    ///
    /// # Errors
    /// `Internal` when the system gives no random salt.
    pub fn hash(&self, password: &str) -> Result<String> {
        let argon2 = Self::argon2()?;
        self.one_of_few(|| {
            argon2
                .hash_password(password.as_bytes())
                .map(|hash| hash.to_string())
                .map_err(|error| Error::internal(error.to_string()))
        })
    }

    /// Whether the password is the one of the hash. Without a hash (an unknown user) it takes the
    /// same time and answers no.
    ///
    /// # Errors
    /// `Internal` when a stored hash is malformed.
    pub fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        /// Of a random password that nobody knows, with the parameters above.
        const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5a25vd3N0aGlz$\
                              pYXl2LmHhP0aL8wzIhRCsMHBXFrAnbmcX0c7TtVdQxA";
        let argon2 = Self::argon2()?;
        let parsed = PasswordHash::new(hash.unwrap_or(NOBODY))
            .map_err(|error| Error::internal(error.to_string()))?;
        let verified =
            self.one_of_few(|| argon2.verify_password(password.as_bytes(), &parsed).is_ok());
        Ok(verified && hash.is_some())
    }

    fn one_of_few<T>(&self, work: impl FnOnce() -> T) -> T {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free =
            self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        drop(free);
        let result = work();
        *self.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.freed.notify_one();
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifies_its_own_hashes_and_nobody_for_unknown_users() {
        let hasher = Hasher::default();
        let hash = hasher.hash("correct horse battery staple").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hasher.verify("correct horse battery staple", Some(&hash)).unwrap());
        assert!(!hasher.verify("wrong horse battery staple", Some(&hash)).unwrap());
        assert!(!hasher.verify("", None).unwrap());
    }
}
