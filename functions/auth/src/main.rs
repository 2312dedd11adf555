//! The program of every function of module `auth`.

fn main() -> std::process::ExitCode {
    runtime::run(auth::module(), include_str!("../../../docs/generated/backbone.json"))
}
