//! The story of an event, as a person reads it.

use contracts::platform::EventStory;

use crate::operators::{Lines, or_dash, table};

/// Writes the story: the event, its publication, its listeners, what it caused.
pub fn tell(story: &EventStory, lines: Lines<'_>) {
    lines(format!("{} {}", story.kind, story.event_id));
    lines(format!("  at         {}", story.address));
    let published = match (story.published_at, story.commit_to_publish_ms) {
        (Some(at), Some(ms)) => format!("{at}, {ms} ms later, by {}", or_dash(story.bell.as_ref())),
        _ => "not yet".to_owned(),
    };
    lines(format!("  committed  {}", story.committed_at));
    lines(format!("  published  {published}"));
    let error = story.error_code.as_ref().map(|code| format!(", last error {code}"));
    lines(format!(
        "  status     {}, {} attempts, replay {}{}",
        story.status,
        story.attempts,
        story.replay_no,
        error.unwrap_or_default()
    ));
    lines(format!("  request    {}", or_dash(story.correlation_id.as_ref())));
    lines(format!("  caused by  {}", or_dash(story.causation_id)));
    lines(format!("  trace      {}", or_dash(story.trace_id.as_ref())));
    lines(format!("  data       {}", story.envelope.get("data").cloned().unwrap_or_default()));
    lines(String::new());
    let heard: Vec<[String; 6]> = story
        .listeners
        .iter()
        .map(|one| {
            let cause = one.error_code.as_ref().or(one.skip_reason.as_ref()).cloned();
            let blocked = one.blocked_by.map(|event| format!("blocked by {event}"));
            [
                one.listener.clone(),
                one.state.clone().unwrap_or_else(|| "no record".to_owned()),
                one.attempts.to_string(),
                or_dash(one.publish_to_consumed_ms),
                or_dash(one.commit_to_consumed_ms),
                or_dash(cause.or(blocked)),
            ]
        })
        .collect();
    let headings = ["listener", "state", "attempts", "ms from topic", "ms from commit", "why"];
    table(headings, &heard, lines);
    if !story.caused.is_empty() {
        lines(String::new());
        let caused = story.caused.iter().map(|one| {
            let after = format!("+{} ms", one.after_ms);
            [one.kind.clone(), one.status.clone(), after, one.event.to_string()]
        });
        table(["caused", "status", "after", "event"], &caused.collect::<Vec<_>>(), lines);
    }
    if let Some(until) = story.caused_searched_until {
        lines(format!("what it caused was searched for until {until}"));
    }
}
