//! Password hashing: Argon2id with the parameters that OWASP recommends (19 MiB, two passes, one
//! lane).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use lotse_domain::{Error, Result};

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes and verifies on a thread of its own, one password at a time: each takes 19 MiB and a core for
/// some hundredths of a second, and a burst of log-ins must not take the machine.
#[derive(Debug)]
pub struct Hasher {
    jobs: mpsc::Sender<Job>,
}

/// What is to be done, with the memory to do it in.
type Job = Box<dyn FnOnce(&mut [Block]) + Send>;

impl Default for Hasher {
    fn default() -> Self {
        let (jobs, waiting) = mpsc::channel::<Job>();
        // It ends when the hasher is dropped, which closes the channel.
        std::thread::spawn(move || {
            // Kept from one to the next: given back each time, it would be fragmented away.
            let mut memory = Vec::new();
            for job in waiting {
                memory.resize(MEMORY_KIB as usize, Block::default());
                // A panic is answered by the dropped channel; the thread goes on for the others.
                let _ = catch_unwind(AssertUnwindSafe(|| job(&mut memory)));
            }
        });
        Self { jobs }
    }
}

impl Hasher {
    /// The hash in PHC string format.
    ///
    /// # Errors
    /// `Internal` when the system gives no random salt.
    pub fn hash(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        self.run(move |memory| {
            let params = params()?;
            let salt: [u8; 16] = rand::random();
            let hash = PasswordHash {
                algorithm: Algorithm::Argon2id.ident(),
                version: Some(Version::V0x13.into()),
                params: ParamsString::try_from(&params).map_err(malformed)?,
                salt: Some(Salt::new(&salt).map_err(malformed)?),
                hash: Some(output(&params, &password, &salt, memory)?),
            };
            Ok(hash.to_string())
        })
    }

    /// Whether the password is the one of the hash. Without a hash (an unknown user) it takes the
    /// same time and answers no.
    ///
    /// # Errors
    /// `Internal` when a stored hash is malformed or has other parameters.
    pub fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        /// Of a random password that nobody knows, with the parameters above.
        const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5a25vd3N0aGlz$\
                              pYXl2LmHhP0aL8wzIhRCsMHBXFrAnbmcX0c7TtVdQxA";
        let password = password.to_owned();
        let known = hash.is_some();
        let hash = hash.unwrap_or(NOBODY).to_owned();
        self.run(move |memory| {
            let stored = PasswordHash::new(&hash).map_err(malformed)?;
            let params = Params::try_from(&stored).map_err(malformed)?;
            if stored.algorithm != Algorithm::Argon2id.ident() || params.m_cost() > MEMORY_KIB {
                return Err(Error::internal("a password hash has other parameters"));
            }
            let salt = stored.salt.ok_or_else(|| Error::internal("a password hash has no salt"))?;
            // `Output` compares in constant time.
            let computed = output(&params, &password, salt.as_ref(), memory)?;
            Ok(known && stored.hash == Some(computed))
        })
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut [Block]) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = mpsc::sync_channel(1);
        let job = Box::new(move |memory: &mut [Block]| {
            // Nobody waits any more when the request was given up.
            let _ = answer.send(work(memory));
        });
        self.jobs.send(job).map_err(|_| Error::internal("the hashing thread is gone"))?;
        answered.recv().map_err(|_| Error::internal("the hashing thread is gone"))?
    }
}

fn params() -> Result<Params> {
    Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(malformed)
}

fn output(params: &Params, password: &str, salt: &[u8], memory: &mut [Block]) -> Result<Output> {
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    let blocks = memory
        .get_mut(..params.block_count())
        .ok_or_else(|| Error::internal("a password hash has other parameters"))?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut output, blocks)
        .map_err(malformed)?;
    Output::new(&output).map_err(malformed)
}

fn malformed(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("password hash: {error}"))
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
