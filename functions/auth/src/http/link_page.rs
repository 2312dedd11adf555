//! The page behind a mailed link.

use contracts::auth::LinkPage;
use kernel::Error;
use kernel::problem::MALFORMED_REQUEST;
use runtime::{Anonymous, Ctx, Reply};

use crate::domain::link::Purpose;
use crate::page;

/// Shows a form that posts the token, or says that the post was good. Reads nothing, changes
/// nothing.
pub async fn handle(_: Ctx<Anonymous>, request: LinkPage) -> Result<Reply<String>, Error> {
    let purpose = request.purpose.as_str();
    if purpose == "verified" {
        return Ok(Reply::new(page::verified()));
    }
    match Purpose::named(purpose) {
        Some(Purpose::Verify) => {
            let incomplete = || MALFORMED_REQUEST.because("the link is not complete").at("token");
            let token = request.token.ok_or_else(incomplete)?;
            Ok(Reply::new(page::verify(token.expose())))
        }
        Some(Purpose::Reset | Purpose::EmailChange | Purpose::Invite) | None => {
            Err(Error::not_found())
        }
    }
}
