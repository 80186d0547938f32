//! The binary: see `cli`.
fn main() -> std::process::ExitCode {
    brolga::cli::main()
}
