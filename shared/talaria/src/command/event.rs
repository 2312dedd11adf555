use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use contracts::platform::{
    EVENT_REPLAY, EVENT_SHOW, EventReplay, EventShow, Only, REPLAY_CANCEL, REPLAY_GET,
    REPLAY_START, ReplayGet, ReplayStart, ReplayView,
};
use kernel::{ReplayId, Timestamp};
use runtime::clock::{Clock, WallClock};

use crate::console::Failure;
use crate::event_story;
use crate::operators::{Consent, Desk, Lines, Owner, Place, json, json_line, plan, run};

/// How often the progress of a replay is asked for.
const POLL: Duration = Duration::from_secs(1);

/// See an event across every hop, or have it handled again.
#[derive(Args)]
pub struct Event {
    #[command(subcommand)]
    command: EventCommand,
}

#[derive(Subcommand)]
enum EventCommand {
    Show(Show),
    Replay(Box<Replay>),
}

/// Tell the story of one event: publication, listeners, what it caused.
#[derive(Args)]
struct Show {
    /// <tenant>/<l|t>/<event id>, or an id with --tenant.
    event: String,
    #[command(flatten)]
    owner: Owner,
    /// What listeners did under this replay instead of the first delivery.
    #[arg(long, value_name = "ID")]
    replay: Option<ReplayId>,
    #[command(flatten)]
    place: Place,
}

/// Publish an event again, send it to one listener again, or send a range of events.
#[derive(Args)]
struct Replay {
    /// One event; without it a range from --since.
    event: Option<String>,
    /// Only this listener.
    #[arg(long, value_name = "ID")]
    listener: Option<String>,
    /// Handle it again although it was handled, whatever order says.
    #[arg(long, requires = "event", requires = "listener")]
    force: bool,
    /// The range's start: an instant, or so long ago (90m, 2h, 3d).
    #[arg(long, value_parser = instant, conflicts_with = "event", requires = "listener")]
    since: Option<Timestamp>,
    /// The range's end; now unless stated.
    #[arg(long, value_parser = instant, requires = "since")]
    until: Option<Timestamp>,
    /// Only events of this type; may be repeated.
    #[arg(long = "type", value_name = "NAME", requires = "since")]
    types: Vec<String>,
    /// Which events of the range.
    #[arg(long, value_enum, default_value = "missing", requires = "since")]
    only: Which,
    /// Events a second, 1 to 200.
    #[arg(long, default_value_t = 50)]
    rate: u32,
    /// Do not wait for the end.
    #[arg(long)]
    detach: bool,
    /// Watch a replay that was started before.
    #[arg(long, value_name = "ID", conflicts_with_all = ["event", "since", "cancel"])]
    follow: Option<ReplayId>,
    /// End a replay before its end.
    #[arg(long, value_name = "ID", conflicts_with_all = ["event", "since"])]
    cancel: Option<ReplayId>,
    #[command(flatten)]
    owner: Owner,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    place: Place,
}

#[derive(Clone, Copy, ValueEnum)]
enum Which {
    /// Every one, again.
    All,
    /// Those the listener gave up.
    Failed,
    /// Those it has no record of.
    Missing,
}

impl Event {
    pub fn run(&self) -> Result<(), Failure> {
        run(async |lines| self.perform(lines).await)
    }

    /// Shows or replays; refuses where nothing answers.
    pub async fn perform(&self, lines: Lines<'_>) -> Result<(), Failure> {
        match &self.command {
            EventCommand::Show(show) => show.perform(lines).await,
            EventCommand::Replay(replay) => replay.perform(lines).await,
        }
    }
}

impl Show {
    async fn perform(&self, lines: Lines<'_>) -> Result<(), Failure> {
        let event = self.owner.event(&self.event)?;
        let request = EventShow { event, replay_id: self.replay };
        let story = self.place.desk()?.ask(&EVENT_SHOW, &request).await?;
        if self.place.json {
            json(&story, lines);
        } else {
            event_story::tell(&story, lines);
        }
        Ok(())
    }
}

impl Replay {
    async fn perform(&self, lines: Lines<'_>) -> Result<(), Failure> {
        let desk = self.place.desk()?;
        if let Some(replay_id) = self.follow {
            return self.follow(&desk, replay_id, lines).await;
        }
        if let Some(replay_id) = self.cancel {
            let request = ReplayGet { replay_id };
            let done = desk.order(&REPLAY_CANCEL, &request, &self.consent).await?;
            plan(&done, &self.place, lines);
            return Ok(());
        }
        match (&self.event, self.since) {
            (Some(event), _) => self.one(&desk, event, lines).await,
            (None, Some(since)) => self.range(&desk, since, lines).await,
            (None, None) => Err(Failure::refused(
                "name an event, or a range with --listener and --since, or --follow, or --cancel",
            )),
        }
    }

