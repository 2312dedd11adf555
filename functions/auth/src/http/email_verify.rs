//! Verifies an address.

use contracts::auth::{Verified, VerifiedStatus, VerifyEmail};
use events::auth::{EMAIL_VERIFIED, EmailVerified};
use kernel::problem::LOCK_TIMEOUT;
use kernel::{EntityKind, EntityRef, Error, LinkId};
use runtime::{Anonymous, Commit, Ctx, Guest, Reply, Uncommitted};

use crate::domain::link::{self, Account, Link, LinkRefusal, Purpose};
use crate::domain::sealed::{self, Context, Kind};
use crate::secrets;
use crate::store::accounts::SUBJECT;
use crate::store::{Accounts, LinkRow, Links, SubjectRow};

/// The event that tells of a verification, where nothing was told since the registration.
const USUAL_SEQUENCE: u64 = 2;
/// Tries to find the account's next event.
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
    let mut sequence = USUAL_SEQUENCE;
    for _ in 0..TRIES {
        let answer = Verified { status: VerifiedStatus::Verified };
        let commit = verified(&owner, &row, &link, sequence);
        match owner.try_commit(commit, Reply::new(answer)).await {
            Err(Uncommitted::Refused { label: SUBJECT, old: Some(old) }) => {
                sequence = next_sequence(&link, old)?;
            }
            Err(Uncommitted::Refused { .. }) => return Err(LinkRefusal::Superseded.into()),
            done => return done.map_err(Error::from),
        }
    }
    Err(LOCK_TIMEOUT.error().retry_after(1))
}

fn verified(ctx: &Ctx<Guest>, row: &LinkRow, link: &Link, sequence: u64) -> Commit {
    let activation =
        Accounts::of(ctx).activate(link.user, &row.address, link.credential_version, sequence);
    let change = Links::of(ctx).consume(row).append(activation);
    let account = EntityRef::new(EntityKind::Account, link.user);
    let data = EmailVerified { user_id: link.user };
    Commit::of(change).announcing(&EMAIL_VERIFIED, account, sequence, &data).audited(link.user)
}

/// The account's next event, if it is only that: a link does nothing to an account that is not
/// pending.
fn next_sequence(link: &Link, old: store::Item) -> Result<u64, Error> {
    let subject: SubjectRow =
        old.decode().map_err(|fault| Error::internal(format!("a subject row: {fault}")))?;
    let account = Account {
        user: subject.user,
        status: subject.status(),
        credential_version: link.credential_version,
    };
    link::apply(link, &account)?;
    Ok(subject.head.event_seq + 1)
}
