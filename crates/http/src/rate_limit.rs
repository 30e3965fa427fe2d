//! How many requests an address, an account or an API key may send. Each server counts for itself, in
//! memory (GCRA, as the crate `governor` has it): a whole minute's worth at once, then evenly.

use std::fmt::Write;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::dev::Extensions;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use governor::clock::Clock as _;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use ipnet::IpNet;
use lotse_app::{Clock, Shown};
use lotse_domain::id::UserId;

use crate::problem::Problem;

// draft-ietf-httpapi-ratelimit-headers-10
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

const WINDOW: Duration = Duration::from_mins(1);
/// After so many requests, those who have not been heard of for a while are forgotten.
const TIDIED_EVERY: u32 = 10_000;

/// Requests a minute; 0 is no limit.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub per_address: u32,
    /// Log-in, refresh and what else can be tried without being logged in.
    pub log_ins_per_address: u32,
    pub per_account: u32,
    pub per_api_key: u32,
    /// Whose word on the client's address is taken.
    pub trusted_proxies: Vec<IpNet>,
}

pub struct Limits {
    address: Option<Limit<IpAddr>>,
    log_in: Option<Limit<IpAddr>>,
    account: Option<Limit<UserId>>,
    api_key: Option<Limit<Vec<u8>>>,
    trusted_proxies: Vec<IpNet>,
}

impl Limits {
    #[must_use]
    pub fn new(settings: &Settings, clock: &Clock) -> Self {
        Self {
            address: Limit::new("address", settings.per_address, clock),
            log_in: Limit::new("log_in", settings.log_ins_per_address, clock),
            account: Limit::new("account", settings.per_account, clock),
            api_key: Limit::new("api_key", settings.per_api_key, clock),
            trusted_proxies: settings.trusted_proxies.clone(),
        }
    }

    /// Counts a request for the address that it comes from.
    pub(crate) fn count_address(
        &self,
        request: &impl HttpMessage,
        peer: Option<IpAddr>,
        path: &str,
    ) -> Result<(), Problem> {
        // Without one it comes from this machine, over a socket of the file system.
        let Some(peer) = peer else { return Ok(()) };
        let address = network_of(client_address(peer, request.headers(), &self.trusted_proxies));
        let mut extensions = request.extensions_mut();
        count(self.address.as_ref(), &address, &mut extensions)?;
        if path.starts_with("/api/v1/auth/") {
            count(self.log_in.as_ref(), &address, &mut extensions)?;
        }
        Ok(())
    }

    /// Counts a request for the one who sends it, as far as the request shows who that is.
    pub(crate) fn count_caller(
        &self,
        request: &impl HttpMessage,
        shown: &Shown,
    ) -> Result<(), Problem> {
        let mut extensions = request.extensions_mut();
        match shown {
            Shown::Session { user, .. } => count(self.account.as_ref(), user, &mut extensions),
            Shown::ApiKey(secret) => count(self.api_key.as_ref(), secret, &mut extensions),
            // No request is one.
            Shown::Job { .. } => Ok(()),
        }
    }
}

/// One limit, for each of many.
struct Limit<K: Hash + Eq + Clone> {
    name: &'static str,
    requests: u32,
    /// As the header tells it.
    policy: String,
    limiter: RateLimiter<K, DashMapStateStore<K>, Ticks, StateInformationMiddleware>,
    clock: Ticks,
    counted: AtomicU32,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    fn new(name: &'static str, requests: u32, clock: &Clock) -> Option<Self> {
        let quota = Quota::per_minute(NonZeroU32::new(requests)?);
        let clock = Ticks(clock.clone());
        let limiter = RateLimiter::dashmap_with_clock(quota, clock.clone()).with_middleware();
        let policy = format!("\"{name}\";q={requests};w={}", WINDOW.as_secs());
        Some(Self { name, requests, policy, limiter, clock, counted: AtomicU32::new(0) })
    }

