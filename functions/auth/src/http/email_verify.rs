//! Verifies an address.

use contracts::auth::{Verified, VerifiedStatus, VerifyEmail};
use events::auth::{EMAIL_VERIFIED, EmailVerified};
use kernel::problem::LOCK_TIMEOUT;
use kernel::{Error, Head, LinkId};
use runtime::{Anonymous, Commit, Ctx, Guest, Reply, Uncommitted};

use crate::domain::link::{self, Account, Link, LinkRefusal, Purpose};
use crate::domain::sealed::{self, Context, Kind};
use crate::secrets;
use crate::store::accounts::{REGISTERED, SUBJECT};
use crate::store::{Accounts, LinkRow, Links, SubjectRow};

/// Tries to find the account as it is.
const TRIES: u32 = 3;

/// Uses the link up and makes the account active. Whatever is wrong, the answer is one.
pub async fn handle(ctx: Ctx<Anonymous>, request: VerifyEmail) -> Result<Reply<Verified>, Error> {
    let peppers = secrets::token_peppers(&ctx).await?;
    let opened = sealed::open(request.token.expose(), Kind::Verify, Context::Nobody, &peppers)
        .map_err(|_| LinkRefusal::Unknown)?;
    let tenant = opened.sealed.tenant;
    let guest = ctx.enter(tenant, true, None);
    let row = Links::of(&guest).get(LinkId::from_bytes(opened.sealed.id)).await?;
    let link = row.as_ref().and_then(LinkRow::to_link);
    let link = link::open(link, Purpose::Verify, ctx.now())?;
    let row = row.ok_or(LinkRefusal::Unknown)?;

    let owner = ctx.enter(tenant, true, Some(link.user.into()));
    // Most accounts are as their registration left them, so nothing is read to find out.
    let mut head = REGISTERED;
    for _ in 0..TRIES {
        let answer = Verified { status: VerifiedStatus::Verified };
        let commit = verified(&owner, &row, &link, head);
        match owner.try_commit(commit, Reply::new(answer)).await {
            Err(Uncommitted::Refused { label: SUBJECT, old: Some(old) }) => {
                head = head_of(&link, old)?;
            }
            Err(Uncommitted::Refused { .. }) => return Err(LinkRefusal::Superseded.into()),
            done => return done.map_err(Error::from),
        }
    }
    Err(LOCK_TIMEOUT.error().retry_after(1))
}

fn verified(ctx: &Ctx<Guest>, row: &LinkRow, link: &Link, head: Head) -> Commit {
    let data = EmailVerified { user_id: link.user };
    Accounts::of(ctx)
        .activate(link.user, head, &row.address, link.credential_version)
        .announcing(&EMAIL_VERIFIED, &data)
        .with(Links::of(ctx).consume(row))
        .audited(link.user)
}

/// The account's head, if only that was another: a link does nothing to an account that is not
/// pending.
fn head_of(link: &Link, old: store::Item) -> Result<Head, Error> {
    let subject: SubjectRow =
        old.decode().map_err(|fault| Error::internal(format!("a subject row: {fault}")))?;
    let account = Account {
        user: subject.user,
        status: subject.status(),
        credential_version: link.credential_version,
    };
    link::apply(link, &account)?;
    Ok(subject.head)
}
