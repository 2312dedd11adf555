//! One person signs up, confirms and signs in, with a client that tries again; and what must be true
//! once the faults have stopped.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use local::fault::{Fault, FaultPlan, Faults};
use local::harness::Answer;
use serde_json::{Value, json};

use crate::talaria::{PASSWORD, Session, Talaria};

const ADA: &str = "ada@example.com";
/// How often a client tries again before it gives up.
const TRIES: usize = 6;
/// Minutes to wait for what a fault has put off: outbox grace, sweeper, visibility, back-off.
const PAUSES_MIN: [u64; 8] = [1, 1, 1, 2, 5, 10, 15, 15];

/// One run.
pub struct Story {
    talaria: Talaria,
    trace: Arc<Mutex<Vec<String>>>,
}

impl Story {
    /// A platform that has come to rest.
    pub async fn begin() -> Self {
        let talaria = Talaria::start().await;
        talaria.settle().await;
        let trace: Arc<Mutex<Vec<String>>> = Arc::default();
        let lines = trace.clone();
        talaria.cloud().faults().reset();
        talaria.cloud().observe(Arc::new(move |call| {
            let fault = call.fault.map(|fault| format!(" {fault:?}")).unwrap_or_default();
            let line = format!("{} {} {:?}{fault}", call.function, call.operation, call.outcome);
            lines.lock().expect("one thread").push(line);
        }));
        Self { talaria, trace }
    }

    pub fn faults(&self) -> &Faults {
        self.talaria.cloud().faults()
    }

    /// Every AWS call of the run: who called what, and how it went.
    pub fn trace(&self) -> Vec<String> {
        self.trace.lock().expect("one thread").clone()
    }

    /// Lives the story to its end, faults or not.
    pub async fn live(&self) {
        let person = json!({ "tenant": "demo", "email": ADA, "password": PASSWORD, "name": "Ada" });
        self.insist("/v1/auth/register", &person, "register-1").await;
        self.talaria.settle().await;
        self.wait_until(async || self.mails().iter().any(|mail| mail.contains("token="))).await;
        let token = json!({ "token": self.talaria.mailed_token(ADA) });
        self.insist("/v1/auth/email/verify", &token, "").await;
        self.talaria.settle().await;
        self.faults().stop();
        self.wait_until(async || self.is_at_rest().await).await;
    }

    /// Lets time pass until it is so, as long as anything can take.
    async fn wait_until(&self, so: impl AsyncFn() -> bool) {
        for minutes in PAUSES_MIN {
            if so().await {
                return;
            }
            self.talaria.pass(Duration::from_secs(minutes * 60)).await;
        }
    }

    async fn is_at_rest(&self) -> bool {
        self.unpublished().is_empty() && self.message_ids().len() == 2 && self.queued() == 0
    }

    /// Messages in any queue, seen or hidden, dead letters aside.
    fn queued(&self) -> usize {
        let queues = self.talaria.cloud().queues();
        let names = queues.names().into_iter().filter(|name| !name.ends_with("-dlq"));
        let depths = names.filter_map(|name| queues.depth(&name).ok());
        depths.map(|depth| depth.waiting + depth.in_flight + depth.delayed).sum()
    }

    fn mails(&self) -> Vec<String> {
        self.talaria.mailbox().to(ADA).into_iter().map(|mail| mail.text).collect()
    }

    fn message_ids(&self) -> Vec<String> {
        let mails = self.talaria.mailbox().to(ADA).into_iter();
        let mut ids: Vec<String> = mails.map(|mail| mail.message_id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// A client that tries again on 5xx and 409, with the same key.
    async fn insist(&self, path: &str, body: &Value, key: &str) -> Option<Answer> {
        let mut last = None;
        for _ in 0..TRIES {
            let call = self.talaria.post(path, body.clone());
            let call = if key.is_empty() { call } else { call.key(key) };
            let answer = call.send().await;
            let settled = answer.status < 500 && answer.status != 409;
            last = Some(answer);
            if settled {
                break;
            }
        }
        last
    }

    /// What must be true at the end, whatever happened on the way.
    pub async fn judge(&self, schedule: &str) {
        let told = format!("{schedule}\n{}", self.trace().join("\n"));
        let login = self.talaria.login(ADA, PASSWORD).await;
        assert_eq!(login.status, 200, "the person can sign in: {}\n{told}", login.text);

        let inbox = self.talaria.get("/v1/inbox/head").by(&Session::of(&login)).send().await;
        assert_eq!(inbox.json["last_seq"], 1, "one greeting in the inbox\n{told}");

        let mails = self.message_ids().len();
        assert_eq!(mails, 2, "one confirmation, one greeting, whatever copies\n{told}");

        self.wait_until(async || self.unpublished().is_empty()).await;
        let unpublished = self.unpublished();
        assert_eq!(unpublished, Vec::<String>::new(), "every event is published\n{told}");
        assert_eq!(self.talaria.cloud().violations(), [], "no key of another tenant\n{told}");
    }

    /// Events that are not published, read past the product: only a test may scan.
    fn unpublished(&self) -> Vec<String> {
        let text = |row: &Value, name: &str| row[name]["S"].as_str().unwrap_or_default().to_owned();
        let dump = self.talaria.dump();
        let open = dump.naming("-outbox ").filter(|row| text(row, "status") != "sent");
        open.map(|row| format!("{} {}", text(row, "type"), text(row, "status"))).collect()
    }
}

/// What can happen to a call of the story.
const FAULTS: [Fault; 6] = [
    Fault::ErrorBefore,
    Fault::ReplyLost,
    Fault::Throttle,
    Fault::Conflict,
    Fault::CrashBefore,
    Fault::CrashAfter,
];
/// Every fault meets every so-manieth call, each of them others.
const SPREAD: usize = 20;

#[tokio::test(start_paused = true)]
async fn registration_to_greeting_ends_well_whatever_fails() {
    let quiet = Story::begin().await;
    quiet.live().await;
    let calls = quiet.faults().calls();
    quiet.judge("no fault").await;
    assert!(calls > 20, "the story makes {calls} AWS calls");
    for (first, fault) in (1..).step_by(3).zip(FAULTS) {
        for n in (first..=calls).step_by(SPREAD) {
            let story = Story::begin().await;
            story.faults().inject(FaultPlan::Nth { n, fault });
            story.live().await;
            story.judge(&format!("{fault:?} at call {n} of {calls}")).await;
        }
    }
}