    async fn one(&self, desk: &Desk, event: &str, lines: Lines<'_>) -> Result<(), Failure> {
        let request = EventReplay {
            event: self.owner.event(event)?,
            listener: self.listener.clone(),
            force: self.force,
        };
        let done = desk.order(&EVENT_REPLAY, &request, &self.consent).await?;
        plan(&done, &self.place, lines);
        Ok(())
    }

    async fn range(&self, desk: &Desk, since: Timestamp, lines: Lines<'_>) -> Result<(), Failure> {
        let refused = || Failure::refused("a range is of one tenant: say which with --tenant");
        let request = ReplayStart {
            listener: self.listener.clone().unwrap_or_default(),
            types: self.types.clone(),
            from: since,
            to: self.until.unwrap_or_else(|| WallClock.now()),
            tenant_id: self.owner.tenant.ok_or_else(refused)?,
            livemode: !self.owner.test,
            only: match self.only {
                Which::All => Only::All,
                Which::Failed => Only::Failed,
                Which::Missing => Only::Missing,
            },
            rate_per_s: self.rate,
        };
        let done = desk.order(&REPLAY_START, &request, &self.consent).await?;
        plan(&done, &self.place, lines);
        match done.replay_id.filter(|_| done.done && !self.detach) {
            Some(replay_id) => self.follow(desk, replay_id, lines).await,
            None => Ok(()),
        }
    }

    /// Prints how far the replay is, until it is over.
    async fn follow(
        &self,
        desk: &Desk,
        replay_id: ReplayId,
        lines: Lines<'_>,
    ) -> Result<(), Failure> {
        let mut told = None;
        loop {
            let view = desk.ask(&REPLAY_GET, &ReplayGet { replay_id }).await?;
            if told.as_ref() != Some(&view) {
                if self.place.json {
                    json_line(&view, lines);
                } else {
                    lines(progress(&view));
                }
            }
            if view.state.is_over() {
                return Ok(());
            }
            told = Some(view);
            tokio::time::sleep(POLL).await;
        }
    }
}

fn progress(view: &ReplayView) -> String {
    let mut line = format!(
        "{:?}: {} chunks, {} events seen, {} sent, {} left alone",
        view.state, view.chunks, view.seen, view.sent, view.passed_over
    )
    .to_lowercase();
    if view.unreadable > 0 {
        line.push_str(&format!(", {} unreadable in the archive", view.unreadable));
    }
    line
}

/// An instant, or so long before now: `90m`, `2h`, `3d`.
fn instant(text: &str) -> Result<Timestamp, String> {
    let ago = |unit: char, seconds: u64| {
        let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
        Some(WallClock.now().minus(Duration::from_secs(count.checked_mul(seconds)?)))
    };
    let ago = ago('m', 60).or_else(|| ago('h', 3_600)).or_else(|| ago('d', 86_400));
    match ago {
        Some(at) => Ok(at),
        None => text.parse().map_err(|_| {
            "write an instant like 2026-11-21T12:00:00Z, or 90m, 2h, 3d ago".to_owned()
        }),
    }
}

#[cfg(test)]
mod tests {
    use kernel::TenantId;

    use super::*;

    #[test]
    fn progress_tells_of_unreadable_lines_where_there_are_some() {
        let at = Timestamp::from_ms(0);
        let mut view = ReplayView {
            replay_id: ReplayId::from_bytes([1; 16]),
            state: contracts::platform::ReplayState::Running,
            listener: "a.on_b".to_owned(),
            types: Vec::new(),
            tenant_id: TenantId::from_bytes([1; 16]),
            livemode: true,
            from: at,
            to: at,
            only: Only::All,
            rate_per_s: 1,
            chunks: 2,
            seen: 9,
            sent: 7,
            passed_over: 2,
            unreadable: 0,
            operator: "ada".to_owned(),
            reason: "because".to_owned(),
            started_at: at,
            updated_at: at,
        };
        let usual = "running: 2 chunks, 9 events seen, 7 sent, 2 left alone";
        assert_eq!(progress(&view), usual);
        view.unreadable = 3;
        assert_eq!(progress(&view), format!("{usual}, 3 unreadable in the archive"));
    }

    #[test]
    fn instants_are_absolute_or_ago() {
        assert_eq!(instant("2026-11-21T12:00:00Z").map(|at| at.ms()), Ok(1_795_262_400_000));
        let now = WallClock.now();
        for (text, seconds) in [("90m", 5_400), ("2h", 7_200), ("3d", 259_200)] {
            let ago = now.since(instant(text).unwrap()).as_secs();
            assert!((seconds - 60..=seconds).contains(&ago), "{text}: {ago}");
        }
        for text in ["", "h", "yesterday", "2026-11-21", "-1h", "99999999999999999999d"] {
            assert!(instant(text).is_err(), "{text}");
        }
    }
}
