//! The `echospec` program; all it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    echospec::cli::main()
}
