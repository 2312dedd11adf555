use clap::{Args, Subcommand};
use contracts::platform::{
    DLQ_LIST, DLQ_RETRY, DLQ_SKIP, DeadLetter, DeadLetterRetry, DeadLetterSkip, DeadLettersOf,
    EVENT_SHOW, EventShow, LISTENER_LIST, ListenerList,
};
use kernel::{List, Page};

use crate::console::Failure;
use crate::event_story;
use crate::operators::{
    Consent, Lines, Owner, Part, Place, json, limit, more, or_dash, plan, run, table,
};

/// Events that listeners gave up: list, look, retry, skip.
#[derive(Args)]
pub struct Dlq {
    #[command(subcommand)]
    command: DlqCommand,
}

#[derive(Subcommand)]
enum DlqCommand {
    Ls(Ls),
    Peek(Peek),
    Retry(Retry),
    Skip(Skip),
}

/// List what a listener gave up, oldest first; without one, the listeners that gave something up.
#[derive(Args)]
struct Ls {
    listener: Option<String>,
    #[command(flatten)]
    part: Part,
    #[command(flatten)]
    place: Place,
}

/// Tell the story of the oldest event a listener gave up.
#[derive(Args)]
struct Peek {
    listener: String,
    #[command(flatten)]
    place: Place,
}

/// Hand out again what a listener gave up: named events, or the oldest 100.
#[derive(Args)]
struct Retry {
    listener: String,
    /// Events as lists print them, at most 100.
    events: Vec<String>,
    #[command(flatten)]
    owner: Owner,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    place: Place,
}

/// Pass over an event a listener gave up; what it held up goes on.
#[derive(Args)]
struct Skip {
    listener: String,
    /// The event as lists print it.
    #[arg(required_unless_present = "unreadable")]
    event: Option<String>,
    /// Delete the messages of the dead-letter queue that are no events.
    #[arg(long, conflicts_with = "event")]
    unreadable: bool,
    #[command(flatten)]
    owner: Owner,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    place: Place,
}

impl Dlq {
    pub fn run(&self) -> Result<(), Failure> {
        run(async |lines| self.perform(lines).await)
    }

    /// Lists, shows, retries or skips; refuses where nothing answers.
    pub async fn perform(&self, lines: Lines<'_>) -> Result<(), Failure> {
        match &self.command {
            DlqCommand::Ls(ls) => ls.perform(lines).await,
            DlqCommand::Peek(peek) => peek.perform(lines).await,
            DlqCommand::Retry(retry) => {
                let events = retry.events.iter().map(|event| retry.owner.event(event));
                let events = events.collect::<Result<_, _>>()?;
                let request = DeadLetterRetry { listener: retry.listener.clone(), events };
                let desk = retry.place.desk()?;
                plan(&desk.order(&DLQ_RETRY, &request, &retry.consent).await?, &retry.place, lines);
                Ok(())
            }
            DlqCommand::Skip(skip) => {
                let event = skip.event.as_ref().map(|event| skip.owner.event(event));
                let event = event.transpose()?;
                let request = DeadLetterSkip { listener: skip.listener.clone(), event };
                let desk = skip.place.desk()?;
                plan(&desk.order(&DLQ_SKIP, &request, &skip.consent).await?, &skip.place, lines);
                Ok(())
            }
        }
    }
}

impl Ls {
    async fn perform(&self, lines: Lines<'_>) -> Result<(), Failure> {
        let Some(listener) = &self.listener else { return self.summary(lines).await };
        let request = self.part.of(DeadLettersOf { listener: listener.clone() })?;
        let list = self.place.desk()?.ask(&DLQ_LIST, &request).await?;
        if self.place.json {
            json(&list, lines);
            return Ok(());
        }
        let headings = ["failed", "cause", "attempts", "error", "fingerprint", "event"];
        table(headings, &list.data.iter().map(letter).collect::<Vec<_>>(), lines);
        more(list.next_cursor.as_ref(), lines);
        Ok(())
    }

    async fn summary(&self, lines: Lines<'_>) -> Result<(), Failure> {
        let request = ListenerList::default();
        let mut list = self.place.desk()?.ask(&LISTENER_LIST, &request).await?;
        list.data.retain(|one| one.failed > 0 || one.dead_letters.unwrap_or(0) > 0);
        if self.place.json {
            json(&list, lines);
            return Ok(());
        }
        let rows = list
            .data
            .iter()
            .map(|one| [one.listener.clone(), one.failed.to_string(), or_dash(one.dead_letters)]);
        table(["listener", "given up", "messages"], &rows.collect::<Vec<_>>(), lines);
        Ok(())
    }
}

fn letter(one: &DeadLetter) -> [String; 6] {
    [
        or_dash(one.failed_at),
        one.cause.clone(),
        one.attempts.to_string(),
        or_dash(one.error_code.as_ref()),
        or_dash(one.error_fingerprint.as_ref()),
        or_dash(one.event.as_ref()),
    ]
}

impl Peek {
    async fn perform(&self, lines: Lines<'_>) -> Result<(), Failure> {
        let desk = self.place.desk()?;
        let filters = DeadLettersOf { listener: self.listener.clone() };
        let request = List { limit: limit(1)?, ..List::of(filters) };
        let Page { data, .. } = desk.ask(&DLQ_LIST, &request).await?;
        let oldest = data.into_iter().find_map(|one| Some((one.event?, one.replay_id)));
        let Some((event, replay_id)) = oldest else {
            if !self.place.json {
                lines(format!("{} gave nothing up", self.listener));
            }
            return Ok(());
        };
        let replay_id = replay_id.and_then(|id| id.parse().ok());
        let request = EventShow { event, replay_id };
        let story = desk.ask(&EVENT_SHOW, &request).await?;
        match self.place.json {
            true => json(&story, lines),
            false => event_story::tell(&story, lines),
        }
        Ok(())
    }
}
