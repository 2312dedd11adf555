//! The program of every function of module `gateway`.

fn main() -> std::process::ExitCode {
    runtime::run(gateway::module())
}
