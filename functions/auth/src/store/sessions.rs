//! Sessions. The row carries every claim of its tokens and the counter of the one live refresh
//! token; no token is stored.

use std::time::Duration;

use kernel::{AppId, DeviceId, Error, SessionId, TenantId, Timestamp, UserId};
use runtime::{Ctx, InTenant};
use serde::{Deserialize, Serialize};
use store::{Change, Condition, Consistency, Key, Scope, Store, Stored, Table, Update, Written};

use super::keys::{self, AUTH};
use crate::domain::rotation::{Row, SessionStatus, Token};
use crate::domain::standing;

/// The label of a session that was no longer active.
pub const SESSION: &str = "session";

/// How long an ended session is kept.
pub const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// A session as stored.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SessionRow {
    pub tenant: TenantId,
    pub session: SessionId,
    pub user: UserId,
    pub home: TenantId,
    #[serde(rename = "application_id")]
    pub application: AppId,
    pub livemode: bool,
    /// The counter of the live refresh token.
    #[serde(rename = "ctr")]
    pub counter: u32,
    /// The pepper the live refresh token was minted with.
    #[serde(rename = "pid")]
    pub pepper_id: u8,
    #[serde(with = "kernel::time::ms", rename = "rotated_at_ms")]
    pub rotated_at: Timestamp,
    pub grace_ms: u64,
    pub status: String,
    pub acr: String,
    pub amr: Vec<String>,
    #[serde(with = "kernel::time::ms", rename = "auth_time_ms")]
    pub auth_time: Timestamp,
    /// How long it lives without use.
    pub idle_ms: u64,
    #[serde(with = "kernel::time::ms", rename = "idle_expires_at_ms")]
    pub idle_expires_at: Timestamp,
    #[serde(with = "kernel::time::ms", rename = "absolute_expires_at_ms")]
    pub absolute_expires_at: Timestamp,
    pub scopes: Vec<String>,
    pub device: DeviceId,
    /// Access tokens that were revoked one by one.
    #[serde(default)]
    pub revoked_jtis: Vec<String>,
    #[serde(rename = "ua")]
    pub user_agent: String,
    #[serde(rename = "ip_net")]
    pub network: String,
    #[serde(with = "kernel::time::ms", rename = "created_at_ms")]
    pub created_at: Timestamp,
    #[serde(rename = "expires_at")]
    pub removed_at_s: i64,
}

impl Stored for SessionRow {
    const TABLE: Table = AUTH;

    fn key(&self) -> Key {
        keys::session(&Scope::tenant(self.tenant), self.session)
    }
}

impl SessionRow {
    /// Whether it stands; an unknown word counts as ended.
    pub fn status(&self) -> SessionStatus {
        SessionStatus::named(&self.status).unwrap_or(SessionStatus::Revoked)
    }

    /// What a refresh is decided on.
    pub fn rotation(&self) -> Row {
        Row {
            counter: self.counter,
            pepper_id: self.pepper_id,
            rotated_at: self.rotated_at,
            status: self.status(),
            idle_expires_at: self.idle_expires_at,
            absolute_expires_at: self.absolute_expires_at,
            application: self.application,
            grace: Duration::from_millis(self.grace_ms),
        }
    }

    /// What a proven access token is compared with.
    pub fn standing(&self) -> standing::Session {
        standing::Session {
            id: self.session,
            tenant: self.tenant,
            user: self.user,
            application: self.application,
            livemode: self.livemode,
            status: self.status(),
            absolute_expires_at: self.absolute_expires_at,
            revoked_tokens: self.revoked_jtis.clone(),
        }
    }

    /// When the live refresh token ends.
    pub fn refresh_end(&self) -> Timestamp {
        self.idle_expires_at.min(self.absolute_expires_at)
    }
}

/// A session in the list a person sees; rotation does not touch it.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct ListedRow {
    tenant: TenantId,
    user: UserId,
    session: SessionId,
    status: String,
    application_id: AppId,
    ua: String,
    ip_net: String,
    created_at_ms: i64,
    absolute_expires_at_ms: i64,
    expires_at: i64,
}

impl Stored for ListedRow {
    const TABLE: Table = AUTH;

    fn key(&self) -> Key {
        keys::session_of(&Scope::tenant(self.tenant), self.user, self.session)
    }
}

/// The sessions of one tenant.
pub struct Sessions<'a> {
    store: &'a Store,
    scope: Scope,
}

impl<'a> Sessions<'a> {
    /// The sessions in the tenant of this call.
    pub fn of<Who: InTenant>(ctx: &'a Ctx<Who>) -> Self {
        Self { store: ctx.store(), scope: ctx.scope() }
    }

    /// Starts a session.
    pub fn create(&self, row: &SessionRow) -> Change {
        let listed = ListedRow {
            tenant: row.tenant,
            user: row.user,
            session: row.session,
            status: row.status.clone(),
            application_id: row.application,
            ua: row.user_agent.clone(),
            ip_net: row.network.clone(),
            created_at_ms: row.created_at.ms(),
            absolute_expires_at_ms: row.absolute_expires_at.ms(),
            expires_at: row.removed_at_s,
        };
        let mut change = Change::new();
        change.create(row);
        change.create(&listed);
        change
    }

    /// Ends an active session. Refused as [`SESSION`] where it had ended before.
    pub fn end(&self, user: UserId, session: SessionId, status: SessionStatus) -> Change {
        let word = status.name();
        let active = Condition::equal("status", SessionStatus::Active.name());
        let mut change = Change::new();
        let row = Update::of(AUTH, keys::session(&self.scope, session)).set("status", word);
        change.update(row.when(active)).named(SESSION);
        let listed = Update::of(AUTH, keys::session_of(&self.scope, user, session));
        change.update(listed.set("status", word).when(Condition::some_item()));
        change
    }

    /// Moves the session on to its next refresh token: one conditional write, nothing read before.
    pub async fn rotate(
        &self,
        session: SessionId,
        token: &Token,
        pepper_id: u8,
        now: Timestamp,
    ) -> Result<Rotated, Error> {
        let Some(next) = token.counter.checked_add(1) else {
            return self.read(session).await.map(Rotated::Refused);
        };
        let update = Update::of(AUTH, keys::session(&self.scope, session))
            .set("ctr", next)
            .set("rotated_at_ms", now.ms())
            .set("pid", pepper_id)
            .set_sum("idle_expires_at_ms", "idle_ms", i128::from(now.ms()))
            .when(Condition::equal("ctr", token.counter))
            .when(Condition::equal("status", SessionStatus::Active.name()))
            .when(Condition::equal("application_id", token.application))
            .when(Condition::above("idle_expires_at_ms", now.ms()))
            .when(Condition::above("absolute_expires_at_ms", now.ms()));
        let decoded = |item: store::Item| {
            item.decode::<SessionRow>()
                .map_err(|fault| Error::internal(format!("a session row: {fault}")))
        };
        Ok(match self.store.update(update).await? {
            Written::Done(item) => Rotated::Done(decoded(item)?),
            Written::Refused(old) => Rotated::Refused(old.map(decoded).transpose()?),
        })
    }

    async fn read(&self, session: SessionId) -> Result<Option<SessionRow>, Error> {
        let key = keys::session(&self.scope, session);
        Ok(self.store.get(&key, Consistency::Strong).await?)
    }
}

/// What came of moving a session on.
pub enum Rotated {
    /// It has moved on: the row as it is now.
    Done(SessionRow),
    /// It has not: the row that was compared with, if there is one.
    Refused(Option<SessionRow>),
}
