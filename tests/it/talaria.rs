//! The platform as a client sees it: in one process, in memory, on a clock of its own.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use bytes::Bytes;
use http::{Method, Request, Response};
use local::{Platform, seed};
use serde_json::{Value, json};

/// A platform in memory.
#[derive(Clone)]
pub struct Talaria {
    pub platform: Platform,
}

/// A password nobody can guess.
pub const PASSWORD: &str = "correct horse battery staple";

impl Talaria {
    /// Starts the whole platform.
    pub async fn start() -> Self {
        let platform = Platform::in_memory(catalog::modules()).await.expect("the platform starts");
        Self { platform }
    }

    /// The database itself, past the product: only a test may scan.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("local"))
            .credentials_provider(Credentials::new("local", "local", None, None, "test"))
            .http_client(self.platform.cloud().http_client())
            .build();
        aws_sdk_dynamodb::Client::from_conf(config)
    }

    pub fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub fn post(&self, path: &str, body: Value) -> Call<'_> {
        self.call(Method::POST, path).json(&body)
    }

    pub fn patch(&self, path: &str, body: Value) -> Call<'_> {
        self.call(Method::PATCH, path).json(&body)
    }

    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        let request = Request::builder().method(method).uri(path).header("host", "127.0.0.1");
        Call { talaria: self, request, body: Bytes::new() }
    }

    /// Registers a person in the demo tenant and reads the token of the confirmation mail.
    pub async fn register(&self, email: &str) -> String {
        let person = json!({
            "tenant": "demo",
            "email": email,
            "password": PASSWORD,
            "name": "Ada King",
        });
        self.post("/v1/auth/register", person).send().await.expect(202);
        self.platform.settle().await;
        self.mailed_token(email)
    }

    /// The token of the newest confirmation mail to this address.
    pub fn mailed_token(&self, email: &str) -> String {
        let mails = self.platform.mailbox().to(email);
        let text =
            mails.iter().find(|mail| mail.text.contains("token=")).expect("a mail with a link");
        let token = text.text.split("token=").nth(1).expect("a token");
        token.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect()
    }

    /// A person of the demo tenant, registered, verified and signed in.
    pub async fn sign_up(&self, email: &str) -> Session {
        let token = self.register(email).await;
        self.post("/v1/auth/email/verify", json!({ "token": token })).send().await.expect(200);
        self.platform.settle().await;
        self.sign_in(email).await
    }

    pub async fn sign_in(&self, email: &str) -> Session {
        let answer = self.login(email, PASSWORD).await;
        answer.expect(200);
        Session::of(&answer)
    }

    /// The owner of the platform, whom the seed makes.
    pub async fn platform_owner(&self) -> Session {
        let credentials = json!({
            "tenant": seed::PLATFORM_SLUG,
            "email": seed::OWNER_EMAIL,
            "password": seed::OWNER_PASSWORD,
        });
        let answer = self.post("/v1/auth/login", credentials).send().await;
        Session::of(answer.expect(200))
    }

    pub async fn login(&self, email: &str, password: &str) -> Answer {
        let credentials = json!({ "tenant": "demo", "email": email, "password": password });
        self.post("/v1/auth/login", credentials).send().await
    }
}

/// The tokens of a session.
#[derive(Clone, Debug)]
pub struct Session {
    pub access: String,
    pub refresh: String,
    pub user_id: String,
}

impl Session {
    pub fn of(answer: &Answer) -> Self {
        let text = |pointer: &str| {
            answer.json.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
        };
        Self {
            access: text("/access_token").to_owned(),
            refresh: text("/refresh_token").to_owned(),
            user_id: text("/user/id").to_owned(),
        }
    }
}

/// A request under construction.
pub struct Call<'a> {
    talaria: &'a Talaria,
    request: http::request::Builder,
    body: Bytes,
}

impl Call<'_> {
    pub fn header(mut self, name: &str, text: &str) -> Self {
        self.request = self.request.header(name, text);
        self
    }

    pub fn bearer(self, session: &Session) -> Self {
        let text = format!("Bearer {}", session.access);
        self.header("authorization", &text)
    }

    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub async fn send(self) -> Answer {
        let request = self.request.body(self.body).expect("a well-formed request");
        Answer::of(self.talaria.platform.request(request).await)
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub text: String,
    /// The body as JSON; null where it is none.
    pub json: Value,
}

impl Answer {
    fn of(response: Response<Bytes>) -> Self {
        let (parts, body) = response.into_parts();
        let text = String::from_utf8_lossy(&body).into_owned();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status: parts.status.as_u16(), headers: parts.headers, text, json }
    }

    /// The answer has this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The answer is a problem of this status and code.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
        self
    }

    pub fn code(&self) -> &str {
        self.json.pointer("/error/code").and_then(Value::as_str).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
