//! The whole platform in one process, and what people do at its door.

use std::ops::Deref;

use contracts::auth::{ACCOUNT_CREATE, AccountCreate};
use kernel::{AnyId, Secret, SystemRole, TenantId};
use local::harness::Answer;
use local::{Harness, Options, seed};
use runtime::Module;
use runtime::access::Assignment;
use serde_json::json;
use store::{Change, Token};

/// A platform in memory with every module.
#[derive(Clone)]
pub struct Talaria(Harness);

/// A password nobody can guess.
pub const PASSWORD: &str = "correct horse battery staple";

impl Deref for Talaria {
    type Target = Harness;

    fn deref(&self) -> &Harness {
        &self.0
    }
}

impl Talaria {
    /// Starts every module of the catalog.
    pub async fn start() -> Self {
        Self::of(catalog::modules()).await
    }

    /// Starts these modules.
    pub async fn of(modules: Vec<Module>) -> Self {
        Self(Harness::of(modules).await)
    }

    /// Starts these modules on a platform like this.
    pub async fn started(modules: Vec<Module>, options: Options) -> Self {
        Self(Harness::start(modules, options).await)
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
        self.settle().await;
        self.mailed_token(email)
    }

    /// The token of the newest confirmation mail to this address.
    pub fn mailed_token(&self, email: &str) -> String {
        self.tokens_mailed_to(email).into_iter().next().expect("a mail with a link")
    }

    /// Confirms an address with the token that was mailed to it.
    pub async fn verify(&self, token: &str) -> Answer {
        self.post("/v1/auth/email/verify", json!({ "token": token })).send().await
    }

    /// A person of the demo tenant, registered, verified and signed in.
    pub async fn sign_up(&self, email: &str) -> Session {
        let token = self.register(email).await;
        self.verify(&token).await.expect(200);
        self.settle().await;
        self.sign_in(email).await
    }

    pub async fn sign_in(&self, email: &str) -> Session {
        let answer = self.login(email, PASSWORD).await;
        Session::of(answer.expect(200))
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

    /// An account with this address in the tenant, made and verified by an operator's hand, who holds
    /// this role there besides being a member.
    pub async fn account(&self, tenant: TenantId, email: &str, role: Option<SystemRole>) {
        let account = AccountCreate {
            email: email.parse().expect("an address"),
            name: "Ada King".parse().expect("a name"),
            locale: None,
            password: Some(Secret::new(PASSWORD.to_owned())),
        };
        let made = self.within(tenant).call(&ACCOUNT_CREATE, &account).await;
        let subject = AnyId::from(made.expect("an account").user_id);
        let Some(role) = role else { return };
        let mut change = Change::new();
        let (roles, status) = (vec![role.as_str().to_owned()], "active".to_owned());
        change.create(&Assignment { tenant, subject, roles, status });
        let token = Token::of(email.as_bytes(), 0);
        self.ports().store.commit(change, &token).await.expect("the role is assigned");
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
        let text = |pointer: &str| answer.text_at(pointer).to_owned();
        Self {
            access: text("/access_token"),
            refresh: text("/refresh_token"),
            user_id: text("/user/id"),
        }
    }
}

/// The token to send.
impl AsRef<str> for Session {
    fn as_ref(&self) -> &str {
        &self.access
    }
}
