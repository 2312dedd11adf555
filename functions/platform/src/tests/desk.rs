//! What the tests share: the module beside one that exists only here, whose listeners fail when
//! told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use contracts::Operation;
use events::Envelope;
use events::envelope::Origin;
use events::ops::ACTION_PERFORMED;
use kernel::{EntityKind, EntityRef, EventId, ScheduleId, TenantId};
use local::aws::sqs::NewMessage;
use local::{Options, Platform, seed};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::inbox::InboxKey;
use store::outbox::{Birth, OutboxRow, Status};
use store::{Consistency, INBOX, Item, OUTBOX, Query, Scope, Token, schedule, transition};

use crate::store::outbox::Outbox;

use super::demo::{DEMO, Effects, HAPPENED, Happened, LISTENER, MOVED, ORDERED, demo, effects};

pub const TENANT: TenantId = seed::DEMO_TENANT;
pub const REASON: &str = "the receiver was down";

/// A platform with a module whose listeners note what they handle.
pub struct Desk {
    pub platform: Platform,
    broken: Arc<AtomicBool>,
    looked_at: AtomicUsize,
}

impl Desk {
    pub async fn new() -> Self {
        Self::start(Options::in_memory()).await
    }

    pub async fn start(options: Options) -> Self {
        let broken = Arc::default();
        let modules = vec![crate::module(), demo(&broken)];
        let platform = Platform::start(modules, options).await.unwrap();
        Self { platform, broken, looked_at: AtomicUsize::new(0) }
    }

    /// From now on the listeners fail for good, or do not any more.
    pub fn breaks(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }

    /// What was handled since the last look, in order.
    pub async fn handled(&self) -> Vec<String> {
        let store = &self.platform.ports().store;
        let item = store.get_item(&DEMO, &effects(), Consistency::Strong).await.unwrap();
        let Some(item) = item else { return Vec::new() };
        let all: Effects = item.read().unwrap();
        let seen = self.looked_at.swap(all.handled.len(), Ordering::SeqCst);
        all.handled[seen..].to_vec()
    }

    /// Something happens and everything settles.
    pub async fn happens(&self, what: &str) {
        self.act(what, 1, false).await;
        self.platform.settle().await;
    }

    /// So many things happen at once, and everything settles.
    pub async fn many(&self, count: usize) {
        for n in 0..count {
            self.act(&format!("n{n}"), 1, false).await;
        }
        self.platform.settle().await;
    }

    /// Something happens, and the queue of this listener moves it aside, as after too many crashes.
    pub async fn crashes(&self, listener: &str, happening: impl Future<Output = ()>) {
        self.platform.mappings().enable(listener, false);
        happening.await;
        let name = format!("talaria-local-{}", listener.replace('.', "-"));
        let fifo = if listener == ORDERED { ".fifo" } else { "" };
        let (queue, dead) = (format!("{name}{fifo}"), format!("{name}-dlq{fifo}"));
        let queues = self.platform.cloud().queues();
        for message in queues.peek(&queue, usize::MAX).unwrap() {
            let aside = NewMessage {
                body: message.body,
                attributes: message.attributes,
                group: message.group,
                deduplication: message.deduplication,
                copies: 1,
                ..NewMessage::default()
            };
            queues.send(&dead, aside).unwrap();
        }
        queues.purge(&queue).unwrap();
        self.platform.mappings().enable(listener, true);
    }

    /// The outbox row of an event is gone: it was settled 30 days ago.
    pub async fn expires(&self, event: &str) {
        let store = &self.platform.ports().store;
        let key = Outbox::of(store).key(&event.parse().unwrap()).await.unwrap().unwrap();
        assert!(store.delete(&OUTBOX, &key, None).await.unwrap().done().is_some());
    }

    /// The listener forgets that it handled the first events.
    pub async fn forgets(&self, count: usize) {
        self.forgotten(LISTENER, HAPPENED.spec.name, count).await;
    }

    /// The ordered listener forgets its first moves; its cursor does not.
    pub async fn forgets_move(&self, count: usize) {
        self.forgotten(ORDERED, MOVED.spec.name, count).await;
    }

