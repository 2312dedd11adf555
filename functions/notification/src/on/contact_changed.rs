use kernel::Error;
use runtime::{Ctx, Outcome, Received, Worker};
use serde_json::Value;

use super::person;
use crate::store::contacts::Contacts;

/// Remembers how a person is reached, as the account says now.
///
/// Safe to run twice and in any order: facts of an older version of the account never replace newer
/// ones.
pub async fn handle(ctx: Ctx<Worker>, event: Received<Value>) -> Result<Outcome, Error> {
    let contacts = Contacts::of(&ctx);
    let Some(account) = contacts.account(person(&event.data)?).await? else {
        return Ok(Outcome::Skip("account_gone"));
    };
    let contact = contacts.contact(&account);
    let remembered = contacts.remember(&contact).await?;
    Ok(if remembered { Outcome::Done } else { Outcome::Skip("older") })
}
