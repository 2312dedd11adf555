use clap::{Args, Subcommand};
use contracts::platform::{
    EventAddress, OUTBOX_LIST, OUTBOX_RETRY, OUTBOX_SKIP, OutboxChoice, OutboxPart, Unpublished,
};

use crate::console::Failure;
use crate::operators::{Consent, Lines, Owner, Part, Place, json, more, or_dash, plan, run, table};

/// Events that were not published: list, retry, skip.
#[derive(Args)]
pub struct Outbox {
    #[command(subcommand)]
    command: OutboxCommand,
}

#[derive(Subcommand)]
enum OutboxCommand {
    Ls(Ls),
    /// Publish events that were given up.
    Retry(Choice),
    /// Pass over events that were given up: nobody hears them.
    Skip(Choice),
}

/// List events that wait to be published, or with --failed those that were given up.
#[derive(Args)]
struct Ls {
    /// Those that were given up.
    #[arg(long)]
    failed: bool,
    /// Only this type.
    #[arg(long = "type", value_name = "NAME")]
    kind: Option<String>,
    #[command(flatten)]
    part: Part,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct Choice {
    /// Events as lists print them, at most 100.
    #[arg(required_unless_present = "kind", conflicts_with = "kind")]
    events: Vec<String>,
    /// The oldest 100 of this type instead.
    #[arg(long = "type", value_name = "NAME")]
    kind: Option<String>,
    #[command(flatten)]
    owner: Owner,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    place: Place,
}

impl Outbox {
    pub fn run(&self) -> Result<(), Failure> {
        run(async |lines| self.perform(lines).await)
    }

    /// Lists, retries or skips; refuses where nothing answers.
    pub async fn perform(&self, lines: Lines<'_>) -> Result<(), Failure> {
        let (operation, choice) = match &self.command {
            OutboxCommand::Ls(ls) => return ls.perform(lines).await,
            OutboxCommand::Retry(choice) => (&OUTBOX_RETRY, choice),
            OutboxCommand::Skip(choice) => (&OUTBOX_SKIP, choice),
        };
        let events = choice.events.iter().map(|event| choice.owner.event(event));
        let events: Vec<EventAddress> = events.collect::<Result<_, _>>()?;
        let request = OutboxChoice { events, kind: choice.kind.clone() };
        let done = choice.place.desk()?.order(operation, &request, &choice.consent).await?;
        plan(&done, &choice.place, lines);
        Ok(())
    }
}

impl Ls {
    async fn perform(&self, lines: Lines<'_>) -> Result<(), Failure> {
        let request = self.part.of(OutboxPart {
            status: if self.failed { Unpublished::Failed } else { Unpublished::Pending },
            kind: self.kind.clone(),
        })?;
        let list = self.place.desk()?.ask(&OUTBOX_LIST, &request).await?;
        if self.place.json {
            json(&list, lines);
            return Ok(());
        }
        let rows = list.data.iter().map(|line| {
            [
                line.kind.clone(),
                line.status.clone(),
                line.attempts.to_string(),
                or_dash(line.error_code.as_ref()),
                line.committed_at.to_string(),
                line.event.to_string(),
            ]
        });
        let headings = ["type", "status", "attempts", "error", "committed", "event"];
        table(headings, &rows.collect::<Vec<_>>(), lines);
        more(list.next_cursor.as_ref(), lines);
        Ok(())
    }
}
