//! The module on a local cloud: what only the rows, the transactions and the pipeline together can
//! show.

mod keys;
mod refresh;
mod registration;
mod sign_in;

use std::ops::Deref;

use local::harness::Answer;
use local::{Harness, Options};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery staple";
const ADA: &str = "ada@example.com";

/// The module alone on a platform in memory, and what people do at its door.
struct Door(Harness);

impl Deref for Door {
    type Target = Harness;

    fn deref(&self) -> &Harness {
        &self.0
    }
}

/// The tokens of a session that was just made.
trait Tokens {
    fn access(&self) -> &str;
    fn refresh(&self) -> &str;
}

impl Tokens for Answer {
    fn access(&self) -> &str {
        self.text_at("/access_token")
    }

    fn refresh(&self) -> &str {
        self.text_at("/refresh_token")
    }
}

impl Door {
    async fn open() -> Self {
        let options = Options::in_memory().setting("TALARIA_TEST_MODE", "true");
        Self(Harness::start(vec![crate::module()], options).await)
    }

    async fn me(&self, token: &str) -> Answer {
        self.get("/v1/auth/me").by(token).send().await
    }

    async fn logout(&self, token: &str) -> Answer {
        self.ask(http::Method::POST, "/v1/auth/logout").by(token).send().await
    }

    async fn register(&self, email: &str, password: &str) -> Answer {
        let person = json!({"tenant": "demo", "email": email, "password": password, "name": "Ada"});
        self.post("/v1/auth/register", person).send().await
    }

    async fn resend(&self, email: &str) -> Answer {
        let body = json!({"tenant": "demo", "email": email});
        self.post("/v1/auth/email/verify/resend", body).send().await
    }

    async fn verify(&self, token: &str) -> Answer {
        self.post("/v1/auth/email/verify", json!({"token": token})).send().await
    }

    async fn login(&self, email: &str, password: &str) -> Answer {
        self.sign_in(json!({"tenant": "demo", "email": email, "password": password})).await
    }

    async fn sign_in(&self, body: Value) -> Answer {
        self.post("/v1/auth/login", body).send().await
    }

    /// The owner of the platform, signed in.
    async fn owner(&self) -> Answer {
        let body = json!({
            "tenant": local::seed::PLATFORM_SLUG,
            "email": local::seed::OWNER_EMAIL,
            "password": local::seed::OWNER_PASSWORD,
        });
        let answer = self.sign_in(body).await;
        answer.expect(200);
        answer
    }

    async fn refresh(&self, token: &str) -> Answer {
        self.post("/v1/auth/token/refresh", json!({"refresh_token": token})).send().await
    }

    /// The tokens of every mail with a link to this address, newest first.
    async fn mailed(&self, email: &str) -> Vec<String> {
        self.settle().await;
        self.tokens_mailed_to(email)
    }

    /// A person, registered and verified.
    async fn person(&self, email: &str) {
        self.register(email, PASSWORD).await.expect(202);
        let token = self.mailed(email).await.first().cloned().unwrap();
        self.verify(&token).await.expect(200);
    }

    /// A person, signed in.
    async fn signed_in(&self, email: &str) -> Answer {
        self.person(email).await;
        let answer = self.login(email, PASSWORD).await;
        answer.expect(200);
        answer
    }

    /// Later: whatever a network may do per minute it may do again.
    async fn minutes(&self, minutes: u64) {
        self.pass(std::time::Duration::from_secs(minutes * 60)).await;
    }
}
