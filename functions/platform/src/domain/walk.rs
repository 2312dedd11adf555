//! The way of a replay through its range: the old days out of the archive, the others out of the
//! tenant's day index, where each has its public events before the others.

use std::time::Duration;

use kernel::{EventId, Timestamp};
use serde::{Deserialize, Serialize};

use super::days::CLOCK_GAP;

/// How far the day index may lag behind its table: a range is read once its end is older.
pub const INDEX_LAG: Duration = Duration::from_secs(60);
/// How long the outbox keeps an event that is settled.
pub const OUTBOX_KEPT: Duration = Duration::from_secs(30 * DAY.as_secs());
/// How long before its rows may go a day is taken out of the archive by a replay that starts.
const MARGIN: Duration = Duration::from_secs(2 * DAY.as_secs());
/// How long before that a slow replay that is still in the index of a day turns to the archive.
const LAST_CALL: Duration = DAY;
/// How long after the end of its day an event may be published and is found in the archive.
const LATE: Duration = DAY;

const DAY: Duration = Duration::from_secs(24 * 3600);
const MILLISECOND: Duration = Duration::from_millis(1);

/// A range of commits: from the first instant on, before the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    #[serde(with = "kernel::time::ms", rename = "from_ms")]
    pub from: Timestamp,
    #[serde(with = "kernel::time::ms", rename = "to_ms")]
    pub to: Timestamp,
}

/// Where a replay is. The two are told apart by their members: only one has `border_ms`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Position {
    Archive(InArchive),
    Index(InIndex),
}

/// In the archive: in which day of publication, and after which line of which file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InArchive {
    /// Any instant of the day.
    #[serde(with = "kernel::time::ms", rename = "day_ms")]
    pub day: Timestamp,
    /// The first day that is read from the index: its first instant.
    #[serde(with = "kernel::time::ms", rename = "border_ms")]
    pub border: Timestamp,
    /// The last file of the day that is read to its end.
    pub after_file: Option<String>,
    /// Lines of the file after it that are read.
    pub line: u64,
}

/// In an index: of which day, and after which event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InIndex {
    /// Any instant of the day.
    #[serde(with = "kernel::time::ms", rename = "day_ms")]
    pub day: Timestamp,
    /// Among the events tenants may see, or among the others.
    pub public: bool,
    /// The last event that was looked at.
    pub after: Option<EventId>,
}

impl Range {
    /// Where a replay begins. Events of the range's first moment may stand under the day before.
    pub fn start(&self, now: Timestamp) -> Position {
        let (day, border) = (self.from.minus(CLOCK_GAP), border(now, MARGIN));
        match self.from < border {
            true => Position::Archive(InArchive::of(day, border)),
            false => Position::Index(InIndex::of(day)),
        }
    }

    /// Where a replay goes on now: a day whose rows will soon be gone is begun again in the archive.
    pub fn resumed(&self, position: Position, now: Timestamp) -> Position {
        match position {
            Position::Index(at) if midnight(at.day) < border(now, LAST_CALL) => {
                Position::Archive(InArchive::of(at.day, border(now, MARGIN)))
            }
            position => position,
        }
    }

    /// The first and the last id that events after this place of an index can have.
    pub fn ids_after(&self, at: &InIndex) -> (EventId, EventId) {
        let first = at.after.map_or_else(|| EventId::new(self.from, [0; 10]), following);
        (first, last_before(self.to))
    }

    /// The first and the last id of the events that are taken out of the archive. Those of the first
    /// moment after the border may stand in the index of the day before it.
    pub fn ids_archived(&self, at: &InArchive) -> (EventId, EventId) {
        let end = self.to.min(at.border.plus(CLOCK_GAP));
        (EventId::new(self.from, [0; 10]), last_before(end))
    }

    /// The index to go on with once this one is read; nothing at the end of the range.
    pub fn next_index(&self, at: &InIndex) -> Option<Position> {
        let next = match at.public {
            true => InIndex { public: false, after: None, ..*at },
            false => InIndex::of(at.day.plus(DAY)),
        };
        let last = midnight(self.to.minus(MILLISECOND));
        (midnight(next.day) <= last).then_some(Position::Index(next))
    }