    async fn forgotten(&self, listener: &str, kind: &str, count: usize) {
        for address in self.events(kind).await.iter().take(count) {
            let event = address.rsplit('/').next().unwrap().parse().unwrap();
            let inbox = InboxKey::new(&Scope::tenant(TENANT).mode(true), listener, event, None);
            let store = &self.platform.ports().store;
            assert!(store.delete(&INBOX, inbox.key(), None).await.unwrap().done().is_some());
        }
    }

    /// The n-th move of a swap, in order.
    pub async fn moves(&self, what: &str, sequence: u64) {
        self.act(what, sequence, true).await;
        self.platform.settle().await;
    }

    async fn act(&self, what: &str, sequence: u64, ordered: bool) {
        let call = json!({
            "tenant": TENANT, "livemode": true, "actor": null, "correlation": "test",
            "causation": null, "traceparent": null,
            "request": Happened { what: what.to_owned(), sequence, ordered },
        });
        self.platform.invoke("demo.act", call).await.unwrap();
    }

    pub async fn minutes_pass(&self, minutes: u32) {
        for _ in 0..minutes {
            self.platform.pass(Duration::from_secs(60)).await;
        }
    }

    /// An operator asks.
    pub async fn asks<Q: Serialize, S: DeserializeOwned>(
        &self,
        operation: &Operation<Q, S>,
        request: Value,
    ) -> S {
        done(self.orders(operation, request, None, false, "k").await)
    }

    /// An operator tries a change without confirming it.
    pub async fn tries<Q: Serialize, S: DeserializeOwned>(
        &self,
        operation: &Operation<Q, S>,
        request: Value,
    ) -> S {
        done(self.orders(operation, request, Some(REASON), false, "k").await)
    }

    /// An operator confirms a change under this key, and everything settles.
    pub async fn does<Q: Serialize, S: DeserializeOwned>(
        &self,
        operation: &Operation<Q, S>,
        request: Value,
        key: &str,
    ) -> S {
        let report = self.orders(operation, request, Some(REASON), true, key).await;
        self.platform.settle().await;
        done(report)
    }

    /// An operator confirms a change, and may never hear of it.
    pub async fn stumbles<Q: Serialize, S: DeserializeOwned>(
        &self,
        operation: &Operation<Q, S>,
        request: Value,
        key: &str,
    ) {
        let order = json!({
            "operator": "ada", "reason": REASON, "confirmed": true, "key": key, "request": request,
        });
        // What went wrong is the fault that was injected.
        let _ = self.platform.invoke(operation.spec.id, order).await;
        self.platform.settle().await;
    }

    /// The code an order is refused with, confirmed or not.
    pub async fn refuses<Q: Serialize, S: DeserializeOwned>(
        &self,
        operation: &Operation<Q, S>,
        request: Value,
        reason: Option<&str>,
    ) -> String {
        let mut codes = Vec::new();
        for confirmed in [false, true] {
            let key = format!("refused {request}");
            let report = self.orders(operation, request.clone(), reason, confirmed, &key).await;
            codes.push(report["refused"]["code"].as_str().unwrap_or_default().to_owned());
        }
        assert_eq!(codes[0], codes[1], "a dry run refuses what the order refuses");
        codes.remove(0)
    }

    /// The code a confirmed order under this key is refused with.
    pub async fn refuses_confirmed<Q: Serialize, S: DeserializeOwned>(
        &self,
        operation: &Operation<Q, S>,
        request: Value,
        key: &str,
    ) -> String {
        let report = self.orders(operation, request, Some(REASON), true, key).await;
        report["refused"]["code"].as_str().unwrap_or_default().to_owned()
    }

    async fn orders<Q: Serialize, S: DeserializeOwned>(
        &self,
        operation: &Operation<Q, S>,
        request: Value,
        reason: Option<&str>,
        confirmed: bool,
        key: &str,
    ) -> Value {
        let order = json!({
            "operator": "ada", "reason": reason, "confirmed": confirmed, "key": key,
            "request": request,
        });
        self.platform.invoke(operation.spec.id, order).await.unwrap()
    }

