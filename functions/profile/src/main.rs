//! The program of every function of module `profile`.

fn main() -> std::process::ExitCode {
    runtime::run(profile::module(), include_str!("../../../docs/generated/backbone.json"))
}
