//! What the tests share: the module with a stand-in for `auth`, people, and a look at every row.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contracts::auth::{ACCOUNT_GET, Account, AccountGet};
use events::auth::{EMAIL_VERIFIED, EmailVerified, USER_REGISTERED, UserRegistered};
use kernel::{EntityKind, EntityRef, Error, NotificationId, UserId};
use local::Harness;
use local::harness::{Answer, Caller};
use local::mail::Mail;
use runtime::module::answer;
use runtime::{Ctx, Group, Module, Worker};
use serde_json::Value;
use store::Query;

use crate::store::keys::{self, NOTIFICATION};

pub const ADA: UserId = UserId::from_bytes([1, 147, 77, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
pub const ADDRESS: &str = "ada.canary@example.com";
pub const NAME: &str = "Ada Canary";

type Accounts = Arc<Mutex<HashMap<String, Account>>>;

/// A platform of this module and a stand-in for `auth`.
pub struct World {
    harness: Harness,
    accounts: Accounts,
}

impl Deref for World {
    type Target = Harness;

    fn deref(&self) -> &Harness {
        &self.harness
    }
}

impl World {
    /// A platform where Ada has an account with an address.
    pub async fn new() -> Self {
        let accounts = Accounts::default();
        let harness = Harness::of(vec![crate::module(), auth(&accounts)]).await;
        let world = Self { harness, accounts };
        world.has_account(1, ADDRESS, false);
        world
    }

    /// Ada's account is now like this.
    pub fn has_account(&self, version: u64, email: &str, verified: bool) {
        let account = Account {
            user_id: ADA,
            email: email.to_owned(),
            verified,
            name: NAME.to_owned(),
            locale: Some("en".to_owned()),
            version,
        };
        self.accounts.lock().unwrap().insert(ADA.to_string(), account);
    }

    /// Ada's account is gone.
    pub fn has_no_account(&self) {
        self.accounts.lock().unwrap().clear();
    }

    /// `auth` says that Ada registered; nobody hears it before the platform has settled.
    pub async fn registers(&self) {
        let data = UserRegistered { user_id: ADA, locale: Some("en".to_owned()) };
        self.announce(&USER_REGISTERED, ADA, &data).await;
    }

    /// `auth` says that Ada verified her address.
    pub async fn verifies(&self) {
        self.announce(&EMAIL_VERIFIED, ADA, &EmailVerified { user_id: ADA }).await;
    }

    /// Ada registers and everything settles.
    pub async fn registered(&self) {
        self.registers().await;
        self.settle().await;
    }

    /// Lets enough time pass for every claim to run out and every first retry to come, twice.
    pub async fn dust_settles(&self) {
        for _ in 0..2 {
            self.pass(Duration::from_secs(240)).await;
        }
    }

    /// The mails Ada got, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.mailbox().to(ADDRESS).into_iter().rev().collect()
    }

    /// Ada's notifications.
    pub async fn notifications(&self) -> Vec<NotificationId> {
        let query = Query::index(NOTIFICATION, keys::BY_USER, keys::of_user(&self.scope(), ADA));
        let parents = self.items(query).await;
        parents.iter().map(|one| one.text("notification_id").unwrap().parse().unwrap()).collect()
    }

    /// The rows of Ada's only notification: channel, status, outcome, and whether they wait for the
    /// sweeper; and its events, in sequence.
    pub async fn story(&self) -> (Vec<String>, Vec<String>) {
        let [notification] = self.notifications().await[..] else { panic!("one notification") };
        let partition = self.scope().partition("N", &notification);
        let rows = self.items(Query::table(NOTIFICATION, partition)).await;
        let rows = rows.iter().filter(|row| row.text("channel").is_some()).map(|row| {
            let text = |name| row.text(name).unwrap_or("-");
            let waiting = if row.get("due_pk").is_some() { " waiting" } else { "" };
            format!("{} {} {}{waiting}", text("channel"), text("status"), text("outcome"))
        });
        (rows.collect(), self.events(EntityKind::Notification, notification).await)
    }

    /// The types of an entity's events, in sequence.
    pub async fn events(&self, kind: EntityKind, id: impl ToString) -> Vec<String> {
        let events = self.events_of(&EntityRef::new(kind, id.to_string())).await;
        events.into_iter().map(|event| event.kind).collect()
    }

    /// How many rows wait for the sweeper.
    pub async fn waiting_rows(&self) -> usize {
        let mut count = 0;
        for shard in 0..keys::DUE_SHARDS {
            let query = Query::index(NOTIFICATION, store::DUE, keys::due_shard(shard));
            count += self.items(query).await.len();
        }
        count
    }

    /// Ada's inbox, or what she asks of it.
    pub async fn inbox(&self, query: &str) -> Value {
        self.try_inbox(query).await.expect(200).json.clone()
    }

    pub async fn try_inbox(&self, query: &str) -> Answer {
        self.get(&format!("/v1/inbox{query}")).by(&ada()).send().await
    }

    /// The counters of Ada's inbox.
    pub async fn badge(&self) -> Value {
        self.get("/v1/inbox/head").by(&ada()).send().await.expect(200).json.clone()
    }

    /// Ada marks her inbox; its counters.
    pub async fn marks(&self, body: Value) -> Value {
        self.try_mark(body).await.expect(200).json.clone()
    }

    pub async fn try_mark(&self, body: Value) -> Answer {
        self.post("/v1/inbox/marks", body).by(&ada()).send().await
    }

    /// Ada changes an item.
    pub async fn changes(&self, seq: &str, body: Value) -> Answer {
        self.patch(&format!("/v1/inbox/{seq}"), body).by(&ada()).send().await
    }
}

fn ada() -> Caller {
    Caller::person(ADA)
}

/// A stand-in for `auth`, which knows the accounts it is told.
fn auth(accounts: &Accounts) -> Module {
    let accounts = accounts.clone();
    let account = move |_: Ctx<Worker>, request: AccountGet| {
        let found = accounts.lock().unwrap().get(&request.user_id.to_string()).map(copy);
        async move { found.ok_or_else(Error::not_found) }
    };
    Module::new("auth", Group::Identity, "A stand-in.", [answer(&ACCOUNT_GET, account)])
}

fn copy(account: &Account) -> Account {
    let Account { user_id, email, verified, name, locale, version } = account;
    let (email, name, locale) = (email.clone(), name.clone(), locale.clone());
    Account { user_id: *user_id, email, verified: *verified, name, locale, version: *version }
}
