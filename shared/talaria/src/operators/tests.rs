//! The commands of operators as they are typed, against a platform in this process that is reached
//! through its port.

use clap::Parser;
use local::{Options, Platform, seed};
use serde_json::Value;
use store::{Item, Scope};

use super::*;
use crate::{Command, Talaria};

/// What a command printed, or why it did not.
async fn typed(words: &[&str]) -> Result<Vec<String>, String> {
    let words = std::iter::once("talaria").chain(words.iter().copied());
    let parsed = Talaria::try_parse_from(words).map_err(|fault| fault.to_string())?;
    let mut printed = Vec::new();
    let lines: Lines<'_> = &mut |line| printed.push(line);
    let done = match parsed.command {
        Command::Dlq(dlq) => dlq.perform(lines).await,
        Command::Event(event) => event.perform(lines).await,
        Command::Listener(listener) => listener.perform(lines).await,
        Command::Outbox(outbox) => outbox.perform(lines).await,
        Command::Schedule(schedule) => schedule.perform(lines).await,
        _ => panic!("no command of operators"),
    };
    done.map(|()| printed).map_err(|fault| fault.to_string())
}

struct Running {
    platform: Platform,
    endpoint: String,
}

impl Running {
    /// The whole platform, in memory, with its seed.
    async fn start() -> Self {
        let options = Options { port: Some(0), ..Options::in_memory() };
        let platform = Platform::start(catalog::modules(), options).await.unwrap();
        platform.settle().await;
        let endpoint = format!("http://{}", platform.addresses().unwrap().aws);
        Self { platform, endpoint }
    }

    async fn types(&self, line: &str) -> Result<Vec<String>, String> {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        words.extend(["--endpoint", &self.endpoint]);
        typed(&words).await
    }

    async fn prints(&self, line: &str) -> String {
        self.types(line).await.unwrap_or_else(|fault| panic!("{line}: {fault}")).join("\n")
    }

    /// The address of the newest event of the owner's registration.
    async fn event(&self) -> String {
        let store = &self.platform.ports().store;
        let tenant = seed::PLATFORM_TENANT;
        let now = kernel::Timestamp::from_ms(self.platform.clock().now_ms());
        let scope = Scope::tenant(tenant).mode(true);
        let query = store::outbox::of_day(&scope, &now.day(), true);
        let items = store.query_items(&query).await.unwrap().items;
        let event = items.first().and_then(|item: &Item| item.text("event_id")).unwrap();
        format!("{tenant}/l/{event}")
    }
}

#[test]
fn commands_that_cannot_be_meant_are_refused_before_anything_is_asked() {
    let event = "cli_00000000000000000000000000/l/evt_01jd6gr000200r40m30r2gc1g0";
    let accepted = [
        format!("event show {event}"),
        format!("event replay {event} --listener a.on_b --force --yes --reason because"),
        "event replay --listener a.on_b --since 2h --until 1h --only all --rate 5".to_owned(),
        "event replay --follow rpl_01jd6gr000200r40m30r2gc1g0".to_owned(),
        "event replay --cancel rpl_01jd6gr000200r40m30r2gc1g0 --yes --reason because".to_owned(),
        "outbox ls --failed --type a.b.c --json".to_owned(),
        format!("outbox retry {event} {event}"),
        "outbox skip --type a.b.c".to_owned(),
        "dlq ls".to_owned(),
        "dlq peek a.on_b --stack prod".to_owned(),
        format!("dlq skip a.on_b {event}"),
        "schedule cancel cli_00000000000000000000000000/l/billing/renewal/sub_1".to_owned(),
        "simulate --seeds 5 --minutes 1 --seed 3".to_owned(),
    ];
    for line in accepted {
        let words = std::iter::once("talaria").chain(line.split_whitespace());
        let parsed = Talaria::try_parse_from(words);
        assert!(parsed.is_ok(), "{line}: {}", parsed.err().unwrap());
    }
    let refused = [
        "event show".to_owned(),
        format!("event replay {event} --force"),
        format!("event replay {event} --since 2h --listener a.on_b"),
        "event replay --since 2h".to_owned(),
        "event replay --listener a.on_b --since yesterday".to_owned(),
        "event replay --listener a.on_b --since 2h --only some".to_owned(),
        "outbox retry".to_owned(),
        format!("outbox retry {event} --type a.b.c"),
        "dlq skip a.on_b".to_owned(),
        "schedule run renewal".to_owned(),
        "listener ls --stack prod --endpoint http://127.0.0.1:1".to_owned(),
        "simulate --minutes 0".to_owned(),
    ];
    for line in refused {
        let words = std::iter::once("talaria").chain(line.split_whitespace());
        assert!(Talaria::try_parse_from(words).is_err(), "{line}");
    }
}

