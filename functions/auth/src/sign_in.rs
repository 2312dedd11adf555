//! The transaction that opens a session: its rows, its place in the owner's list, the counter's
//! refund, and what has to leave where the list is full.

use contracts::auth::Login;
use events::auth::{
    RevocationReason, SESSION_CREATED, SESSION_REVOKED, SessionCreated, SessionRevoked,
};
use kernel::Error;
use runtime::{Commit, Ctx, Guest, Uncommitted};
use store::Change;

use crate::device::Device;
use crate::domain::access_token::{Assurance, Method};
use crate::domain::account::AccountStatus;
use crate::domain::login::LoginRefusal;
use crate::domain::rotation::{GRACE, SessionStatus};
use crate::domain::sealed::built_in_application;
use crate::domain::session::{Lifetimes, Room, TENANT_SESSIONS, make_room};
use crate::store::accounts::{self, SUBJECT};
use crate::store::counters;
use crate::store::sessions::KEPT;
use crate::store::{Accounts, AddressRow, SessionRow, Sessions, SubjectRow};
use crate::tokens::Mint;

/// A person whose password was right.
pub struct SignIn<'a> {
    /// The call, with the person as actor.
    pub ctx: &'a Ctx<Guest>,
    pub row: &'a AddressRow,
    /// The place at the counter, to give back.
    pub place: &'a counters::Place,
    pub device: &'a Device,
    /// The hash at today's cost, where the stored one is of another.
    pub rehash: Option<String>,
}

impl SignIn<'_> {
    /// Opens the session. Where the owner's list is full the oldest leaves in the same transaction;
    /// an account that is not active any more is refused.
    pub async fn open(&self, request: &Login, mint: &Mint) -> Result<SessionRow, Error> {
        let session = self.session(request, mint);
        let place = self.place_of(&session);
        let entry =
            Accounts::of(self.ctx).enter(session.user, session.session, place, TENANT_SESSIONS);
        let old = match self.ctx.try_apply(self.commit(&session, entry)).await {
            Ok(()) => return Ok(session),
            Err(Uncommitted::Refused { label: SUBJECT, old: Some(old) }) => old,
            Err(fault) => return Err(fault.into()),
        };
        let subject: SubjectRow =
            old.decode().map_err(|fault| Error::internal(format!("a subject row: {fault}")))?;
        if subject.status() != AccountStatus::Active {
            return Err(LoginRefusal::NotActive.into());
        }
        let now = self.ctx.now();
        let room = make_room(&subject.entries(), self.row.tenant, TENANT_SESSIONS, now);
        self.ctx.apply(self.commit_with_room(&session, &subject, &room)).await?;
        Ok(session)
    }

    fn session(&self, request: &Login, mint: &Mint) -> SessionRow {
        let (ctx, row) = (self.ctx, self.row);
        let now = ctx.now();
        let lifetimes = Lifetimes::DEFAULT.of_login(request.remember);
        let absolute = lifetimes.absolute_end(now);
        SessionRow {
            tenant: row.tenant,
            session: ctx.new_id(),
            user: row.user,
            home: row.tenant,
            application: built_in_application(row.tenant),
            livemode: request.livemode,
            counter: 1,
            pepper_id: mint.peppers.newest_id(),
            rotated_at: now,
            grace_ms: millis(GRACE),
            status: SessionStatus::Active.name().to_owned(),
            acr: Assurance::Aal1.name().to_owned(),
            amr: vec![Method::Pwd.name().to_owned()],
            auth_time: now,
            idle_ms: millis(lifetimes.idle()),
            idle_expires_at: lifetimes.idle_end(now, absolute),
            absolute_expires_at: absolute,
            scopes: vec!["api".to_owned()],
            device: self.device.id(),
            revoked_jtis: Vec::new(),
            user_agent: ctx.remote().user_agent.clone(),
            network: ctx.remote().network(),
            created_at: now,
            removed_at_s: absolute.plus(KEPT).seconds(),
        }
    }

    fn place_of(&self, session: &SessionRow) -> accounts::Place {
        accounts::Place { tenant: session.tenant, expires_at: session.absolute_expires_at }
    }

    /// Everything a session starts with, besides its place in the owner's list.
    fn commit(&self, session: &SessionRow, entry: Change) -> Commit {
        let mut change = entry.append(Sessions::of(self.ctx).create(session));
        change.update(self.place.refund());
        if let Some(phc) = &self.rehash {
            change = change.append(Accounts::of(self.ctx).rehash(self.row, phc));
        }
        let data = SessionCreated {
            user_id: session.user,
            session_id: session.session,
            new_device: self.device.is_new(),
            network: session.network.clone(),
        };
        Commit::of(change)
            .announcing_of(session.session, &SESSION_CREATED, &data)
            .audited(session.session)
    }

    fn commit_with_room(&self, session: &SessionRow, read: &SubjectRow, room: &Room) -> Commit {
        let place = self.place_of(session);
        let mut change = Accounts::of(self.ctx).enter_instead(read, session.session, place, room);
        for gone in &room.revoked {
            let end = Sessions::of(self.ctx).end(session.user, *gone, SessionStatus::Revoked);
            change = change.append(end);
        }
        let commit = self.commit(session, change);
        let Some(first) = room.revoked.first() else { return commit };
        let data = SessionRevoked {
            user_id: session.user,
            session_ids: room.revoked.clone(),
            reason: RevocationReason::Cap,
        };
        commit.announcing_of(first, &SESSION_REVOKED, &data)
    }
}

fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
