//! Where the published keys stand against the secret that signs. The secret is the truth and the
//! rows follow it, so a run that died between any two steps is finished by the next.

use std::time::Duration;

use kernel::{AppId, SessionId, TenantId, Timestamp, UserId};

use super::access_token::{Claims, Expected, Keys, Subject, TokenId, mint, verify_access};
use super::signing_key::{KeyState, SigningKey};

/// How long a key signs.
pub const SIGNING_LIFE: Duration = Duration::from_secs(90 * 24 * 3600);
/// How long everybody could see a key before it signs.
pub const PUBLISHED_BEFORE_USE: Duration = Duration::from_secs(7_200);
/// How long a key that signed stays published.
pub const RETIRING: Duration = Duration::from_secs(86_400);

/// A row of the key directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The key's thumbprint.
    pub kid: String,
    /// Where it stands.
    pub state: KeyState,
    /// When everybody could see it.
    pub published_at: Timestamp,
    /// When it came into its state.
    pub since: Timestamp,
}

/// One step towards what the secret says. Each is idempotent by the state it starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A row for a key of the secret.
    Publish {
        /// Which of the secret's keys.
        kid: String,
        /// Where it starts.
        state: KeyState,
    },
    /// In one go: these keys sign no more, and this one, still `next`, is the signing one.
    Promote {
        /// Keys in state `current` that are not the secret's.
        retiring: Vec<String>,
        /// The secret's current key.
        kid: String,
    },
    /// Every token the key signed has expired.
    Retire {
        /// The key.
        kid: String,
    },
    /// A `next` key of a rotation that lost: it never signed.
    Withdraw {
        /// The key.
        kid: String,
    },
}

/// The steps that are due, in order, for a secret with these two keys.
pub fn steps(rows: &[Known], current: &str, next: &str, now: Timestamp) -> Vec<Step> {
    let row = |kid: &str| rows.iter().find(|row| row.kid == kid);
    let others = |state: KeyState| {
        let of_state = rows.iter().filter(move |row| row.state == state);
        of_state.filter(|row| row.kid != current && row.kid != next)
    };
    let mut steps = Vec::new();
    match row(current).map(|row| row.state) {
        // Only a first start publishes a key that signs at once.
        None => steps.push(Step::Publish { kid: current.to_owned(), state: KeyState::Current }),
        Some(KeyState::Next) => steps.push(Step::Promote {
            retiring: others(KeyState::Current).map(|row| row.kid.clone()).collect(),
            kid: current.to_owned(),
        }),
        Some(KeyState::Current | KeyState::Retiring | KeyState::Gone | KeyState::Revoked) => {}
    }
    if row(next).is_none() {
        steps.push(Step::Publish { kid: next.to_owned(), state: KeyState::Next });
    }
    steps.extend(others(KeyState::Next).map(|row| Step::Withdraw { kid: row.kid.clone() }));
    let over = rows.iter().filter(|row| row.state == KeyState::Retiring);
    let over = over.filter(|row| now.since(row.since) >= RETIRING);
    steps.extend(over.map(|row| Step::Retire { kid: row.kid.clone() }));
    steps
}

/// Whether the secret's next key should take over: the current one is old enough, and everybody
/// could see the next one long enough.
pub fn is_due(rows: &[Known], current: &str, next: &str, now: Timestamp) -> bool {
    let in_state =
        |kid: &str, state: KeyState| rows.iter().find(|row| row.kid == kid && row.state == state);
    let old = in_state(current, KeyState::Current)
        .is_some_and(|row| now.since(row.since) >= SIGNING_LIFE);
    let seen = in_state(next, KeyState::Next)
        .is_some_and(|row| now.since(row.published_at) >= PUBLISHED_BEFORE_USE);
    old && seen
}

