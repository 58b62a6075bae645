//! hardtack's program: everything is in the library.

fn main() -> std::process::ExitCode {
    hardtack::cli::run().into()
}
