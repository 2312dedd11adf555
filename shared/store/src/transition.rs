//! The transitions of an outbox row, each a conditional update: a lost race changes nothing.

use std::time::Duration;

use kernel::Timestamp;

use crate::condition::Condition;
use crate::key::Key;
use crate::outbox::{Bell, DUE_AFTER, OutboxRow, Status, due_partition, failed_partition};
use crate::planted::{self, Bug};
use crate::table::{EXPIRES_AT, OUTBOX};
use crate::update::Update;

/// Attempts before a row is given up or passed over.
pub const ATTEMPTS_MAX: u32 = 8;
/// How long a relay's claim holds.
const CLAIM: Duration = Duration::from_secs(15);
/// The longest back-off.
const BACK_OFF_MAX_MS: u64 = 300_000;
/// How long settled rows are kept: 30 days.
pub const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// What a refused publication leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The stable error code.
    pub code: String,
    /// Fingerprint of code and normalised message.
    pub fingerprint: String,
}

/// pending, processing → processing: a relay takes the row for 15 s and counts an attempt. Refused
/// while another claim, or the grace of the inline doorbell, holds.
pub fn claim(key: &Key, token: &str, now: Timestamp) -> Update {
    let counted = i128::from(!planted::is(Bug::AttemptAfterPublish));
    Update::of(OUTBOX, key.clone())
        .set("status", Status::Processing)
        .set("claim", token)
        .set("claimed_until_ms", now.plus(CLAIM).ms())
        .add("attempts", counted)
        .when(Condition::one_of("status", [Status::Pending, Status::Processing]))
        .when(Condition::at_most("claimed_until_ms", now.ms()))
}

/// anything but sent → sent: the topics have accepted it. Whoever published may say so, about the
/// replay that was published.
pub fn mark_sent(row: &OutboxRow, bell: Bell, now: Timestamp) -> Update {
    settled(&row.key, Status::Sent, now)
        .set("published_at_ms", now.ms())
        .set("bell", bell)
        .when(Condition::some_item())
        .when(Condition::different("status", Status::Sent))
        .when(Condition::equal("replay_no", row.replay_no))
}

/// processing → pending: the publication was refused; the next attempt is after [`back_off_delay`].
pub fn back_off(
    key: &Key,
    claim: &str,
    delay: Duration,
    refusal: &Refusal,
    now: Timestamp,
) -> Update {
    let next = now.plus(delay).ms();
    let counted = i128::from(planted::is(Bug::AttemptAfterPublish));
    refused(key, claim, refusal)
        .add("attempts", counted)
        .set("status", Status::Pending)
        .set("claimed_until_ms", now.ms())
        .set("next_attempt_at_ms", next)
        .set("due_at_ms", next)
        .remove("claim")
}

/// processing → failed: attempts are used up, and the aggregate waits.
pub fn fail(key: &Key, claim: &str, kind: &str, refusal: &Refusal, now: Timestamp) -> Update {
    refused(key, claim, refusal)
        .set("status", Status::Failed)
        .set("failed_pk", failed_partition(kind))
        .set("failed_at_ms", now.ms())
        .remove("claim")
        .remove("next_attempt_at_ms")
        .remove("due_pk")
        .remove("due_at_ms")
}

/// processing → skipped: attempts are used up, and the aggregate goes on without it.
pub fn skip_exhausted(key: &Key, claim: &str, refusal: &Refusal, now: Timestamp) -> Update {
    settled(key, Status::Skipped, now)
        .set("skip_reason", &refusal.code)
        .set("last_error_code", &refusal.code)
        .set("last_error_fp", &refusal.fingerprint)
        .when(Condition::equal("status", Status::Processing))
        .when(Condition::equal("claim", claim))
}

/// failed → skipped: an operator decided, for a reason.
pub fn skip_failed(key: &Key, reason: &str, now: Timestamp) -> Update {
    settled(key, Status::Skipped, now)
        .set("skip_reason", reason)
        .when(Condition::equal("status", Status::Failed))
}

/// `from` → pending as newly born, with the next replay number: a retry of a failed row, or the
/// replay of a settled one.
pub fn reset(key: &Key, from: Status, now: Timestamp) -> Update {
    Update::of(OUTBOX, key.clone())
        .set("status", Status::Pending)
        .set("attempts", 0)
        .set("claimed_until_ms", now.ms())
        .set("due_pk", due_partition(key))
        .set("due_at_ms", now.plus(DUE_AFTER).ms())
        .add("replay_no", 1)
        .remove("claim")
        .remove("next_attempt_at_ms")
        .remove("failed_pk")
        .remove("failed_at_ms")
        .remove(EXPIRES_AT)
        .when(Condition::equal("status", from))
}

/// `min(2^attempts s, 300 s)` ± 20 %.
pub fn back_off_delay(attempts: u32, random: u64) -> Duration {
    let ms = (1_000_u64 << attempts.min(20)).min(BACK_OFF_MAX_MS);
    let fifth = ms / 5;
    Duration::from_millis(ms - fifth + random % (2 * fifth + 1))
}

fn settled(key: &Key, status: Status, now: Timestamp) -> Update {
    Update::of(OUTBOX, key.clone())
        .set("status", status)
        .set(EXPIRES_AT, now.plus(KEPT).seconds())
        .remove("claim")
        .remove("next_attempt_at_ms")
        .remove("due_pk")
        .remove("due_at_ms")
        .remove("failed_pk")
        .remove("failed_at_ms")
}

fn refused(key: &Key, claim: &str, refusal: &Refusal) -> Update {
    Update::of(OUTBOX, key.clone())
        .set("last_error_code", &refusal.code)
        .set("last_error_fp", &refusal.fingerprint)
        .when(Condition::equal("status", Status::Processing))
        .when(Condition::equal("claim", claim))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_back_off_doubles_to_300_s_within_a_fifth() {
        let table =
            [(1, 2_000), (2, 4_000), (7, 128_000), (8, 256_000), (9, 300_000), (60, 300_000)];
        for (attempts, ms) in table {
            let delay = |random| back_off_delay(attempts, random).as_millis();
            assert_eq!(delay(0), ms * 4 / 5, "{attempts}");
            assert_eq!(delay(u64::try_from(ms / 5).unwrap()), ms, "{attempts}");
            assert_eq!(delay(u64::try_from(ms / 5 * 2).unwrap()), ms * 6 / 5, "{attempts}");
        }
    }
}
