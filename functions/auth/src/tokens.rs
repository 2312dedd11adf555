//! The tokens of a session, made from its row: the same row always gives the same refresh token.

use std::time::Duration;

use contracts::auth::{TokenType, Tokens};
use kernel::problem::CREDENTIAL_INVALID;
use kernel::{Error, Timestamp};
use runtime::Ctx;

use crate::domain::access_token::{Assurance, Claims, Method, MintError, Subject, TokenId, mint};
use crate::domain::pepper::Peppers;
use crate::domain::sealed::{self, Context, Kind, Sealed};
use crate::domain::session::access_token_end;
use crate::domain::signing_key::SigningSecret;
use crate::secrets;
use crate::store::SessionRow;

/// The life of an access token.
const ACCESS_LIFE: Duration = Duration::from_secs(600);

/// What tokens are made with.
pub struct Mint {
    pub peppers: Peppers,
    signing: SigningSecret,
}

impl Mint {
    /// Loads keys and peppers: before anything is changed, so that no session starts without
    /// tokens.
    pub async fn load<Who>(ctx: &Ctx<Who>) -> Result<Self, Error> {
        let peppers = secrets::token_peppers(ctx).await?;
        Ok(Self { peppers, signing: secrets::signing(ctx).await? })
    }

    /// A fresh access token, and the live refresh token of the row. `now` is the instant the row
    /// was written or decided on: lives counted from another would be a second short. Refused as an
    /// invalid credential in the last second of a session, and where the pepper of the row is gone.
    pub fn tokens<Who>(
        &self,
        ctx: &Ctx<Who>,
        row: &SessionRow,
        now: Timestamp,
    ) -> Result<Tokens, Error> {
        let expires_at = access_token_end(now, ACCESS_LIFE, row.absolute_expires_at);
        let claims = Claims {
            issuer: ctx.config().issuer.clone(),
            audience: ctx.config().api_audience().to_owned(),
            id: TokenId::new(ctx.random()),
            subject: Subject::User {
                id: row.user,
                session: row.session,
                home: (row.home != row.tenant).then_some(row.home),
                authenticated_at: Some(row.auth_time),
                assurance: Assurance::named(&row.acr),
                methods: row.amr.iter().filter_map(|name| Method::named(name)).collect(),
            },
            application: row.application,
            tenant: row.tenant,
            livemode: row.livemode,
            scope: row.scopes.join(" "),
            issued_at: now,
            expires_at,
        };
        let access_token = mint(&claims, &self.signing.current).map_err(|fault| match fault {
            MintError::Life => not_accepted(),
            MintError::TooLong | MintError::Signature => {
                Error::internal(format!("an access token could not be made: {fault:?}"))
            }
        })?;
        Ok(Tokens {
            access_token,
            token_type: TokenType::Bearer,
            expires_in: expires_at.seconds() - now.seconds(),
            refresh_token: self.refresh_token(row)?,
            refresh_expires_in: (row.refresh_end().seconds() - now.seconds()).max(0),
        })
    }

    fn refresh_token(&self, row: &SessionRow) -> Result<String, Error> {
        let sealed = Sealed {
            kind: Kind::Refresh,
            tenant: row.tenant,
            id: row.session.bytes(),
            counter: row.counter,
        };
        let pepper = self.peppers.get(row.pepper_id).ok_or_else(not_accepted)?;
        let token = sealed::seal(&sealed, Context::Application(row.application), pepper);
        let token = token.map_err(|_| Error::internal("a refresh token could not be sealed"))?;
        Ok(token.expose().clone())
    }
}

/// The one answer to a refresh token that gives nothing.
pub fn not_accepted() -> Error {
    CREDENTIAL_INVALID.because("this refresh token is not accepted; sign in again")
}
