use std::process::ExitCode;

use clap::Parser;

// The default allocator holds on to memory of bursts; this one gives it back and is faster.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match lotse_server::cli::run(lotse_server::cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lotse: {error}");
            ExitCode::FAILURE
        }
    }
}
