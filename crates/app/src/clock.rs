//! Time is an argument everywhere else; here is where it comes from.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, SubsecRound, Utc};

/// Where `now` comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    /// Milliseconds since 1970, set by a test.
    Mock(Arc<AtomicI64>),
}

impl Clock {
    #[must_use]
    pub fn mock(now: DateTime<Utc>) -> Self {
        Self::Mock(Arc::new(AtomicI64::new(now.timestamp_millis())))
    }

    /// To the millisecond: what is answered is what is stored, on both databases.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
            Self::System => Utc::now().trunc_subsecs(3),
            Self::Mock(milliseconds) => {
                DateTime::from_timestamp_millis(milliseconds.load(Ordering::SeqCst))
                    .unwrap_or_default()
            }
        }
    }

    /// Moves a mock clock; the system's cannot be moved.
    pub fn advance(&self, by: chrono::TimeDelta) {
        if let Self::Mock(milliseconds) = self {
            milliseconds.fetch_add(by.num_milliseconds(), Ordering::SeqCst);
        }
    }
}