    /// Where to go on once a day of the archive is read. Days of the archive are days of
    /// publication, and an event can be published later than on its day.
    pub fn next_day(&self, at: &InArchive) -> Option<Position> {
        let next = InArchive::of(at.day.plus(DAY), at.border);
        let last = midnight(self.to.min(at.border).minus(MILLISECOND)).plus(LATE);
        if midnight(next.day) <= last {
            return Some(Position::Archive(next));
        }
        (at.border < self.to).then(|| Position::Index(InIndex::of(at.border)))
    }

    /// How long the index may still lack events of the range.
    pub fn unread_for(&self, now: Timestamp) -> Duration {
        self.to.plus(INDEX_LAG).since(now)
    }
}

impl InArchive {
    fn of(day: Timestamp, border: Timestamp) -> Self {
        Self { day, border, after_file: None, line: 0 }
    }
}

impl InIndex {
    fn of(day: Timestamp) -> Self {
        Self { day, public: true, after: None }
    }
}

/// The first day of which no row can be gone before so long from now: its first instant.
fn border(now: Timestamp, margin: Duration) -> Timestamp {
    midnight(now.minus(OUTBOX_KEPT.saturating_sub(margin))).plus(DAY)
}

fn midnight(at: Timestamp) -> Timestamp {
    let day_ms = i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_ms(at.ms() - at.ms().rem_euclid(day_ms))
}

fn last_before(end: Timestamp) -> EventId {
    EventId::new(end.minus(MILLISECOND), [u8::MAX; 10])
}

