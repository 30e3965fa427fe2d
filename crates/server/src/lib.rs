//! The program `lotse`: configuration, telemetry, wiring, commands.

pub mod attachments;
pub mod cli;
pub mod config;
pub mod demo;
pub mod serve;
