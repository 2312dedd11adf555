//! Handing a message over to a provider: who may, when again, and when never. Mail is handed over
//! at least once; a copy after an unknown outcome carries the same `Message-ID`.

use std::time::Duration;

use kernel::Timestamp;

use super::outcome::{FailReason, Outcome, SkipReason, Status};

/// Hand-overs before a row is given up.
pub const TRIES: u32 = 6;
/// Pause after the n-th failed hand-over, in seconds; the last repeats.
pub const BACKOFF_S: [u32; 5] = [10, 30, 120, 600, 900];
/// How long a claim holds: twice the timeout of the functions that dispatch.
pub const LEASE: Duration = Duration::from_secs(120);
/// A row that could not even be handed over for so long is given up.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(3 * 24 * 3600);
/// How long after the queue's own retry the sweeper takes a row over.
pub const SWEEP_SLACK: Duration = Duration::from_secs(60);

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub status: Status,
    /// Whose claim holds until when.
    pub claimed_until: Option<Timestamp>,
    /// Hand-overs begun.
    pub attempts: u32,
    pub created_at: Timestamp,
    /// When the message is worth nothing any more.
    pub expires_at: Option<Timestamp>,
}

/// Whether a dispatcher may take the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its end is written.
    Settled,
    /// Another dispatcher is at it until then.
    Held(Timestamp),
    /// Nobody is at it, or whoever was is dead.
    Free,
}

/// What a row means for a dispatcher at this moment.
pub fn standing(row: &Progress, now: Timestamp) -> Standing {
    match (row.status, row.claimed_until) {
        (Status::Sent | Status::Failed, _) => Standing::Settled,
        (Status::Processing, Some(until)) if until > now => Standing::Held(until),
        (Status::Pending | Status::Processing, _) => Standing::Free,
    }
}

/// Why a row must not be handed over any more: checked at dispatch, whatever was planned.
pub fn too_late(row: &Progress, now: Timestamp) -> Option<Outcome> {
    if row.expires_at.is_some_and(|expires| expires <= now) {
        return Some(Outcome::Skipped(SkipReason::Expired));
    }
    if row.attempts >= TRIES {
        // A last hand-over whose result is written ends the row; this one's never was.
        return Some(Outcome::Failed(FailReason::Unknown));
    }
    let given_up = row.created_at.plus(GIVE_UP_AFTER) <= now;
    given_up.then_some(Outcome::Failed(FailReason::Exhausted))
}

/// Why a provider did not take a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderError {
    Transient,
    Limited { retry_after_s: u32 },
    Address,
    Content,
    Auth,
    Unknown,
}

/// What follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The row ends.
    Settle(Outcome),
    /// It is handed over again after so many seconds.
    Again { in_s: u32, code: &'static str },
    /// The provider asks us to wait; that is no attempt.
    Wait { in_s: u32 },
}

/// Decides after hand-over number `attempts` failed.
pub fn next(error: ProviderError, attempts: u32) -> Next {
    let (code, at_last) = match error {
        ProviderError::Address => return Next::Settle(Outcome::Failed(FailReason::Address)),
        ProviderError::Content => return Next::Settle(Outcome::Failed(FailReason::Content)),
        ProviderError::Limited { retry_after_s } => {
            return Next::Wait { in_s: retry_after_s.clamp(1, BACKOFF_MAX_S) };
        }
        ProviderError::Transient => ("provider_transient", FailReason::Exhausted),
        ProviderError::Auth => ("provider_auth", FailReason::Auth),
        ProviderError::Unknown => ("provider_unknown", FailReason::Unknown),
    };
    if attempts >= TRIES {
        return Next::Settle(Outcome::Failed(at_last));
    }
    let step = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    Next::Again { in_s: BACKOFF_S.get(step).copied().unwrap_or(BACKOFF_MAX_S), code }
}

const BACKOFF_MAX_S: u32 = 900;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_906_545_600_000);

    fn row(status: Status, claimed_until: Option<Timestamp>) -> Progress {
        Progress { status, claimed_until, attempts: 0, created_at: NOW, expires_at: None }
    }

    #[test]
    fn only_a_live_claim_keeps_others_out() {
        let later = Timestamp::from_ms(NOW.ms() + 1);
        let table = [
            (Status::Sent, None, Standing::Settled),
            (Status::Failed, Some(later), Standing::Settled),
            (Status::Pending, None, Standing::Free),
            (Status::Processing, Some(later), Standing::Held(later)),
            (Status::Processing, Some(NOW), Standing::Free),
            (Status::Processing, None, Standing::Free),
        ];
        for (status, until, expected) in table {
            assert_eq!(standing(&row(status, until), NOW), expected, "{status:?} {until:?}");
        }
    }

    #[test]
    fn what_expired_is_skipped_and_what_never_left_is_given_up() {
        let fresh = row(Status::Pending, None);
        let exhausted = Some(Outcome::Failed(FailReason::Exhausted));
        let expired = Some(Outcome::Skipped(SkipReason::Expired));
        let old = NOW.minus(GIVE_UP_AFTER);
        let table = [
            (fresh, None),
            (Progress { attempts: TRIES - 1, ..fresh }, None),
            (Progress { attempts: TRIES, ..fresh }, Some(Outcome::Failed(FailReason::Unknown))),
            (Progress { created_at: old, ..fresh }, exhausted),
            (Progress { created_at: Timestamp::from_ms(old.ms() + 1), ..fresh }, None),
            (Progress { expires_at: Some(NOW), ..fresh }, expired),
            (Progress { expires_at: Some(NOW), attempts: TRIES, ..fresh }, expired),
            (Progress { expires_at: Some(NOW.plus(LEASE)), ..fresh }, None),
        ];
        for (at, (progress, expected)) in table.into_iter().enumerate() {
            assert_eq!(too_late(&progress, NOW), expected, "row {at}");
        }
    }

    #[test]
    fn every_error_class_leads_to_one_next_step() {
        use ProviderError::{Address, Auth, Content, Limited, Transient, Unknown};
        let again = |in_s, code| Next::Again { in_s, code };
        let failed = |reason| Next::Settle(Outcome::Failed(reason));
        let table = [
            (Address, 1, failed(FailReason::Address)),
            (Content, 1, failed(FailReason::Content)),
            (Transient, 1, again(10, "provider_transient")),
            (Transient, 2, again(30, "provider_transient")),
            (Transient, 5, again(900, "provider_transient")),
            (Transient, 6, failed(FailReason::Exhausted)),
            (Auth, 3, again(120, "provider_auth")),
            (Auth, 6, failed(FailReason::Auth)),
            (Unknown, 1, again(10, "provider_unknown")),
            (Unknown, 6, failed(FailReason::Unknown)),
            (Limited { retry_after_s: 0 }, 1, Next::Wait { in_s: 1 }),
            (Limited { retry_after_s: 45 }, 6, Next::Wait { in_s: 45 }),
            (Limited { retry_after_s: 86_400 }, 1, Next::Wait { in_s: 900 }),
        ];
        for (error, attempts, expected) in table {
            assert_eq!(next(error, attempts), expected, "{error:?} {attempts}");
        }
    }
}
