//! The module on a local cloud: what only the rows, the transactions and the pipeline together can
//! show.

mod keys;
mod refresh;
mod registration;
mod sign_in;

use bytes::Bytes;
use http::{Method, Request};
use local::{Options, Platform};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery staple";
const ADA: &str = "ada@example.com";

/// The module alone on a platform in memory.
struct Door {
    platform: Platform,
}

/// What came back.
struct Answer {
    status: u16,
    headers: http::HeaderMap,
    text: String,
    json: Value,
}

impl Door {
    async fn open() -> Self {
        let options = Options::in_memory().setting("TALARIA_TEST_MODE", "true");
        let platform = Platform::start(vec![crate::module()], options).await.unwrap();
        Self { platform }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1");
        for (name, text) in headers {
            request = request.header(*name, *text);
        }
        let response = self.platform.request(request.body(Bytes::from(body)).unwrap()).await;
        let (parts, body) = response.into_parts();
        let text = String::from_utf8_lossy(&body).into_owned();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status: parts.status.as_u16(), headers: parts.headers, text, json }
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        let json = [("content-type", "application/json")];
        self.ask(Method::POST, path, &json, body.to_string()).await
    }

    async fn with_token(&self, method: Method, path: &str, token: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        self.ask(method, path, &[("authorization", &bearer)], String::new()).await
    }

    async fn me(&self, token: &str) -> Answer {
        self.with_token(Method::GET, "/v1/auth/me", token).await
    }

    async fn register(&self, email: &str, password: &str) -> Answer {
        let person = json!({"tenant": "demo", "email": email, "password": password, "name": "Ada"});
        self.post("/v1/auth/register", person).await
    }

    async fn resend(&self, email: &str) -> Answer {
        let body = json!({"tenant": "demo", "email": email});
        self.post("/v1/auth/email/verify/resend", body).await
    }

    async fn verify(&self, token: &str) -> Answer {
        self.post("/v1/auth/email/verify", json!({"token": token})).await
    }

    async fn login(&self, email: &str, password: &str) -> Answer {
        let body = json!({"tenant": "demo", "email": email, "password": password});
        self.post("/v1/auth/login", body).await
    }

    async fn refresh(&self, token: &str) -> Answer {
        self.post("/v1/auth/token/refresh", json!({"refresh_token": token})).await
    }

    /// The tokens of every mail with a link to this address, newest first.
    async fn mailed(&self, email: &str) -> Vec<String> {
        self.platform.settle().await;
        let mails = self.platform.mailbox().to(email);
        let tokens = mails.iter().filter_map(|mail| mail.text.split("token=").nth(1));
        let legal = |char: &char| char.is_ascii_alphanumeric() || "-_".contains(*char);
        tokens.map(|rest| rest.chars().take_while(legal).collect()).collect()
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
        self.platform.pass(std::time::Duration::from_secs(minutes * 60)).await;
    }
}

impl Answer {
    #[track_caller]
    fn expect(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    #[track_caller]
    fn refused(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, self.text_at("/error/code")), (status, code), "{}", self.text);
        self
    }

    fn text_at(&self, pointer: &str) -> &str {
        self.json.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    fn access(&self) -> &str {
        self.text_at("/access_token")
    }

    fn refresh(&self) -> &str {
        self.text_at("/refresh_token")
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Everything a stranger can compare: status, body and headers without what differs by nature,
    /// and the requests made.
    fn as_seen(&self) -> (u16, Value, Vec<(String, String)>) {
        let mut body = self.json.clone();
        if let Some(members) = body.as_object_mut() {
            members.remove("instance");
        }
        let natural = ["request-id", "apigw-requestid", "server-timing", "ratelimit"];
        let mut headers: Vec<(String, String)> = self
            .headers
            .iter()
            .filter(|(name, _)| !natural.contains(&name.as_str()))
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        headers.sort();
        (self.status, body, headers)
    }
}
