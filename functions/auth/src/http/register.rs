//! Starts an account.

use contracts::auth::{Register, Started, StartedStatus};
use events::auth::{LinkPurpose, USER_REGISTERED, UserRegistered};
use kernel::text::LocaleTag;
use kernel::{Error, UserId};
use runtime::access::RegistrationPolicy;
use runtime::{Anonymous, Commit, Ctx, Reply};
use store::Change;

use crate::domain::account::AccountStatus;
use crate::domain::password::About;
use crate::domain::registration::{self, Registration, SignUp};
use crate::hashing;
use crate::mailing::{Errand, with_decoy, with_link};
use crate::store::accounts::{NewAccount, Replacement};
use crate::store::{Accounts, AddressRow};
use crate::visit::Visit;

/// Starts an account, replaces one that nobody verified, or tells the owner of a living one: with
/// one answer, and as much work, for all.
pub async fn handle(ctx: Ctx<Anonymous>, request: Register) -> Result<Reply<Started>, Error> {
    let visit = Visit::of(&ctx, &request.tenant, &request.email).await?;
    registration::admit(sign_up(visit.head.registration))?;
    let about = About {
        local_part: visit.address.local_part(),
        name: request.name.as_str(),
        tenant_slug: &visit.head.slug,
        tenant_name: &visit.head.name,
    };
    let phc = hashing::chosen(&ctx, &request.password, &about)?;
    let existing = visit.row.as_ref().map(AddressRow::existing);
    let decision = registration::decide(existing.as_ref(), ctx.now());
    let commit = match (decision, &visit.row) {
        (Registration::Replace { user, credential_version }, Some(read)) => {
            let change = replaced(&visit, read, &request, credential_version, phc);
            let commit =
                with_link(&visit, Commit::of(change), Errand::verify(user, credential_version));
            with_decoy(&visit.guest, commit).audited(user)
        }
        (Registration::Keep { user, notify }, Some(read)) => {
            let commit = told(&visit, read, notify);
            with_decoy(&visit.guest, commit).audited(user)
        }
        (
            Registration::Create { .. } | Registration::Replace { .. } | Registration::Keep { .. },
            _,
        ) => started(&visit, &request, phc),
    };
    let answer = Started { status: StartedStatus::VerificationSent };
    visit.guest.commit(commit, Reply::new(answer)).await
}

fn sign_up(policy: RegistrationPolicy) -> SignUp {
    match policy {
        RegistrationPolicy::Open => SignUp::Open,
        RegistrationPolicy::InviteOnly => SignUp::InviteOnly,
        RegistrationPolicy::Closed => SignUp::Closed,
    }
}

/// A pending account and its first link. A twin that was faster makes the handler run again.
fn started(visit: &Visit, request: &Register, phc: String) -> Commit {
    let user: UserId = visit.guest.new_id();
    let locale = locale(request);
    let new = NewAccount {
        user,
        address: visit.lookup.clone(),
        phc: Some(phc),
        status: AccountStatus::Pending,
        email: visit.address.delivery(),
        name: request.name.to_string(),
        locale: locale.clone(),
    };
    let commit = Accounts::of(&visit.guest)
        .create(new, visit.guest.now())
        .announcing(&USER_REGISTERED, &UserRegistered { user_id: user, locale });
    with_link(visit, commit, Errand::verify(user, 1)).audited(user)
}

/// Another password and another link: whoever registered last and holds the mailbox wins.
fn replaced(
    visit: &Visit,
    read: &AddressRow,
    request: &Register,
    credential_version: u64,
    phc: String,
) -> Change {
    let by = Replacement {
        credential_version,
        phc,
        email: visit.address.delivery(),
        name: request.name.to_string(),
        locale: locale(request),
    };
    Accounts::of(&visit.guest).replace(read, by)
}

/// A notice to the owner, or nothing that looks like one.
fn told(visit: &Visit, read: &AddressRow, notify: bool) -> Commit {
    if !notify {
        return with_link(visit, Commit::new(), Errand::for_nobody(&visit.guest));
    }
    let errand = Errand {
        purpose: LinkPurpose::AlreadyRegistered,
        user: read.user,
        credential_version: read.credential_version,
    };
    let change = Accounts::of(&visit.guest).noticed(read, visit.guest.now());
    with_link(visit, Commit::of(change), errand)
}

fn locale(request: &Register) -> Option<String> {
    request.locale.as_ref().map(LocaleTag::to_string)
}
