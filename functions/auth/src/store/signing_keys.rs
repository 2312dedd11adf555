//! The public halves of the signing keys, and where each stands.

use std::time::Duration;

use kernel::{Error, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Change, Condition, Consistency, Key, Query, Store, Stored, Table, Update, Written};

use super::keys::{self, AUTH};
use crate::domain::algorithm::ISSUED;
use crate::domain::jwk::Jwk;
use crate::domain::key_rotation::Known;
use crate::domain::signing_key::{KeyState, KeyUse, PublicKey, SigningKey};

/// How long a row is kept after its key has gone.
const KEPT: Duration = Duration::from_secs(90 * 24 * 3600);
/// Keys in the directory, at most: two alive, and those of the last 180 days.
const KEYS: usize = 100;

/// A key as everybody may see it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct KeyRow {
    pub kid: String,
    /// The public JSON Web Key, as text.
    jwk: String,
    alg: String,
    #[serde(rename = "use")]
    key_use: String,
    state: String,
    #[serde(with = "kernel::time::ms", rename = "published_at_ms")]
    published_at: Timestamp,
    #[serde(with = "kernel::time::ms", rename = "since_ms")]
    since: Timestamp,
}

impl Stored for KeyRow {
    const TABLE: Table = AUTH;

    fn key(&self) -> Key {
        keys::signing_key(&self.kid)
    }
}

impl KeyRow {
    /// What rotation is decided on; an unknown word counts as revoked.
    pub fn known(&self) -> Known {
        Known {
            kid: self.kid.clone(),
            state: KeyState::named(&self.state).unwrap_or(KeyState::Revoked),
            published_at: self.published_at,
            since: self.since,
        }
    }

    /// The key; `None` where the row holds none that can be read.
    pub fn public(&self) -> Option<PublicKey> {
        Some(PublicKey {
            jwk: Jwk::parse(self.jwk.as_bytes()).ok()?,
            key_use: KeyUse::named(&self.key_use)?,
            state: KeyState::named(&self.state)?,
        })
    }
}

/// The key directory.
pub struct SigningKeys<'a> {
    store: &'a Store,
}

impl<'a> SigningKeys<'a> {
    /// The directory in this store.
    pub fn of(store: &'a Store) -> Self {
        Self { store }
    }

    /// Every row.
    pub async fn all(&self) -> Result<Vec<KeyRow>, Error> {
        let query = Query::table(AUTH, keys::signing_keys()).limit(KEYS);
        let rows = self.store.query(&query.consistency(Consistency::Strong)).await?;
        Ok(rows.items)
    }

    /// Every key that can be read.
    pub async fn public(&self) -> Result<Vec<PublicKey>, Error> {
        Ok(self.all().await?.iter().filter_map(KeyRow::public).collect())
    }

    /// Puts a key in, unless it is there.
    pub async fn publish(
        &self,
        key: &SigningKey,
        state: KeyState,
        now: Timestamp,
    ) -> Result<(), Error> {
        let jwk = key.public().published();
        let jwk = jwk.ok_or_else(|| Error::internal("a signing key has a public half"))?;
        let row = KeyRow {
            kid: key.kid().to_owned(),
            jwk: json!(jwk).to_string(),
            alg: ISSUED.to_owned(),
            key_use: KeyUse::Access.name().to_owned(),
            state: state.name().to_owned(),
            published_at: now,
            since: now,
        };
        let (Written::Done(_) | Written::Refused(_)) = self.store.put_if_absent(&row).await?;
        Ok(())
    }

    /// Lets one key sign and others retire, in one go.
    pub fn promote(&self, retiring: &[String], kid: &str, now: Timestamp) -> Change {
        let mut change = Change::new();
        for old in retiring {
            change.update(moved(old, KeyState::Current, KeyState::Retiring, now));
        }
        change.update(moved(kid, KeyState::Next, KeyState::Current, now));
        change
    }

    /// Moves a key that is done with to its last state; does nothing where it moved already.
    pub async fn close(
        &self,
        kid: &str,
        from: KeyState,
        to: KeyState,
        now: Timestamp,
    ) -> Result<(), Error> {
        let update = moved(kid, from, to, now).set("expires_at", now.plus(KEPT).seconds());
        let (Written::Done(_) | Written::Refused(_)) = self.store.update(update).await?;
        Ok(())
    }
}

fn moved(kid: &str, from: KeyState, to: KeyState, now: Timestamp) -> Update {
    Update::of(AUTH, keys::signing_key(kid))
        .set("state", to.name())
        .set("since_ms", now.ms())
        .when(Condition::equal("state", from.name()))
}
