//! One person signs up, confirms and signs in, with a client that tries again; and what must be true
//! once the faults have stopped.

use std::time::Duration;

use local::connector::Outcome;
use local::fault::Faults;
use serde_json::{Value, json};

use crate::talaria::{Answer, PASSWORD, Talaria};

const ADA: &str = "ada@example.com";
/// How often a client tries again before it gives up.
const TRIES: usize = 6;
/// Longer than the slowest way an event can take: outbox grace, sweeper, visibility, back-off.
const LONG_ENOUGH: Duration = Duration::from_secs(20 * 60);

/// One run.
pub struct Story {
    talaria: Talaria,
}

impl Story {
    pub async fn begin() -> Self {
        let talaria = Talaria::start().await;
        talaria.platform.settle().await;
        talaria.platform.cloud().faults().reset();
        Self { talaria }
    }

    pub fn faults(&self) -> &Faults {
        self.talaria.platform.cloud().faults()
    }

    /// Every AWS call of the run: who called what, and how it went.
    pub fn trace(&self) -> Vec<String> {
        let calls = self.talaria.platform.calls();
        let unanswered = |outcome: &Outcome| matches!(outcome, Outcome::Unanswered);
        calls
            .iter()
            .map(|call| {
                let ended = if unanswered(&call.outcome) { "unanswered" } else { "answered" };
                format!("{} {} {ended}", call.function, call.operation)
            })
            .collect()
    }

    /// Lives the story to its end, faults or not.
    pub async fn live(&self) {
        let person = json!({ "tenant": "demo", "email": ADA, "password": PASSWORD, "name": "Ada" });
        self.insist("/v1/auth/register", &person, "register-1").await;
        self.pass().await;
        let token = json!({ "token": self.talaria.mailed_token(ADA) });
        self.insist("/v1/auth/email/verify", &token, "").await;
        self.pass().await;
        self.faults().stop();
        self.pass().await;
    }

    /// A client that tries again on 5xx, with the same key.
    async fn insist(&self, path: &str, body: &Value, key: &str) -> Answer {
        let mut last = None;
        for _ in 0..TRIES {
            let call = self.talaria.post(path, body.clone());
            let call = if key.is_empty() { call } else { call.header("idempotency-key", key) };
            let answer = call.send().await;
            if answer.status < 500 && answer.status != 409 {
                return answer;
            }
            last = Some(answer);
        }
        last.expect("at least one try")
    }

    async fn pass(&self) {
        self.talaria.platform.pass(LONG_ENOUGH).await;
    }

    /// What must be true at the end, whatever happened on the way.
    pub async fn judge(&self, schedule: &str) {
        let trace = || self.trace().join("\n");
        let platform = &self.talaria.platform;
        let login = self.talaria.login(ADA, PASSWORD).await;
        assert_eq!(login.status, 200, "{schedule}: {}\n{}", login.text, trace());
        self.pass().await;

        let session = crate::talaria::Session::of(&login);
        let inbox = self.talaria.get("/v1/inbox").bearer(&session).send().await;
        assert_eq!(inbox.json["head"]["last_seq"], 1, "{schedule}: one greeting\n{}", trace());

        let mut ids: Vec<String> = platform.mailbox().to(ADA).into_iter().map(|mail| mail.message_id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 2, "{schedule}: one confirmation and one greeting, whatever copies\n{}", trace());

        let open = platform.outbox().await.into_iter().filter(|row| row.status != "sent");
        let open: Vec<_> = open.map(|row| (row.kind, row.status)).collect();
        assert_eq!(open, [], "{schedule}: every event was published\n{}", trace());
        assert_eq!(platform.cloud().violations(), [], "{schedule}\n{}", trace());
    }
}
