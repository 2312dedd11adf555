//! The program of every function of module `notification`.

fn main() -> std::process::ExitCode {
    runtime::run(notification::module(), include_str!("../../../docs/generated/backbone.json"))
}
