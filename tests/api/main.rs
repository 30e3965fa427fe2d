//! The real server over HTTP, each test on a private SQLite file and a private PostgreSQL database.

mod harness;

mod api_key;
mod attachment;
mod audit;
mod browser;
mod calendar_feed;
mod concurrency;
mod consultation;
mod conventions;
mod demo;
mod durability;
mod event;
mod event_statistics;
mod hostile;
mod hostile_body;
mod hostile_http;
mod hostile_load;
mod hostile_reference;
mod hostile_token;
mod matrix;
mod migrations;
mod network;
mod openapi;
mod participation;
mod quick_log;
mod rate_limit;
mod referral;
mod register;
mod saved_view;
mod second_factor;
mod session;
mod sso;
mod statistics;
mod tag;
mod task;
