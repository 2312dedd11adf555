//! Ends this session.

use contracts::{Empty, Nothing};
use events::auth::{RevocationReason, SESSION_REVOKED, SessionRevoked};
use kernel::Error;
use runtime::{Commit, Ctx, Reply, Uncommitted, User};

use crate::domain::rotation::SessionStatus;
use crate::store::sessions::SESSION;
use crate::store::{Accounts, Sessions};

/// Ends the session of the access token. One that has ended by itself is answered alike.
pub async fn handle(ctx: Ctx<User>, _: Nothing) -> Result<Reply<Empty>, Error> {
    let (user, session) = (ctx.user().id(), ctx.user().session());
    let change = Sessions::of(&ctx)
        .end(user, session, SessionStatus::Revoked)
        .append(Accounts::at_home_of(&ctx).leave(user, session));
    let data = SessionRevoked {
        user_id: user,
        session_ids: vec![session],
        reason: RevocationReason::Logout,
    };
    let commit =
        Commit::of(change).announcing_of(session, &SESSION_REVOKED, &data).audited(session);
    match ctx.try_commit(commit, Reply::empty()).await {
        Err(Uncommitted::Refused { label: SESSION, .. }) => Ok(Reply::empty()),
        done => done.map_err(Error::from),
    }
}
