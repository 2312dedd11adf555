//! Makes an account for somebody.

use contracts::auth::{AccountCreate, AccountCreated, AccountOutcome};
use events::auth::{EMAIL_VERIFIED, EmailVerified, USER_REGISTERED, UserRegistered};
use kernel::text::LocaleTag;
use kernel::{Error, Refusal, UserId};
use runtime::{Commit, Ctx, Worker};

use crate::domain::account::AccountStatus;
use crate::domain::address::{Address, Lookup};
use crate::domain::password::About;
use crate::store::Accounts;
use crate::store::accounts::NewAccount;
use crate::{hashing, secrets};

/// Makes the account unless the address is taken, so that calling twice makes one.
pub async fn handle(ctx: Ctx<Worker>, request: AccountCreate) -> Result<AccountCreated, Error> {
    let address = Address::parse(request.email.as_str())
        .map_err(|refusal| Error::validation(vec![Refusal::from(refusal).at("/email")]))?;
    let peppers = secrets::email_peppers(&ctx).await?;
    let lookups: Vec<Lookup> =
        peppers.newest_first().map(|pepper| address.lookup(ctx.tenant(), pepper)).collect();
    let accounts = Accounts::of(&ctx);
    if let Some(row) = accounts.by_address(&lookups).await? {
        return Ok(AccountCreated { user_id: row.user, outcome: AccountOutcome::Exists });
    }
    let about =
        About { local_part: address.local_part(), name: request.name.as_str(), ..About::default() };
    let password = request.password.as_ref();
    let phc = password.map(|password| hashing::chosen(&ctx, password, &about)).transpose()?;
    let user: UserId = ctx.new_id();
    let lookup = lookups.first().cloned();
    let lookup = lookup.ok_or_else(|| Error::internal("a pepper document is never empty"))?;
    let commit = created(&ctx, &request, &address, lookup, phc, user);
    match ctx.apply(commit).await {
        Ok(()) => Ok(AccountCreated { user_id: user, outcome: AccountOutcome::Created }),
        // A twin may have been faster.
        Err(fault) => match accounts.by_address(&lookups).await? {
            Some(row) => Ok(AccountCreated { user_id: row.user, outcome: AccountOutcome::Exists }),
            None => Err(fault),
        },
    }
}

/// The account and what is told of it: with a password the caller vouches for the address.
fn created(
    ctx: &Ctx<Worker>,
    request: &AccountCreate,
    address: &Address,
    lookup: Lookup,
    phc: Option<String>,
    user: UserId,
) -> Commit {
    let verified = phc.is_some();
    let locale = request.locale.as_ref().map(LocaleTag::to_string);
    let new = NewAccount {
        user,
        address: lookup,
        phc,
        status: if verified { AccountStatus::Active } else { AccountStatus::Pending },
        email: address.delivery(),
        name: request.name.to_string(),
        locale: locale.clone(),
    };
    let commit = Accounts::of(ctx)
        .create(new, ctx.now())
        .announcing(&USER_REGISTERED, &UserRegistered { user_id: user, locale });
    match verified {
        true => commit.announcing(&EMAIL_VERIFIED, &EmailVerified { user_id: user }),
        false => commit,
    }
}