#[test]
fn an_id_alone_needs_its_tenant() {
    let owner = |tenant: Option<TenantId>, test| Owner { tenant, test };
    let tenant = TenantId::from_bytes([0; 16]);
    let id = "evt_01jd6gr000200r40m30r2gc1g0";
    let full = format!("{tenant}/t/{id}");
    assert_eq!(owner(Some(tenant), true).event(id).unwrap().to_string(), full);
    assert_eq!(owner(None, false).event(&full).unwrap().to_string(), full);
    for text in [id, "evt_1", "payment/pay_1/1"] {
        assert!(owner(None, false).event(text).is_err(), "{text}");
    }
}

#[tokio::test]
async fn where_nothing_answers_the_command_says_how_to_start_it() {
    // The port of a listener that is gone: nobody has it.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let refused = typed(&["listener", "ls", "--endpoint", &endpoint]).await.unwrap_err();
    assert!(refused.contains("cargo local") && refused.contains(&endpoint), "{refused}");
}

#[tokio::test]
async fn every_command_shows_a_running_platform() {
    let running = Running::start().await;
    let listeners = running.prints("listener ls").await;
    assert!(listeners.starts_with("listener "), "{listeners}");
    assert!(listeners.contains("notification.on_event"), "{listeners}");
    let one = running.prints("listener ls notification.on_event --json").await;
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(one["data"][0]["failed"], 0, "{one}");
    for empty in ["outbox ls --failed", "outbox ls", "dlq ls", "dlq ls notification.on_event"] {
        assert_eq!(running.prints(empty).await, "nothing", "{empty}");
    }
    assert_eq!(
        running.prints("dlq peek notification.on_event").await,
        "notification.on_event gave nothing up"
    );
    assert!(running.types("schedule ls --limit 5").await.is_ok());
    assert!(running.types("schedule ls --limit 500").await.is_err());
    let event = running.event().await;
    let story = running.prints(&format!("event show {event}")).await;
    for part in ["committed", "published", "notification.on_event", "done", "ms from commit"] {
        assert!(story.contains(part), "{part}: {story}");
    }
    let json = running.prints(&format!("event show {event} --json")).await;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["status"], "sent");
}

#[tokio::test]
async fn a_change_needs_a_reason_and_is_a_dry_run_until_it_is_confirmed() {
    let running = Running::start().await;
    let event = running.event().await;
    let replay = format!("event replay {event}");
    let refused = running.types(&replay).await.unwrap_err();
    assert!(refused.contains("--reason"), "{refused}");
    let dry = running.prints(&format!("{replay} --reason because")).await;
    assert!(dry.ends_with("add --yes to do it"), "{dry}");
    let confirmed = format!("{replay} --reason because --yes --key k");
    let done = running.prints(&confirmed).await;
    assert!(!done.contains("dry run"), "{done}");
    assert_eq!(running.prints(&confirmed).await, done, "one key, one order");
    let story = running.prints(&format!("event show {event}")).await;
    assert!(story.contains("replay 1"), "{story}");
    let unknown = running.types("dlq retry demo.on_nothing --reason because").await.unwrap_err();
    assert!(unknown.starts_with("not_found"), "{unknown}");
    let range = format!(
        "event replay --listener notification.on_event --since 2020-01-01T00:00:00Z --tenant {} \
         --reason because",
        seed::PLATFORM_TENANT
    );
    let wide = running.types(&range).await.unwrap_err();
    assert!(wide.starts_with("range_too_wide"), "{wide}");
}

#[tokio::test]
async fn a_range_is_replayed_and_its_progress_followed_to_the_end() {
    let running = Running::start().await;
    let range = format!(
        "event replay --listener notification.on_event --since 2030-05-31T00:00:00Z --until \
         2030-06-01T13:00:00Z --tenant {} --reason because --yes --detach --json",
        seed::PLATFORM_TENANT
    );
    let started: Value = serde_json::from_str(&running.prints(&range).await).unwrap();
    let id = started["replay_id"].as_str().unwrap();
    let minute = std::time::Duration::from_secs(61);
    for _ in 0..3 {
        running.platform.pass(minute).await;
    }
    let progress = running.prints(&format!("event replay --follow {id}")).await;
    assert!(progress.starts_with("done: ") && progress.contains("0 sent"), "{progress}");
    let line = running.prints(&format!("event replay --follow {id} --json")).await;
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["state"], "done", "{line}");
    let over = format!("event replay --cancel {id} --reason because --yes");
    let over = running.prints(&over).await;
    assert!(over.contains("left alone: it is over"), "{over}");
}
