use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match lotse_server::cli::run(lotse_server::cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lotse: {error}");
            ExitCode::FAILURE
        }
    }
}
