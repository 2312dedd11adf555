//! What the tests share: the module beside one that exists only here, whose listeners fail when
//! told to.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use contracts::Operation;
use events::Envelope;
use events::ops::ACTION_PERFORMED;
use kernel::{ScheduleId, TenantId};
use local::aws::sqs::NewMessage;
use local::{Harness, Options, seed};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::inbox::InboxKey;
use store::outbox::{OutboxRow, Status};
use store::{Consistency, INBOX, OUTBOX, Scope, Token, schedule, transition};

use crate::store::outbox::Outbox;

use super::demo::{ACT, DEMO, Effects, HAPPENED, Happened, LISTENER, MOVED, ORDERED};
use super::demo::{demo, effects};

pub const TENANT: TenantId = seed::DEMO_TENANT;
pub const REASON: &str = "the receiver was down";

/// A platform with a module whose listeners note what they handle.
pub struct Desk {
    harness: Harness,
    broken: Arc<AtomicBool>,
    looked_at: AtomicUsize,
}

impl Deref for Desk {
    type Target = Harness;

    fn deref(&self) -> &Harness {
        &self.harness
    }
}

impl Desk {
    pub async fn new() -> Self {
        Self::start(Options::in_memory()).await
    }

    pub async fn start(options: Options) -> Self {
        let broken = Arc::default();
        let modules = vec![crate::module(), demo(&broken)];
        let harness = Harness::start(modules, options).await;
        Self { harness, broken, looked_at: AtomicUsize::new(0) }
    }

    /// From now on the listeners fail for good, or do not any more.
    pub fn fails(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }

    /// What was handled since the last look, in order.
    pub async fn handled(&self) -> Vec<String> {
        let store = &self.ports().store;
        let item = store.get_item(&DEMO, &effects(), Consistency::Strong).await.unwrap();
        let Some(item) = item else { return Vec::new() };
        let all: Effects = item.read().unwrap();
        let seen = self.looked_at.swap(all.handled.len(), Ordering::SeqCst);
        all.handled[seen..].to_vec()
    }

    /// Something happens and everything settles.
    pub async fn happens(&self, what: &str) {
        self.act(what, 1, false).await;
        self.settle().await;
    }

    /// So many things happen at once, and everything settles.
    pub async fn many(&self, count: usize) {
        for n in 0..count {
            self.act(&format!("n{n}"), 1, false).await;
        }
        self.settle().await;
    }

    /// Something happens, and the queue of this listener moves it aside, as after too many crashes.
    pub async fn crashes(&self, listener: &str, happening: impl Future<Output = ()>) {
        self.mappings().enable(listener, false);
        happening.await;
        let hearing = self.ports().backbone().listener(listener).unwrap();
        let full = |name: &str| format!("talaria-local-{name}");
        let (queue, dead) = (full(&hearing.queue), full(&hearing.dead_letter_queue));
        let queues = self.cloud().queues();
        for message in self.waiting(listener) {
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
        self.mappings().enable(listener, true);
    }

    /// The outbox row of an event is gone: it was settled 30 days ago.
    pub async fn expires(&self, event: &str) {
        let store = &self.ports().store;
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
            let store = &self.ports().store;
            assert!(store.delete(&INBOX, inbox.key(), None).await.unwrap().done().is_some());
        }
    }

    /// The n-th move of a swap, in order.
    pub async fn moves(&self, what: &str, sequence: u64) {
        self.act(what, sequence, true).await;
        self.settle().await;
    }

    async fn act(&self, what: &str, sequence: u64, ordered: bool) {
        let what = what.to_owned();
        self.call(&ACT, &Happened { what, sequence, ordered }).await.unwrap();
    }

    /// An operator asks.
    pub async fn asks<Q, S: DeserializeOwned>(
        &self,
        operation: &Operation<Q, S>,
        request: Value,
    ) -> S {
        self.operate(operation, request).send().await.unwrap()
    }

    /// An operator tries a change without confirming it.
    pub async fn tries<Q, S: DeserializeOwned>(
        &self,
        operation: &Operation<Q, S>,
        request: Value,
    ) -> S {
        self.operate(operation, request).because(Some(REASON)).send().await.unwrap()
    }

