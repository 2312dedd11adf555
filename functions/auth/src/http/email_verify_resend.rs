//! Mails a new verification link.

use contracts::auth::{ResendVerification, Started, StartedStatus};
use kernel::Error;
use runtime::{Anonymous, Commit, Ctx, Reply};

use crate::domain::account::AccountStatus;
use crate::mailing::{Errand, with_link};
use crate::store::Accounts;
use crate::visit::Visit;

/// Replaces the link of a pending account. For every other address a link for nobody is made, so
/// that answer and work are the same.
pub async fn handle(
    ctx: Ctx<Anonymous>,
    request: ResendVerification,
) -> Result<Reply<Started>, Error> {
    let visit = Visit::of(&ctx, &request.tenant, &request.email).await?;
    // An account somebody else made has no password yet: verified, it could never be signed in to.
    let waits = |status: AccountStatus| status == AccountStatus::Pending;
    let pending = visit.row.as_ref().filter(|row| waits(row.status()) && row.phc.is_some());
    let commit = match pending {
        Some(read) => {
            let version = read.credential_version.saturating_add(1);
            let change = Accounts::of(&visit.guest).renew(read, version);
            with_link(&visit, Commit::of(change), Errand::verify(read.user, version))
        }
        None => with_link(&visit, Commit::new(), Errand::for_nobody(&visit.guest)),
    };
    let answer = Started { status: StartedStatus::VerificationSent };
    visit.guest.commit(commit, Reply::new(answer)).await
}