fn following(event: EventId) -> EventId {
    EventId::from_bytes(u128::from_be_bytes(event.bytes()).saturating_add(1).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Midnight of 22 November 2026.
    const MIDNIGHT: Timestamp = Timestamp::from_ms(1_795_305_600_000);
    const NOON: Timestamp = Timestamp::from_ms(1_795_348_800_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn days(count: u64) -> Duration {
        Duration::from_secs(count * DAY.as_secs())
    }

    /// The days a replay visits that starts now: `a` in the archive, `p` and `o` in the indexes.
    fn walk(from: Timestamp, to: Timestamp, now: Timestamp) -> Vec<String> {
        let range = Range { from, to };
        let (mut visited, mut at) = (Vec::new(), Some(range.start(now)));
        while let Some(position) = at {
            let (day, word, next) = match &position {
                Position::Archive(at) => (at.day, 'a', range.next_day(at)),
                Position::Index(at) => {
                    (at.day, if at.public { 'p' } else { 'o' }, range.next_index(at))
                }
            };
            visited.push(format!("{} {word}", &day.day()[5..]));
            at = next;
        }
        visited
    }

    #[test]
    fn a_replay_visits_both_indexes_of_every_day_of_its_range() {
        let now = NOON.plus(days(1));
        let one = ["11-22 p", "11-22 o"];
        assert_eq!(walk(NOON, NOON.plus(HOUR), now), one);
        assert_eq!(walk(NOON, MIDNIGHT.plus(DAY), now), one);
        let border = ["11-21 p", "11-21 o", "11-22 p", "11-22 o"];
        assert_eq!(walk(MIDNIGHT, NOON, now), border);
        assert_eq!(walk(NOON.minus(DAY), NOON, now), border);
    }

    #[test]
    fn a_day_is_read_from_the_archive_two_days_before_its_first_row_may_be_gone() {
        let to = MIDNIGHT.plus(DAY);
        let archived = ["11-22 a", "11-23 a"];
        let table: [(Timestamp, Timestamp, Timestamp, &[&str]); 7] = [
            (NOON, to, MIDNIGHT.plus(days(28)).minus(MILLISECOND), &["11-22 p", "11-22 o"]),
            (NOON, to, MIDNIGHT.plus(days(28)), &archived),
            (NOON, to, MIDNIGHT.plus(days(399)), &archived),
            (NOON, NOON.plus(HOUR), MIDNIGHT.plus(days(60)), &archived),
            (MIDNIGHT, to, MIDNIGHT.plus(days(28)), &["11-21 a", "11-22 a", "11-23 a"]),
            (
                NOON,
                NOON.plus(DAY),
                MIDNIGHT.plus(days(28)),
                &["11-22 a", "11-23 a", "11-23 p", "11-23 o"],
            ),
            (NOON, NOON.plus(DAY), MIDNIGHT.plus(days(29)), &["11-22 a", "11-23 a", "11-24 a"]),
        ];
        for (from, to, now, expected) in table {
            assert_eq!(walk(from, to, now), expected, "{from} {to} {now}");
        }
    }

    #[test]
    fn every_event_of_the_range_is_in_a_place_that_is_visited() {
        let now = MIDNIGHT.plus(days(28));
        let range = Range { from: NOON, to: NOON.plus(DAY) };
        let Position::Archive(at) = range.start(now) else { panic!("it starts in the archive") };
        let (first, last) = range.ids_archived(&at);
        assert_eq!(first, EventId::new(NOON, [0; 10]));
        // Committed in the last moment of an archived day, and numbered in the first of the next.
        assert!(last >= EventId::new(at.border.plus(CLOCK_GAP).minus(MILLISECOND), [0; 10]));
        assert!(last < EventId::new(range.to, [0; 10]));
        let Some(Position::Index(at)) = range.next_day(&InArchive { day: at.border, ..at }) else {
            panic!("it goes on in the index")
        };
        assert_eq!((at.day, at.public, at.after), (MIDNIGHT.plus(DAY), true, None));
    }

    #[test]
    fn ids_begin_after_the_last_one_and_end_before_the_range_does() {
        let range = Range { from: MIDNIGHT, to: MIDNIGHT.plus(HOUR) };
        let start = InIndex::of(MIDNIGHT);
        let (first, last) = range.ids_after(&start);
        assert_eq!(first, EventId::new(MIDNIGHT, [0; 10]));
        assert!(last < EventId::new(range.to, [0; 10]));
        let seen = InIndex { after: Some(EventId::new(MIDNIGHT, [255; 10])), ..start };
        assert_eq!(range.ids_after(&seen).0, EventId::new(MIDNIGHT.plus(MILLISECOND), [0; 10]));
    }

    #[test]
    fn a_slow_replay_turns_to_the_archive_a_day_before_the_index_forgets() {
        let range = Range { from: NOON, to: NOON.plus(days(20)) };
        let slow = Position::Index(InIndex { public: false, ..InIndex::of(NOON.plus(DAY)) });
        let before = MIDNIGHT.plus(days(30)).minus(MILLISECOND);
        assert_eq!(range.resumed(slow.clone(), before), slow);
        let turned = range.resumed(slow, MIDNIGHT.plus(days(30)));
        let expected = InArchive::of(NOON.plus(DAY), MIDNIGHT.plus(days(3)));
        assert_eq!(turned, Position::Archive(expected));
        assert_eq!(range.resumed(turned.clone(), MIDNIGHT.plus(days(90))), turned);
    }

    #[test]
    fn a_range_is_read_once_the_index_has_caught_up_with_its_end() {
        let range = Range { from: MIDNIGHT, to: MIDNIGHT.plus(HOUR) };
        assert_eq!(range.unread_for(range.to), INDEX_LAG);
        assert_eq!(range.unread_for(range.to.plus(INDEX_LAG)), Duration::ZERO);
    }

    #[test]
    fn positions_are_stored_with_nothing_but_their_members() {
        let index = json!({ "day_ms": MIDNIGHT.ms(), "public": true, "after": null });
        let archive = json!({
            "day_ms": MIDNIGHT.ms(), "border_ms": NOON.ms(), "after_file": "a", "line": 7,
        });
        let in_archive = InArchive {
            after_file: Some("a".to_owned()),
            line: 7,
            ..InArchive::of(MIDNIGHT, NOON)
        };
        let table = [
            (Position::Index(InIndex::of(MIDNIGHT)), index),
            (Position::Archive(in_archive), archive),
        ];
        for (position, stored) in table {
            assert_eq!(serde_json::to_value(&position).unwrap(), stored);
            assert_eq!(serde_json::from_value::<Position>(stored).unwrap(), position);
        }
    }
}
