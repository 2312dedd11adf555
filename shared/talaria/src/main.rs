//! The command: generates what follows from declarations, checks it, builds artefacts, starts new code.

mod artefact;
mod asyncapi;
mod command;
mod compatibility;
mod console;
mod envelope;
mod event_story;
#[cfg(test)]
mod fixture;
mod generated;
mod member;
mod openapi;
mod operators;
mod page;
mod platform;
mod refusal;
mod sample;
mod schema;
mod template;
mod wall;
mod workspace;
mod yaml;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Talaria: a product backend from one set of declarations.
#[derive(Parser)]
#[command(name = "talaria", version)]
struct Talaria {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Build(command::build::Build),
    Check(command::check::Check),
    Dlq(command::dlq::Dlq),
    Event(command::event::Event),
    Gen(command::generate::Generate),
    Listener(command::listener::Listener),
    Local(command::local::Local),
    Module(command::module::Module),
    New(command::new::New),
    #[command(name = "openapi")]
    OpenApi(command::openapi::OpenApi),
    ReleaseEvents(command::release_events::ReleaseEvents),
    Outbox(command::outbox::Outbox),
    Schedule(command::schedule::Schedule),
    Simulate(command::simulate::Simulate),
}

fn main() -> ExitCode {
    let done = match Talaria::parse().command {
        Command::Build(build) => build.run(),
        Command::Check(check) => check.run(),
        Command::Dlq(dlq) => dlq.run(),
        Command::Event(event) => event.run(),
        Command::Gen(generate) => generate.run(),
        Command::Listener(listener) => listener.run(),
        Command::Local(local) => local.run(),
        Command::Module(module) => module.run(),
        Command::New(new) => new.run(),
        Command::OpenApi(openapi) => openapi.run(),
        Command::ReleaseEvents(release) => release.run(),
        Command::Outbox(outbox) => outbox.run(),
        Command::Schedule(schedule) => schedule.run(),
        Command::Simulate(simulate) => simulate.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            console::complain(failure);
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Talaria::command().debug_assert();
    }
}
