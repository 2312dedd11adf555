//! The program of every function of module `gateway`.

fn main() -> std::process::ExitCode {
    runtime::run(gateway::module(), include_str!("../../../docs/generated/backbone.json"))
}
