use clap::{Args, Subcommand};
use contracts::platform::{LISTENER_LIST, ListenerList};

use crate::console::Failure;
use crate::operators::{Lines, Place, json, or_dash, run, table};

/// The listeners of events.
#[derive(Args)]
pub struct Listener {
    #[command(subcommand)]
    command: ListenerCommand,
}

#[derive(Subcommand)]
enum ListenerCommand {
    Ls(Ls),
}

/// List the listeners: how they are configured, what they gave up, how deep their queues are.
#[derive(Args)]
struct Ls {
    /// Only this one.
    listener: Option<String>,
    #[command(flatten)]
    place: Place,
}

impl Listener {
    pub fn run(&self) -> Result<(), Failure> {
        run(async |lines| self.perform(lines).await)
    }

    /// Lists; refuses where nothing answers.
    pub async fn perform(&self, lines: Lines<'_>) -> Result<(), Failure> {
        let ListenerCommand::Ls(ls) = &self.command;
        let request = ListenerList { listener: ls.listener.clone() };
        let list = ls.place.desk()?.ask(&LISTENER_LIST, &request).await?;
        if ls.place.json {
            json(&list, lines);
            return Ok(());
        }
        let rows = list.data.iter().map(|one| {
            [
                one.listener.clone(),
                if one.ordered { "in order" } else { "any order" }.to_owned(),
                one.tries.to_string(),
                one.on_exhausted.clone(),
                or_dash(one.waiting),
                one.failed.to_string(),
                one.blocked.to_string(),
                or_dash(one.dead_letters),
            ]
        });
        let headings = [
            "listener",
            "hears",
            "tries",
            "then",
            "waiting",
            "given up",
            "blocked",
            "dead letters",
        ];
        table(headings, &rows.collect::<Vec<_>>(), lines);
        Ok(())
    }
}
