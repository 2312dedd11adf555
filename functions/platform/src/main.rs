//! The program of every function of module `platform`.

fn main() -> std::process::ExitCode {
    runtime::run(platform::module(), include_str!("../../../docs/generated/backbone.json"))
}
