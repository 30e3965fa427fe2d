//! What is true of employer consultation without a database: entities, commands, rules,
//! calculations and the permission table. No I/O, no clock, no randomness: `now`, `today` and
//! new ids are arguments.

pub mod actor;
pub mod api_key;
pub mod attachment;
pub mod audit;
pub mod carrier;
pub mod check;
pub mod code;
pub mod code_list;
pub mod company;
pub mod consultation;
pub mod contact;
pub mod district;
pub mod entity;
pub mod error;
pub mod establishment;
pub mod funding_period;
pub mod id;
pub mod industry;
pub mod invitation;
pub mod name;
pub mod organisation;
pub mod page;
pub mod patch;
pub mod policy;
pub mod saved_view;
pub mod second_factor;
pub mod session;
pub mod site;
pub mod size_class;
pub mod sso;
pub mod statistics;
pub mod tag;
pub mod time;
pub mod topic;
pub mod user;

pub use error::{Error, Result};
