//! Exchanges a refresh token for new tokens.

use contracts::auth::{Refresh, Tokens};
use events::auth::{SESSION_REUSE_DETECTED, SessionReuseDetected};
use kernel::problem::LOCK_TIMEOUT;
use kernel::{Error, SessionId};
use runtime::log::Line;
use runtime::{Anonymous, Commit, Ctx, Guest, Reply, Uncommitted};

use crate::domain::rotation::{self, Refused, Rotation, SessionStatus, Token};
use crate::domain::sealed::{self, Context, Kind, built_in_application};
use crate::store::sessions::{Rotated, SESSION};
use crate::store::{Accounts, SessionRow, Sessions};
use crate::tokens::{Mint, not_accepted};

/// Writes that may lose to another refresh of the same session.
const TRIES: u32 = 5;

/// Moves the session on by one conditional write; the row that refused it tells everything else.
pub async fn handle(ctx: Ctx<Anonymous>, request: Refresh) -> Result<Reply<Tokens>, Error> {
    let mint = Mint::load(&ctx).await?;
    let bound = Context::BuiltInApplication;
    let opened = sealed::open(request.refresh_token.expose(), Kind::Refresh, bound, &mint.peppers)
        .map_err(|_| not_accepted())?;
    let tenant = opened.sealed.tenant;
    let token = Token { counter: opened.sealed.counter, application: built_in_application(tenant) };
    let session = SessionId::from_bytes(opened.sealed.id);
    let guest = ctx.enter(tenant, true, None);
    let sessions = Sessions::of(&guest);
    for _ in 0..TRIES {
        let now = ctx.now();
        let row = match sessions.rotate(session, &token, mint.peppers.newest_id(), now).await? {
            Rotated::Done(row) => return Ok(Reply::new(mint.tokens(&ctx, &row, now)?)),
            Rotated::Refused(row) => row,
        };
        let stored = row.as_ref().map(SessionRow::rotation);
        match (rotation::decide(&token, stored.as_ref(), now), row) {
            (Rotation::Rotate { .. }, _) => {}
            (Rotation::Replay { .. }, Some(row)) => {
                return Ok(Reply::new(mint.tokens(&ctx, &row, now)?));
            }
            (Rotation::Reuse, Some(row)) => return Err(ended_as_stolen(&guest, &row).await?),
            (Rotation::Refuse(Refused::Behind), _) => {
                let line = Line::error("a refresh token is ahead of its session: an old backup?");
                ctx.log(line.with("session_id", session.to_string()));
                return Err(not_accepted());
            }
            (Rotation::Refuse(_) | Rotation::Replay { .. } | Rotation::Reuse, _) => {
                return Err(not_accepted());
            }
        }
    }
    Err(LOCK_TIMEOUT.because("too many refreshes at once; try again").retry_after(1))
}

/// Ends a session whose replaced token came back. Only the transaction that ends it tells of it.
async fn ended_as_stolen(ctx: &Ctx<Guest>, row: &SessionRow) -> Result<Error, Error> {
    let change = Sessions::of(ctx)
        .end(row.user, row.session, SessionStatus::ReuseRevoked)
        .append(Accounts::of(ctx).leave(row.user, row.session));
    let data = SessionReuseDetected { user_id: row.user, session_id: row.session };
    let commit = Commit::of(change)
        .announcing_of(row.session, &SESSION_REUSE_DETECTED, &data)
        .audited(row.session);
    match ctx.try_apply(commit).await {
        Ok(()) | Err(Uncommitted::Refused { label: SESSION, .. }) => Ok(not_accepted()),
        Err(fault) => Err(fault.into()),
    }
}
