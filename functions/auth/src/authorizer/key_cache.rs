//! The verification keys of one process: key states are at most a minute old, and a key nobody
//! knows makes them be read again at most twice a minute.

use std::time::Duration;

use kernel::Timestamp;
use runtime::authorizer::Standing;
use runtime::{Ctx, System};
use tokio::sync::Mutex;

use super::Refusal;
use crate::domain::access_token::{Claims, Expected, Keys, Outcome, Why, verify_access};
use crate::domain::jws::JwsError;
use crate::store::SigningKeys;

/// How old key states may be.
const FRESH: Duration = Duration::from_secs(60);
/// How soon after a read an unknown key causes another.
const UNKNOWN_AFTER: Duration = Duration::from_secs(30);

/// The keys of a process. One request reads them, those beside it wait for the answer.
#[derive(Default)]
pub struct KeyCache {
    held: Mutex<Option<Held>>,
}

struct Held {
    keys: Keys,
    empty: bool,
    at: Timestamp,
}

impl KeyCache {
    /// The claims a token proves.
    pub(super) async fn verify(&self, ctx: &Ctx<System>, token: &str) -> Result<Claims, Refusal> {
        let config = ctx.config();
        let leeway = Expected::LEEWAY_S;
        let expected = Expected::new(&config.issuer, config.api_audience(), leeway)
            .map_err(|_| Refusal::new(Standing::Unavailable, "leeway"))?;
        let mut held = self.held.lock().await;
        let now = ctx.now();
        // No key at all is the moment before the first start; nobody should wait a minute for its
        // end.
        let fresh = held.take().filter(|held| !held.empty && now.since(held.at) < FRESH);
        let keys = match fresh {
            Some(keys) => keys,
            None => read(ctx).await?,
        };
        let keys = held.insert(keys);
        let proven = verify_access(token, &keys.keys, now, &expected);
        let unknown = matches!(&proven, Err(Why::Jws(JwsError::UnknownKey(_))));
        let proven = if unknown && now.since(keys.at) >= UNKNOWN_AFTER {
            let keys = held.insert(read(ctx).await?);
            verify_access(token, &keys.keys, now, &expected)
        } else {
            proven
        };
        proven.map(|evidence| evidence.into_claims()).map_err(|why| refusal(&why))
    }
}

async fn read(ctx: &Ctx<System>) -> Result<Held, Refusal> {
    let keys = SigningKeys::of(ctx.store()).public().await;
    let keys = keys.map_err(Refusal::unavailable("keys"))?;
    Ok(Held { empty: keys.is_empty(), keys: Keys::of(&keys), at: ctx.now() })
}

fn refusal(why: &Why) -> Refusal {
    let standing = match why.outcome() {
        Outcome::Expired => Standing::Expired,
        Outcome::Invalid => Standing::Invalid,
    };
    Refusal::new(standing, code(why))
}

/// The reason code for logs.
fn code(why: &Why) -> &'static str {
    match why {
        Why::TooLong => "too_long",
        Why::Jws(JwsError::UnknownKey(_)) => "key_unknown",
        Why::Jws(JwsError::Signature) => "signature",
        Why::Jws(
            JwsError::Segments
            | JwsError::Encoding
            | JwsError::Header
            | JwsError::Extension
            | JwsError::Algorithm,
        ) => "jws",
        Why::HeaderMembers => "header_members",
        Why::Typ => "typ",
        Why::KeyUse => "key_use",
        Why::Payload => "payload",
        Why::Claim(name) => name,
        Why::Issuer => "issuer",
        Why::Audience => "audience",
        Why::IssuedInFuture => "issued_in_future",
        Why::NotYetValid => "not_yet_valid",
        Why::Life => "life",
        Why::Expired => "expired",
        Why::Confirmation => "confirmation",
    }
}
