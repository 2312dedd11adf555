//! Mails a link, or the notice that takes its place.
//!
//! Safe to run twice: the event is claimed first, and a second copy of a mail carries the same
//! `Message-ID`.

use events::auth::{LinkPurpose, LinkRequested};
use kernel::Error;
use runtime::mail::{MailError, Message};
use runtime::{Ctx, Outcome, Received, Worker};

use crate::domain::link::{self, Account, Purpose};
use crate::domain::sealed::{self, Context, Kind, Sealed};
use crate::letter::Letter;
use crate::secrets;
use crate::store::{Accounts, AddressRow, LinkRow, Links};

/// Reads link and address again, derives the token, sends. What was used, replaced or made for
/// nobody is dropped.
pub async fn handle(ctx: Ctx<Worker>, event: Received<LinkRequested>) -> Result<Outcome, Error> {
    let Some(row) = Links::of(&ctx).get(event.data.link_id).await? else {
        return Ok(Outcome::Skip("link_gone"));
    };
    let address = Accounts::of(&ctx).by_address(std::slice::from_ref(&row.address)).await?;
    let Some(address) = address.filter(|address| address.user == row.user) else {
        return Ok(Outcome::Skip("account_gone"));
    };
    let letter = match row.purpose {
        LinkPurpose::AlreadyRegistered if ctx.now() >= row.expires_at => None,
        LinkPurpose::AlreadyRegistered => Some(Letter::AlreadyRegistered),
        LinkPurpose::Verify => verification(&ctx, &row, &address).await?,
    };
    let Some(letter) = letter else { return Ok(Outcome::Skip("link_dead")) };
    let wording = letter.wording(&address.name, &row.tenant_name, address.locale.as_deref());
    let message = Message {
        message_id: row.link.to_string(),
        to: address.email.clone(),
        subject: wording.subject,
        text: wording.text,
        html: wording.html,
    };
    Ok(match ctx.mailer()?.send(message).await {
        Ok(()) => Outcome::Done,
        Err(MailError::Limited { retry_after_s }) => {
            Outcome::Wait { seconds: retry_after_s, code: "mail_limited" }
        }
        Err(MailError::Address) => Outcome::Permanent("mail_address"),
        Err(MailError::Content) => Outcome::Permanent("mail_content"),
        Err(MailError::Auth) => Outcome::Retry("mail_auth"),
        Err(MailError::Transient) => Outcome::Retry("mail_transient"),
        Err(MailError::Unknown) => Outcome::Retry("mail_unknown"),
    })
}

/// The letter with the token in it; `None` where the link does nothing any more.
async fn verification(
    ctx: &Ctx<Worker>,
    row: &LinkRow,
    address: &AddressRow,
) -> Result<Option<Letter>, Error> {
    let account = Account {
        user: address.user,
        status: address.status(),
        credential_version: address.credential_version,
    };
    let alive = link::open(row.to_link(), Purpose::Verify, ctx.now())
        .and_then(|link| link::apply(&link, &account));
    if alive.is_err() {
        return Ok(None);
    }
    let peppers = secrets::token_peppers(ctx).await?;
    let pepper = peppers.newest_first().next();
    let pepper = pepper.ok_or_else(|| Error::internal("a pepper document is never empty"))?;
    let sealed =
        Sealed { kind: Kind::Verify, tenant: row.tenant, id: row.link.bytes(), counter: 0 };
    let token = sealed::seal(&sealed, Context::Nobody, pepper)
        .map_err(|_| Error::internal("a link token could not be sealed"))?;
    let issuer = &ctx.config().issuer;
    let url = format!("{issuer}/v1/auth/links/verify?token={}", token.expose());
    Ok(Some(Letter::Verify { url }))
}
