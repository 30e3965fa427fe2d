//! What is true of employer consultation without a database: entities, commands, rules,
//! calculations and the permission table. No I/O, no clock, no randomness: `now`, `today` and
//! new ids are arguments.

pub mod accompaniment;
pub mod actor;
pub mod api_key;
pub mod attachment;
pub mod audit;
pub mod calendar;
pub mod calendar_feed;
pub mod carrier;
pub mod check;
pub mod code;
pub mod code_list;
pub mod company;
pub mod consultation;
pub mod contact;
pub mod country;
pub mod district;
pub mod due_rule;
pub mod duplicate;
pub mod entity;
pub mod error;
pub mod establishment;
pub mod event;
pub mod event_series;
pub mod event_statistics;
pub mod funding_period;
pub mod id;
pub mod industry;
pub mod invitation;
pub mod name;
pub mod occupation;
pub mod organisation;
pub mod page;
pub mod participation;
pub mod patch;
pub mod plan;
pub mod policy;
pub mod programme_template;
pub mod quick_log;
pub mod recruitment_case;
pub mod referral;
pub mod saved_view;
pub mod second_factor;
pub mod session;
pub mod site;
pub mod size_class;
pub mod sso;
pub mod statistics;
pub mod tag;
pub mod task;
pub mod time;
pub mod topic;
pub mod user;

pub use error::{Error, Result};
