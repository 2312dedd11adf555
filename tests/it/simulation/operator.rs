//! What an operator does through the command: send again, and clear away what was given up.

use contracts::platform::{DeadLetterRetry, EventReplay, ReplayStart};
use local::Platform;
use serde::Serialize;
use serde_json::{Value, json};

use super::world::TENANTS;

/// How often a retry is ordered before an operator calls for help.
const ROUNDS: usize = 5;

/// Has one event sent again.
pub async fn replay(platform: &Platform, replay: &EventReplay) -> Result<Value, String> {
    order(platform, "platform.event_replay", "replay", replay).await
}

/// Has a range of a tenant's events sent to one listener again.
pub async fn range(platform: &Platform, range: &ReplayStart) -> Result<Value, String> {
    order(platform, "platform.replay_start", "range", range).await
}

/// Has everything a listener gave up handled again; answers whether there was anything.
pub async fn retry_dead(platform: &Platform, listener: &str, key: &str) -> Result<bool, String> {
    let request = DeadLetterRetry { listener: listener.to_owned(), events: Vec::new() };
    for round in 0..ROUNDS {
        let key = format!("{key}-{round}");
        match order(platform, "platform.dlq_retry", &key, &request).await {
            Ok(_) => return Ok(true),
            Err(refusal) if refusal.contains("not_failed") => return Ok(false),
            Err(other) if round + 1 == ROUNDS => return Err(other),
            Err(_) => {}
        }
    }
    Ok(false)
}

/// What a listener gave up, as the command lists it.
pub async fn dead(platform: &Platform, listener: &str) -> Vec<Value> {
    let request = json!({ "listener": listener });
    let shown = order(platform, "platform.dlq_list", "", &request).await.expect("a list");
    shown["data"].as_array().cloned().unwrap_or_default()
}

/// Has a listener pass over an event of the first tenant (`<entity type>/<entity id>/<sequence>`).
pub async fn skip_dead(platform: &Platform, listener: &str, event: &str) -> Result<Value, String> {
    let event = format!("{}/l/{event}", TENANTS[0]);
    let request = json!({ "listener": listener, "event": event });
    order(platform, "platform.dlq_skip", "skip", &request).await
}

async fn order(
    platform: &Platform,
    function: &str,
    key: &str,
    request: &impl Serialize,
) -> Result<Value, String> {
    let order = json!({
        "operator": "simulation",
        "reason": "as planned",
        "confirmed": true,
        "key": format!("{function}-{key}"),
        "request": request,
    });
    let answer = platform.invoke(function, order).await.map_err(|error| error.to_string())?;
    match answer.get("done") {
        Some(done) => Ok(done.clone()),
        None => Err(answer.to_string()),
    }
}