    /// The actions of operators so far: function, reason and number of targets.
    pub async fn actions(&self) -> Vec<String> {
        let scope = Scope::tenant(TenantId::from_bytes([0; 16])).mode(true);
        let day = self.now().day();
        let query = store::outbox::of_day(&scope, &day, ACTION_PERFORMED.spec.public);
        let store = &self.platform.ports().store;
        let mut actions = Vec::new();
        for item in store.query_items(&query).await.unwrap().items {
            let key = item.key().unwrap();
            let row = store.get_item(&OUTBOX, &key, store::Consistency::Strong).await.unwrap();
            let envelope = row.unwrap().text("envelope").unwrap().to_owned();
            let data = Envelope::parse(&envelope).unwrap().data;
            let targets = data["targets"].as_array().unwrap().len();
            assert_eq!((&data["reason"], &data["operator"]), (&json!(REASON), &json!("ada")));
            actions.push(format!("{} {targets}", data["action"].as_str().unwrap()));
        }
        actions
    }

    pub fn now(&self) -> kernel::Timestamp {
        kernel::Timestamp::from_ms(self.platform.clock().now_ms())
    }

    /// Every item of every table an order may write, to see that a dry run changes nothing.
    pub async fn rows(&self, query: Query) -> Vec<Item> {
        self.platform.ports().store.query_items(&query).await.unwrap().items
    }

    /// The addresses of what happened so far, oldest first, of this type.
    pub async fn events(&self, kind: &str) -> Vec<String> {
        let scope = Scope::tenant(TENANT).mode(true);
        let query = store::outbox::of_day(&scope, &self.now().day(), false).limit(1000);
        let items = self.rows(query).await;
        let own = items.iter().filter(|item| item.text("type") == Some(kind));
        own.map(|item| format!("{TENANT}/l/{}", item.text("event_id").unwrap())).collect()
    }

    /// An event whose publishing was given up; its address.
    pub async fn unpublished(&self, what: &str) -> String {
        let mut row = self.row(what);
        row.status = Status::Processing;
        row.claim = Some("c".to_owned());
        self.commit(row.clone()).await;
        let refusal =
            transition::Refusal { code: "publish_refused".to_owned(), fingerprint: "f".to_owned() };
        let fail = transition::fail(&row.key, "c", &row.kind, &refusal, self.now());
        let store = &self.platform.ports().store;
        assert!(store.update(fail).await.unwrap().done().is_some());
        format!("{TENANT}/l/settings/{what}/1")
    }

    /// An event that was committed by a function that died right after.
    pub async fn born(&self, what: &str) {
        self.commit(self.row(what)).await;
    }

    /// A module plans an event in so many seconds.
    pub async fn schedules(&self, name: &str, seconds: u64) {
        let at = self.now().plus(Duration::from_secs(seconds));
        let plan = schedule::Plan {
            kind: HAPPENED.spec.name.to_owned(),
            major: 1,
            priority: "normal".to_owned(),
            public: false,
            envelope: String::new(),
            recurrence: None,
            misfire: schedule::Misfire::default(),
            precise: false,
        };
        let timer = schedule::TimerKey::new(TENANT, true, "demo", name);
        let update = timer.put(ScheduleId::from_bytes([7; 16]), &plan, at);
        assert!(self.platform.ports().store.update(update).await.unwrap().done().is_some());
    }

    async fn commit(&self, row: OutboxRow) {
        let token = Token::of(row.event_id.to_string().as_bytes(), 0);
        self.platform.ports().store.commit(row.into_change(), &token).await.unwrap();
    }

    fn row(&self, what: &str) -> OutboxRow {
        let scope = Scope::tenant(TENANT).mode(true);
        let subject = EntityRef::new(EntityKind::Settings, what);
        let (id, now) = (EventId::new(self.now(), [what.len() as u8; 10]), self.now());
        let origin = Origin {
            tenant: TENANT,
            livemode: true,
            actor: None,
            correlation: "test".to_owned(),
            causation: None,
            traceparent: None,
        };
        let data = json!(Happened { what: what.to_owned(), sequence: 1, ordered: false });
        let envelope = Envelope::new(&HAPPENED.spec, id, subject.clone(), 1, now, &origin, data);
        let birth = Birth {
            scope,
            subject,
            sequence: 1,
            event_id: id,
            kind: HAPPENED.spec.name.to_owned(),
            major: 1,
            module: "demo".to_owned(),
            ordered: false,
            priority: "normal".to_owned(),
            public: false,
            facet: None,
            envelope: envelope.to_bytes().unwrap(),
            traceparent: None,
        };
        OutboxRow::born(&birth, now)
    }
}

fn done<S: DeserializeOwned>(report: Value) -> S {
    assert!(report.get("done").is_some(), "{report}");
    serde_json::from_value(report["done"].clone()).unwrap()
}
