//! A life in plain lines: who called what and how it went, what clients were told, what became of each
//! event.

use local::connector::{Call, Outcome};
use store::outbox::OutboxRow;

use super::drive::Life;
use super::judge::Verdict;

/// One line per call, without anything that could differ between two runs of one plan.
pub fn of(life: &Life) -> Vec<String> {
    let began_ms = life.calls.first().map_or(0, |call| call.at_ms);
    life.calls.iter().map(|call| line(call, began_ms)).collect()
}

/// The whole story, for a person who has to find out what went wrong.
pub fn story(life: &Life, verdict: &Verdict) -> String {
    let began_ms = life.calls.first().map_or(0, |call| call.at_ms);
    let mut lines = vec![format!("seed {}", life.plan.seed), "broken:".to_owned()];
    lines.extend(verdict.0.iter().map(|broken| format!("  {broken}")));
    lines.push("plan:".to_owned());
    lines.push(format!("  {}", serde_json::to_string(&life.plan).unwrap_or_default()));
    lines.push("calls:".to_owned());
    let telling = life.calls.iter().filter(|call| !is_idle_look(call));
    lines.extend(telling.map(|call| format!("  {}", line(call, began_ms))));
    lines.push("answers:".to_owned());
    lines.extend(life.told.iter().map(|told| {
        format!(
            "  key {}: {} after {} tries ({:?})",
            told.ask.key, told.status, told.tries, told.ask
        )
    }));
    lines.push("events:".to_owned());
    lines.extend(life.rows.outbox.iter().map(|row| format!("  {}", event(life, row))));
    lines.push("listeners:".to_owned());
    lines.extend(life.rows.inbox.iter().map(|((listener, id, part), row)| {
        let code = row.last_error_code.as_deref().unwrap_or_default();
        let reason = row.skip_reason.as_deref().unwrap_or_default();
        format!("  {listener} {id} {part}: {:?} after {} {code}{reason}", row.state, row.attempts)
    }));
    let noted = life.rows.notes.iter();
    lines.extend(noted.map(|one| format!("  {} {}: {:?}", one.listener, one.subject, one.noted)));
    lines.push("dead letters:".to_owned());
    lines.extend(life.rows.dead.iter().map(|(queue, event, cause)| {
        format!("  {queue} {event} {}", if *cause { "with its cause" } else { "without a cause" })
    }));
    lines.join("\n")
}

fn line(call: &Call, began_ms: i64) -> String {
    let at_ms = call.at_ms - began_ms;
    let fault = call.fault.map(|fault| format!(" [{fault:?}]")).unwrap_or_default();
    let outcome = match &call.outcome {
        Outcome::Ok => "ok".to_owned(),
        other => format!("{other:?}"),
    };
    let targets: Vec<&str> = call
        .targets
        .iter()
        .map(|target| target.strip_prefix("talaria-local-").unwrap_or(target))
        .collect();
    format!(
        "+{}.{:03} s {} {} {} → {outcome}{fault}",
        at_ms / 1000,
        at_ms % 1000,
        call.function,
        call.operation,
        targets.join(","),
    )
}

/// The sweeper looking at a shard where nothing is due.
fn is_idle_look(call: &Call) -> bool {
    let sweeps = ["platform.relay_sweep", "platform.on_due"];
    sweeps.contains(&call.function.as_str()) && call.operation == "Query" && call.fault.is_none()
}

fn event(life: &Life, row: &OutboxRow) -> String {
    let times =
        |topic: &[events::Envelope]| topic.iter().filter(|event| event.id == row.event_id).count();
    let [standard, fifo] = &life.rows.heard;
    format!(
        "{} {} number {} of {}: {:?}, {} claims, published {} and {} times",
        row.event_id,
        row.kind,
        row.sequence,
        row.partitionkey,
        row.status,
        row.attempts,
        times(standard),
        times(fifo),
    )
}
