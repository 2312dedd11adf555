//! What the tests share: the module with a stand-in for `auth`, people, and a look at every row.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use contracts::auth::{ACCOUNT_GET, Account};
use contracts::{Call, Empty};
use events::auth::{EMAIL_VERIFIED, EmailVerified, USER_REGISTERED, UserRegistered};
use http::{Method, Request};
use kernel::{AnyId, EntityKind, EntityRef, Error, NotificationId, SessionId, TenantId, UserId};
use local::fault::{Fault, FaultPlan};
use local::mail::Mail;
use local::{Options, Platform, Told, seed};
use runtime::authorizer::{Evidence, Inquiry, Proof, Standing};
use runtime::module::{answer, authorize, stream};
use runtime::relay::Relay;
use runtime::stream::{Births, Record};
use runtime::{Commit, Ctx, Group, Module, PrincipalKind, System, Worker};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::outbox::Bell;
use store::{Item, OUTBOX, PartitionKey, Query, Scope, Table};

use crate::store::keys::{self, NOTIFICATION};

pub const ADA: UserId = UserId::from_bytes([1, 147, 77, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
pub const ADDRESS: &str = "ada.canary@example.com";
pub const NAME: &str = "Ada Canary";
const TENANT: TenantId = seed::DEMO_TENANT;

static ANNOUNCE: Call<Announce, Empty> = Call::new("auth.announce");

#[derive(Debug, Deserialize, Serialize)]
struct Announce {
    user_id: UserId,
    verified: bool,
}

type Accounts = Arc<Mutex<HashMap<String, Account>>>;

/// A platform of this module and a stand-in for `auth`.
pub struct World {
    pub platform: Platform,
    accounts: Accounts,
}

impl World {
    /// A platform where Ada has an account with an address.
    pub async fn new() -> Self {
        let accounts = Accounts::default();
        let modules = vec![crate::module(), auth(&accounts)];
        let platform = Platform::start(modules, Options::in_memory()).await.unwrap();
        let world = Self { platform, accounts };
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

    /// `auth` says that Ada registered; nobody hears it before [`settle`](Platform::settle).
    pub async fn registers(&self) {
        self.announce(false).await;
    }

    /// `auth` says that Ada verified her address.
    pub async fn verifies(&self) {
        self.announce(true).await;
    }

    async fn announce(&self, verified: bool) {
        let call = json!({
            "tenant": TENANT, "livemode": true, "actor": null, "correlation": "test",
            "causation": null, "traceparent": null,
            "request": Announce { user_id: ADA, verified },
        });
        self.platform.invoke("auth.announce", call).await.unwrap();
    }

    /// Ada registers and everything settles.
    pub async fn registered(&self) {
        self.registers().await;
        self.platform.settle().await;
    }

    /// The n-th AWS call of a function goes wrong.
    pub fn breaks(&self, function: &str, n: u64, fault: Fault) {
        let function = function.to_owned();
        self.platform.cloud().faults().inject(FaultPlan::NthOf { function, n, fault });
    }

    /// Lets the clock run, minute by minute.
    pub async fn minutes_pass(&self, minutes: u32) {
        for _ in 0..minutes {
            self.platform.pass(Duration::from_secs(60)).await;
        }
    }

    /// Lets enough time pass for every claim to run out and every first retry to come, twice.
    pub async fn dust_settles(&self) {
        for _ in 0..2 {
            self.platform.pass(Duration::from_secs(240)).await;
        }
    }

    /// The mails Ada got, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.platform.mailbox().to(ADDRESS).into_iter().rev().collect()
    }

    pub fn scope(&self) -> Scope {
        Scope::tenant(TENANT).mode(true)
    }

    /// Every item of a partition.
    pub async fn items(&self, table: Table, partition: PartitionKey) -> Vec<Item> {
        self.platform
            .ports()
            .store
            .query_items(&Query::table(table, partition))
            .await
            .unwrap()
            .items
    }

    /// Ada's notifications.
    pub async fn notifications(&self) -> Vec<NotificationId> {
        let query = Query::index(NOTIFICATION, keys::BY_USER, keys::of_user(&self.scope(), ADA));
        let parents = self.platform.ports().store.query_items(&query).await.unwrap().items;
        parents.iter().map(|one| one.text("notification_id").unwrap().parse().unwrap()).collect()
    }

    /// The rows of Ada's only notification: channel, status, outcome, and whether they wait for the
    /// sweeper; and its events, in sequence.
    pub async fn story(&self) -> (Vec<String>, Vec<String>) {
        let [notification] = self.notifications().await[..] else { panic!("one notification") };
        let partition = self.scope().partition("N", &notification);
        let rows = self.items(NOTIFICATION, partition).await;
        let rows = rows.iter().filter(|row| row.text("channel").is_some()).map(|row| {
            let text = |name| row.text(name).unwrap_or("-");
            let waiting = if row.get("due_pk").is_some() { " waiting" } else { "" };
            format!("{} {} {}{waiting}", text("channel"), text("status"), text("outcome"))
        });
        (rows.collect(), self.events(EntityKind::Notification, &notification.to_string()).await)
    }

    /// The types of an entity's events, in sequence.
    pub async fn events(&self, kind: EntityKind, id: &str) -> Vec<String> {
        let partition = self.scope().partition("AGG", (kind.as_str(), id));
        let rows = self.items(OUTBOX, partition).await;
        let dense = (1..).zip(&rows).all(|(n, row)| row.number("sequence") == Some(n));
        assert!(dense, "the sequence of {kind:?} has holes");
        rows.iter().map(|row| row.text("type").unwrap().to_owned()).collect()
    }

    /// The faults that every call of a function must survive.
    pub const FAULTS: [Fault; 5] = [
        Fault::CrashBefore,
        Fault::CrashAfter,
        Fault::ErrorBefore,
        Fault::ReplyLost,
        Fault::Conflict,
    ];

    /// How many rows wait for the sweeper.
    pub async fn waiting(&self) -> usize {
        let mut count = 0;
        for shard in 0..keys::DUE_SHARDS {
            let query = Query::index(NOTIFICATION, store::DUE, keys::due_shard(shard));
            count += self.platform.ports().store.query_items(&query).await.unwrap().items.len();
        }
        count
    }

    /// Ada asks.
    pub async fn asks(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path).header("host", "127.0.0.1");
        let request = request.header("authorization", "Bearer ada");
        let request = request.header("content-type", "application/json");
        let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let response = self.platform.request(request.body(body).unwrap()).await;
        let json = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        (response.status().as_u16(), json)
    }
}

/// A stand-in for `auth`: accounts, announcements and Ada's credential; with the platform's relay.
fn auth(accounts: &Accounts) -> Module {
    let accounts = accounts.clone();
    let account = move |_: Ctx<Worker>, request: contracts::auth::AccountGet| {
        let found = accounts.lock().unwrap().get(&request.user_id.to_string()).map(copy);
        async move { found.ok_or_else(Error::not_found) }
    };
    Module::new(
        "auth",
        Group::Identity,
        "A stand-in.",
        [
            answer(&ACCOUNT_GET, account),
            answer(&ANNOUNCE, announce).emits([USER_REGISTERED.spec, EMAIL_VERIFIED.spec]),
            authorize("auth.authorizer", gather),
            stream("platform.relay", OUTBOX, Births::Outbox, relay).writes([OUTBOX]),
        ],
    )
}

fn copy(account: &Account) -> Account {
    let Account { user_id, email, verified, name, locale, version } = account;
    let (email, name, locale) = (email.clone(), name.clone(), locale.clone());
    Account { user_id: *user_id, email, verified: *verified, name, locale, version: *version }
}

async fn announce(ctx: Ctx<Worker>, request: Announce) -> Result<Empty, Error> {
    let Announce { user_id, verified } = request;
    // A sequence nobody used: the events of an account have no order.
    let sequence = u64::from_be_bytes(ctx.random()) >> 1;
    let account = EntityRef::new(EntityKind::Account, user_id);
    let commit = Commit::saving(&Told::before(&ctx.mode_scope(), account, sequence));
    let commit = if verified {
        commit.announcing(&EMAIL_VERIFIED, &EmailVerified { user_id })
    } else {
        let data = UserRegistered { user_id, locale: Some("en".to_owned()) };
        commit.announcing(&USER_REGISTERED, &data)
    };
    ctx.apply(commit).await.map(|()| Empty {})
}

async fn gather(_: Ctx<System>, inquiry: Inquiry) -> Evidence {
    if inquiry.authorization != ["Bearer ada"] {
        return Evidence::without(Standing::None, "none");
    }
    Evidence::valid(Proof {
        kind: PrincipalKind::User,
        subject: AnyId::from(ADA),
        tenant: TENANT,
        home_tenant: TENANT,
        livemode: true,
        session: Some(SessionId::from_bytes([9; 16])),
        device: None,
        application: None,
        key: None,
        scopes: vec!["api".to_owned()],
        permissions: kernel::PermissionSet::new(),
        roles: Vec::new(),
        acr: None,
        auth_time: None,
    })
}

async fn relay(ctx: Ctx<System>, records: Vec<Record>) -> Vec<String> {
    let mut relay = Relay::of(&ctx, Bell::Stream);
    for key in records.iter().filter_map(|record| record.item.key()) {
        // What fails here is published by the doorbell of a later test step.
        let _ = relay.carry(std::slice::from_ref(&key)).await;
    }
    Vec::new()
}
