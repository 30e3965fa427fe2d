//! The use cases. Only here are transactions opened: [`App::read`], [`App::figures`] and
//! [`App::write`] check the log-in and the policy first, hand on the caller's scope, and `write`
//! commits data and audit entry together or not at all.
//!
//! Use cases are synchronous and read from top to bottom; `lotse-http` runs them on the blocking
//! pool. A closure may run again when the database asks for it, so it has no effects outside the
//! transaction.

mod access_log;
mod clock;
mod district_gap;
mod idempotency;
mod password;
mod transaction;

pub mod accompaniment;
pub mod actor;
pub mod api_key;
pub mod attachment;
pub mod audit;
pub mod audit_pack;
pub mod bulk_change;
pub mod calendar_feed;
pub mod carrier;
pub mod company;
pub mod consultation;
pub mod contact;
pub mod correction;
pub mod demo;
pub mod district;
mod duplicate;
pub mod duplicate_pair;
pub mod duplicate_settings;
pub mod establishment;
pub mod event;
pub mod event_series;
pub mod event_statistics;
pub mod funding_period;
pub mod housekeeping;
pub mod import;
pub mod import_profile;
pub mod indicator;
pub mod invitation;
pub mod job;
pub mod merge;
pub mod operator;
pub mod organisation;
pub mod participation;
pub mod programme_statistics;
pub mod programme_template;
pub mod quick_log;
pub mod readiness;
pub mod recruitment_case;
pub mod referral;
pub mod referral_statistics;
pub mod report;
pub mod saved_view;
pub mod search;
pub mod second_factor;
pub mod session;
pub mod site;
pub mod sso;
pub mod statistics;
pub mod tag;
pub mod target;
pub mod task;
pub mod timeline;
pub mod topic;
mod touched;
pub mod user;
pub mod worklist;

pub use clock::Clock;
pub use idempotency::IdempotencyKey;
pub use job::Runner;
pub use lotse_persistence::{Request, Waiting};
pub use transaction::{App, Caller, Reading, Shown, Writing};
