//! Whether an ordered listener may go from one sequence to a later one: what lies between must be none of
//! its business.

use interface::Envelope;
use kernel::Timestamp;
use store::inbox::{InboxKey, InboxRow, State};
use store::outbox::{self, OutboxRow, Status};
use store::{Consistency, Key, Query, Scope, SortKey, Store, StoreError};

use crate::module::listening::Listening;

/// Rows read at once.
const PAGE: usize = 100;

/// Whether an event of the listener's own lies between `after` and this one and was neither handled
/// nor passed over by an operator. Rows that are not there any more were settled long ago.
pub(super) async fn is_open(
    store: &Store,
    scope: &Scope,
    (listener, listening): (&str, &Listening),
    after: u64,
    event: &Envelope,
) -> Result<bool, StoreError> {
    let sequence = event.sequence_number();
    if sequence <= after + 1 {
        return Ok(false);
    }
    let aggregate = outbox::key_of(scope, &event.subject, sequence).pk;
    let (first, last) = (SortKey::sequence(after + 1), SortKey::sequence(sequence - 1));
    let (first, last) = (first.text()?.to_owned(), last.text()?.to_owned());
    let mut between = Query::table(store::OUTBOX, aggregate).between(first, last).limit(PAGE);
    loop {
        let page = store.query::<OutboxRow>(&between).await?;
        let own = page.items.iter().filter(|row| is_own(listening, row));
        let own = own.map(|row| InboxKey::new(scope, listener, row.event_id, None).key().clone());
        if !all_settled(store, &own.collect::<Vec<Key>>()).await? {
            return Ok(true);
        }
        if page.next.is_none() {
            return Ok(false);
        }
        between = between.after(page.next);
    }
}

/// Whether all of these events are settled at the listener, past the cursor: passed over by an operator,
/// or handled out of order.
async fn all_settled(store: &Store, inboxes: &[Key]) -> Result<bool, StoreError> {
    if inboxes.is_empty() {
        return Ok(true);
    }
    let rows = store.get_many::<InboxRow>(inboxes, Consistency::Strong).await?;
    let settled = |row: &InboxRow| matches!(row.state, State::Skipped | State::Done);
    Ok(rows.iter().all(|row| row.as_ref().is_some_and(settled)))
}

/// Whether the listener hears this event and has to have handled it.
fn is_own(listening: &Listening, row: &OutboxRow) -> bool {
    let heard = listening.types().contains(&row.topic_type());
    let facet = row.facet.as_deref();
    let wanted =
        listening.facets.is_empty() || facet.is_some_and(|facet| listening.facets.contains(&facet));
    heard && wanted && row.status != Status::Skipped && !is_older(listening, row.created_at)
}

fn is_older(listening: &Listening, created_at: Timestamp) -> bool {
    let day = |day: &str| format!("{day}T00:00:00.000Z").parse::<Timestamp>().ok();
    listening.since.and_then(day).is_some_and(|since| created_at < since)
}

#[cfg(test)]
mod tests {
    use interface::ops::ACTION_PERFORMED;
    use kernel::{EntityKind, EntityRef, EventId};
    use store::outbox::Birth;

    use super::*;

    fn row(kind: &str, status: Status, facet: Option<&str>) -> OutboxRow {
        let birth = Birth {
            scope: Scope::system(),
            subject: EntityRef::new(EntityKind::Swap, "swp_1"),
            sequence: 2,
            event_id: EventId::from_bytes([1; 16]),
            kind: kind.to_owned(),
            major: 1,
            module: "a".to_owned(),
            ordered: true,
            priority: "normal".to_owned(),
            public: false,
            facet: facet.map(str::to_owned),
            envelope: String::new(),
            traceparent: None,
        };
        // 2030-06-01T12:00:00Z
        let mut row = OutboxRow::born(&birth, Timestamp::from_ms(1_906_545_600_000));
        row.status = status;
        row
    }

    #[test]
    fn only_events_of_the_listener_itself_hold_it_up() {
        let own = ACTION_PERFORMED.spec.name;
        let hears = Listening::to(vec![ACTION_PERFORMED.spec]);
        let faceted = Listening { facets: vec!["mail"], ..hears.clone() };
        let newer = Listening { since: Some("2030-06-02"), ..hears.clone() };
        let table = [
            ("another type", &hears, row("a.b.foreign", Status::Sent, None), false),
            ("sent", &hears, row(own, Status::Sent, None), true),
            ("not yet published", &hears, row(own, Status::Pending, None), true),
            ("passed over", &hears, row(own, Status::Skipped, None), false),
            ("another facet", &faceted, row(own, Status::Sent, Some("sms")), false),
            ("its facet", &faceted, row(own, Status::Sent, Some("mail")), true),
            ("from before its time", &newer, row(own, Status::Sent, None), false),
        ];
        for (name, listening, row, expected) in table {
            assert_eq!(is_own(listening, &row), expected, "{name}");
        }
    }
}
