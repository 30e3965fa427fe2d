//! Schema, queries, connections and migrations. Query functions take a connection, never a pool;
//! what belongs to a carrier is only read with a scope.

mod among;
#[macro_use]
mod connection;
mod convert;
mod error;
mod last_contact;
mod limit;
mod page;
#[macro_use]
mod plan;
mod schema;
mod sql_types;

pub mod accompaniment;
pub mod actor;
pub mod api_key;
pub mod attachment;
pub mod audit;
pub mod calendar_feed;
pub mod carrier;
pub mod company;
pub mod consultation;
pub mod contact;
pub mod correction;
pub mod district;
pub mod district_gap;
pub mod duplicate;
pub mod establishment;
pub mod event;
pub mod event_series;
pub mod event_statistics;
pub mod funding_period;
mod grouping;
pub mod housekeeping;
pub mod idempotency;
pub mod indicator;
pub mod installation;
pub mod invitation;
pub mod migrations;
pub mod names;
pub mod organisation;
pub mod participation;
pub mod programme_statistics;
pub mod programme_template;
pub mod readiness;
pub mod recruitment_case;
pub mod referral;
pub mod referral_statistics;
pub mod report;
pub mod saved_view;
pub mod second_factor;
pub mod session;
pub mod site;
pub mod sso;
mod statement;
pub mod statistics;
pub mod tag;
pub mod target;
pub mod task;
pub mod timeline;
pub mod topic;
pub mod user;
pub mod worklist;

pub use connection::{Backend, Conn, Database, Mode, Options};
pub use limit::{Request, Waiting};