    /// An operator confirms a change under this key, and everything settles.
    pub async fn does<Q, S: DeserializeOwned>(
        &self,
        operation: &Operation<Q, S>,
        request: Value,
        key: &str,
    ) -> S {
        let order = self.operate(operation, request).because(Some(REASON)).confirmed();
        let done = order.key(key).send().await;
        self.settle().await;
        done.unwrap()
    }

    /// An operator confirms a change, and may never hear of it.
    pub async fn stumbles<Q, S: DeserializeOwned>(
        &self,
        operation: &Operation<Q, S>,
        request: Value,
        key: &str,
    ) {
        let order = self.operate(operation, request).because(Some(REASON)).confirmed();
        // What went wrong is the fault that was injected.
        let _ = order.key(key).send().await;
        self.settle().await;
    }

    /// The code an order is refused with, confirmed or not.
    pub async fn refuses<Q, S: DeserializeOwned>(
        &self,
        operation: &Operation<Q, S>,
        request: Value,
        reason: Option<&str>,
    ) -> String {
        let order = || self.operate(operation, request.clone()).because(reason);
        let tried = order().send().await.err().unwrap().code;
        let confirmed = order().confirmed().send().await.err().unwrap().code;
        assert_eq!(tried, confirmed, "a dry run refuses what the order refuses");
        tried
    }

    /// The code a confirmed order under this key is refused with.
    pub async fn refuses_confirmed<Q, S: DeserializeOwned>(
        &self,
        operation: &Operation<Q, S>,
        request: Value,
        key: &str,
    ) -> String {
        let order = self.operate(operation, request).because(Some(REASON)).confirmed();
        order.key(key).send().await.err().unwrap().code
    }

    /// The actions of operators so far: function, reason and number of targets.
    pub async fn actions(&self) -> Vec<String> {
        let scope = Scope::tenant(TenantId::from_bytes([0; 16])).mode(true);
        let day = self.now().day();
        let query = store::outbox::of_day(&scope, &day, ACTION_PERFORMED.spec.public);
        let mut actions = Vec::new();
        for item in self.items(query).await {
            let row: OutboxRow = self.row(&item.key().unwrap()).await.unwrap();
            let data = Envelope::parse(&row.envelope).unwrap().data;
            let targets = data["targets"].as_array().unwrap().len();
            assert_eq!((&data["reason"], &data["operator"]), (&json!(REASON), &json!("ada")));
            actions.push(format!("{} {targets}", data["action"].as_str().unwrap()));
        }
        actions
    }

    /// The addresses of what happened so far, oldest first, of this type.
    pub async fn events(&self, kind: &str) -> Vec<String> {
        let scope = Scope::tenant(TENANT).mode(true);
        let query = store::outbox::of_day(&scope, &self.now().day(), false).limit(1000);
        let items = self.items(query).await;
        let own = items.iter().filter(|item| item.text("type") == Some(kind));
        own.map(|item| format!("{TENANT}/l/{}", item.text("event_id").unwrap())).collect()
    }

    /// An event whose publishing was given up; its address.
    pub async fn unpublished(&self, what: &str) -> String {
        let mut row = self.row_of(what).await;
        row.status = Status::Processing;
        row.claim = Some("c".to_owned());
        self.commit(row.clone()).await;
        let refusal =
            transition::Refusal { code: "publish_refused".to_owned(), fingerprint: "f".to_owned() };
        let fail = transition::fail(&row.key, "c", &row.kind, &refusal, self.now());
        let store = &self.ports().store;
        assert!(store.update(fail).await.unwrap().done().is_some());
        format!("{TENANT}/l/settings/{what}/1")
    }

    /// An event that was committed by a function that died right after.
    pub async fn born(&self, what: &str) {
        self.commit(self.row_of(what).await).await;
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
        assert!(self.ports().store.update(update).await.unwrap().done().is_some());
    }

    async fn commit(&self, row: OutboxRow) {
        let token = Token::of(row.event_id.to_string().as_bytes(), 0);
        self.ports().store.commit(row.into_change(), &token).await.unwrap();
    }

    async fn row_of(&self, what: &str) -> OutboxRow {
        let data = Happened { what: what.to_owned(), sequence: 1, ordered: false };
        self.outbox_row(&HAPPENED, what, &data).await
    }
}
