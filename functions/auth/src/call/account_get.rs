//! What other modules may know of an account.

use contracts::auth::{Account, AccountGet};
use kernel::Error;
use runtime::{Ctx, Worker};

use crate::domain::account::AccountStatus;
use crate::store::Accounts;

/// Answers address, name, locale and whether the address is proven; not found outside the tenant.
pub async fn handle(ctx: Ctx<Worker>, request: AccountGet) -> Result<Account, Error> {
    let subject = Accounts::of(&ctx).subject(request.user_id).await?;
    let subject = subject.ok_or_else(Error::not_found)?;
    Ok(Account {
        user_id: subject.user,
        verified: subject.status() != AccountStatus::Pending,
        version: subject.head.version,
        email: subject.email,
        name: subject.name,
        locale: subject.locale,
    })
}
