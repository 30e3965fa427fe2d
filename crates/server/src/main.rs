use std::process::ExitCode;

use clap::Parser;

// The C libraries use it too. The C library's own allocator keeps a heap for each of many threads and
// gives little of it back: the process grew to one and a half times of this (docs/performance.md).
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match lotse_server::cli::run(lotse_server::cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lotse: {error}");
            ExitCode::FAILURE
        }
    }
}
