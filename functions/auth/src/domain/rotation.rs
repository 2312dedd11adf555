//! Refresh rotation without stored tokens: the session row knows the counter of the one live token,
//! and a token that was just replaced gets the same successor again.

use std::time::Duration;

use kernel::{AppId, Timestamp};

/// The usual grace for parallel and repeated refreshes.
pub const GRACE: Duration = Duration::from_secs(10);

/// The longest grace an application may have.
pub const MAX_GRACE: Duration = Duration::from_secs(60);

/// Whether a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionStatus {
    /// It stands, until it expires.
    Active,
    /// It was ended on purpose.
    Revoked,
    /// It was ended because a replaced token came back.
    ReuseRevoked,
}

impl SessionStatus {
    /// The stored spelling.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Revoked => "revoked",
            Self::ReuseRevoked => "reuse_revoked",
        }
    }

    /// The status with this stored spelling.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Active, Self::Revoked, Self::ReuseRevoked]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

/// A proven refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its place in the chain.
    pub counter: u32,
    /// The application that presents it.
    pub application: AppId,
}

/// What the session row knows about its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The counter of the live token.
    pub counter: u32,
    /// The pepper the live token was minted with.
    pub pepper_id: u8,
    /// When the live token replaced the one before it.
    pub rotated_at: Timestamp,
    /// Whether the session stands.
    pub status: SessionStatus,
    /// When it ends unless it is used.
    pub idle_expires_at: Timestamp,
    /// When it ends for good.
    pub absolute_expires_at: Timestamp,
    /// The application it belongs to.
    pub application: AppId,
    /// How long a replaced token gets its successor again; at most `MAX_GRACE`.
    pub grace: Duration,
}

/// What a refresh leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The live token: the row moves on to this counter, and its token is handed out. The store
    /// makes this one conditional write; a row that gives this answer after the write was refused
    /// changed in between, and the write is repeated.
    Rotate {
        /// The counter of the new live token.
        counter: u32,
    },
    /// The token just replaced, within the grace: the live token again, derived from the row.
    Replay {
        /// The counter of the live token.
        counter: u32,
        /// The pepper it was minted with.
        pepper_id: u8,
    },
    /// A replaced token came back: somebody else may have it, so the session ends.
    Reuse,
    /// No token, and nothing happens.
    Refuse(Refused),
}

/// Why nothing happens; variants in the order of the checks. For logs: one answer for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no such session.
    Unknown,
    /// Another application presents the token.
    Application,
    /// The session was ended.
    Ended,
    /// The session expired.
    Expired,
    /// The row is behind the token: it was restored from a backup. Worth an alarm, not a
    /// revocation.
    Behind,
}

/// Decides on a refresh from the row as it is, or as it was returned when the write was refused.
///
/// Expiry and revocation come before reuse: a dead session has nothing left to protect, and a
/// client that was a moment late is no thief.
pub fn decide(token: &Token, row: Option<&Row>, now: Timestamp) -> Rotation {
    let Some(row) = row else { return Rotation::Refuse(Refused::Unknown) };
    if row.application != token.application {
        return Rotation::Refuse(Refused::Application);
    }
    match row.status {
        SessionStatus::Active => {}
        SessionStatus::Revoked | SessionStatus::ReuseRevoked => {
            return Rotation::Refuse(Refused::Ended);
        }
    }
    if now >= row.idle_expires_at || now >= row.absolute_expires_at {
        return Rotation::Refuse(Refused::Expired);
    }
    if row.counter < token.counter {
        return Rotation::Refuse(Refused::Behind);
    }
    match (row.counter - token.counter, row.counter.checked_add(1)) {
        (0, Some(counter)) => Rotation::Rotate { counter },
        // Four thousand million rotations: the chain is at its end.
        (0, None) => Rotation::Refuse(Refused::Expired),
        (1, _) if now.since(row.rotated_at) <= row.grace.min(MAX_GRACE) => {
            Rotation::Replay { counter: row.counter, pepper_id: row.pepper_id }
        }
        _ => Rotation::Reuse,
    }
}

#[cfg(test)]
mod tests;