/// Whether a token signed by this key verifies with the published keys: asked before it signs.
pub fn verifies(key: &SigningKey, published: &Keys, now: Timestamp) -> bool {
    let probe = Claims {
        issuer: "probe".to_owned(),
        audience: "probe".to_owned(),
        id: TokenId::new([0; 16]),
        subject: Subject::User {
            id: UserId::from_bytes([0; 16]),
            session: SessionId::from_bytes([0; 16]),
            home: None,
            authenticated_at: None,
            assurance: None,
            methods: Vec::new(),
        },
        application: AppId::from_bytes([0; 16]),
        tenant: TenantId::from_bytes([0; 16]),
        livemode: false,
        scope: String::new(),
        issued_at: now,
        expires_at: now.plus(Duration::from_secs(1)),
    };
    let expected = Expected::new("probe", "probe", Expected::LEEWAY_S);
    match (mint(&probe, key), expected) {
        (Ok(token), Ok(expected)) => verify_access(&token, published, now, &expected).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::signing_key::{KeyUse, PublicKey};
    use KeyState::{Current, Gone, Next, Retiring, Revoked};

    const DAY_S: i64 = 24 * 3600;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn known(kid: &str, state: KeyState, since_s: i64) -> Known {
        let (published_at, since) = (at(since_s), at(since_s));
        Known { kid: kid.to_owned(), state, published_at, since }
    }

    /// Does the steps at once, as the job does.
    fn carried_out(rows: &mut Vec<Known>, steps: &[Step], now_s: i64) {
        let mut put = |kid: &str, state: KeyState| match rows.iter_mut().find(|row| row.kid == kid)
        {
            Some(row) => {
                assert!(row.state.may_become(state), "{row:?} to {state:?}");
                (row.state, row.since) = (state, at(now_s));
            }
            None => rows.push(known(kid, state, now_s)),
        };
        for step in steps {
            match step {
                Step::Publish { kid, state } => put(kid, *state),
                Step::Promote { retiring, kid } => {
                    retiring.iter().for_each(|old| put(old, Retiring));
                    put(kid, Current);
                }
                Step::Retire { kid } => put(kid, Gone),
                Step::Withdraw { kid } => put(kid, Revoked),
            }
        }
    }

    fn states(rows: &[Known]) -> Vec<(&str, KeyState)> {
        rows.iter().map(|row| (row.kid.as_str(), row.state)).collect()
    }

    #[test]
    fn the_first_start_publishes_both_keys_and_then_rests() {
        let mut rows = Vec::new();
        let first = steps(&rows, "a", "b", at(0));
        carried_out(&mut rows, &first, 0);
        assert_eq!(states(&rows), [("a", Current), ("b", Next)]);
        assert!(steps(&rows, "a", "b", at(0)).is_empty());
        let half = vec![known("a", Current, 0)];
        let publish_next = Step::Publish { kid: "b".to_owned(), state: Next };
        assert_eq!(steps(&half, "a", "b", at(0)), [publish_next]);
    }

    #[test]
    fn a_rotation_moves_every_key_one_step() {
        let now_s = 90 * DAY_S;
        let mut rows = vec![known("a", Current, 0), known("b", Next, 0)];
        assert!(is_due(&rows, "a", "b", at(now_s)) && !is_due(&rows, "a", "b", at(now_s - 1)));
        let turn = steps(&rows, "b", "c", at(now_s));
        carried_out(&mut rows, &turn, now_s);
        assert_eq!(states(&rows), [("a", Retiring), ("b", Current), ("c", Next)]);
        assert!(steps(&rows, "b", "c", at(now_s + DAY_S - 1)).is_empty());
        let retire = steps(&rows, "b", "c", at(now_s + DAY_S));
        carried_out(&mut rows, &retire, now_s + DAY_S);
        assert_eq!(states(&rows), [("a", Gone), ("b", Current), ("c", Next)]);
    }

    #[test]
    fn a_key_nobody_could_see_for_two_hours_does_not_take_over() {
        let now_s = 90 * DAY_S;
        let rows = |published_s| vec![known("a", Current, 0), known("b", Next, published_s)];
        assert!(!is_due(&rows(now_s - 7_199), "a", "b", at(now_s)));
        assert!(is_due(&rows(now_s - 7_200), "a", "b", at(now_s)));
        assert!(!is_due(&[known("a", Current, 0)], "a", "b", at(now_s)));
    }

    #[test]
    fn the_key_of_a_rotation_that_lost_is_withdrawn() {
        let rows = [known("b", Current, 0), known("lost", Next, 0), known("c", Next, 0)];
        assert_eq!(steps(&rows, "b", "c", at(1)), [Step::Withdraw { kid: "lost".to_owned() }]);
    }

    #[test]
    fn only_a_published_key_verifies() {
        let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let published = |state| PublicKey { jwk: key.public(), key_use: KeyUse::Access, state };
        assert!(verifies(&key, &Keys::of(&[published(Next)]), at(DAY_S)));
        assert!(!verifies(&key, &Keys::of(&[published(Revoked)]), at(DAY_S)));
        assert!(!verifies(&other, &Keys::of(&[published(Next)]), at(DAY_S)));
    }
}