    fn tidy(&self) {
        if self.counted.fetch_add(1, Ordering::Relaxed) % TIDIED_EVERY == TIDIED_EVERY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
    }
}

/// What the answer says about the limits that the request was counted for.
#[derive(Default)]
struct Told {
    limits: String,
    policies: String,
}

fn count<K: Hash + Eq + Clone>(
    limit: Option<&Limit<K>>,
    who: &K,
    extensions: &mut Extensions,
) -> Result<(), Problem> {
    let Some(limit) = limit else { return Ok(()) };
    limit.tidy();
    let (remaining, wait) = match limit.limiter.check_key(who) {
        Ok(state) => (state.remaining_burst_capacity(), None),
        Err(not_yet) => (0, Some(not_yet.wait_time_from(limit.clock.now()))),
    };
    // Until all of it is there again: what is missing comes back evenly.
    let missing = u64::from(limit.requests - remaining);
    let reset = (missing * WINDOW.as_secs()).div_ceil(u64::from(limit.requests));

    if extensions.get::<Told>().is_none() {
        extensions.insert(Told::default());
    }
    if let Some(Told { limits, policies }) = extensions.get_mut() {
        let separator = if limits.is_empty() { "" } else { ", " };
        // To a string it always succeeds.
        let _ = write!(limits, "{separator}\"{}\";r={remaining};t={reset}", limit.name);
        policies.push_str(separator);
        policies.push_str(&limit.policy);
    }
    match wait {
        None => Ok(()),
        // Rounded up: who waits as long as told is let in.
        Some(wait) => {
            let whole = i64::try_from(wait.as_secs()).unwrap_or(i64::MAX);
            Err(Problem::rate_limited(whole + i64::from(wait.subsec_nanos() > 0)))
        }
    }
}

/// What is left, as headers.
pub fn told(request: &impl HttpMessage) -> Option<[(HeaderName, HeaderValue); 2]> {
    let Told { limits, policies } = request.extensions_mut().remove()?;
    let limits = HeaderValue::from_maybe_shared(Bytes::from(limits)).ok()?;
    let policies = HeaderValue::from_maybe_shared(Bytes::from(policies)).ok()?;
    Some([(RATE_LIMIT, limits), (RATE_LIMIT_POLICY, policies)])
}

/// The address of the client. Anybody can write `X-Forwarded-For`; each proxy adds at its end whom it
/// heard. So what trusted proxies added is read from the end, up to the first address that is none of
/// theirs.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut address = peer.to_canonical();
    let forwarded: Vec<&str> = headers
        .get_all(FORWARDED_FOR)
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .collect();
    for hop in forwarded.iter().rev() {
        if !is_trusted(address) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(hop) => address = hop.to_canonical(),
            Err(_) => break,
        }
    }
    address
}

/// A subscriber gets a whole /64 of IPv6 addresses and could send from each of them.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
    }
}

/// The clock of the app, for `governor`.
#[derive(Clone, Debug)]
struct Ticks(Clock);

impl governor::clock::Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let now = self.0.now().timestamp_millis();
        Nanos::from(Duration::from_millis(u64::try_from(now).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(value).unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let proxy = &["10.0.0.0/8", "::1/128"];
        assert_eq!(client("203.0.113.9", &["198.51.100.1"], proxy), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["198.51.100.1"], &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.1"], proxy), "198.51.100.1");
        assert_eq!(client("::ffff:10.0.0.1", &["198.51.100.1"], proxy), "198.51.100.1");
        // What the client wrote itself stands before what the proxies added.
        let lied = ["192.0.2.66, 198.51.100.1, 10.0.0.2"];
        assert_eq!(client("10.0.0.1", &lied, proxy), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["192.0.2.66", "198.51.100.1"], proxy), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.1, unknown"], proxy), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[], proxy), "10.0.0.1");
        assert_eq!(client("::1", &["2001:db8::7"], proxy), "2001:db8::7");
    }

    #[test]
    fn a_subscriber_has_one_network() {
        let network = |address: &str| network_of(address.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
    }
}
