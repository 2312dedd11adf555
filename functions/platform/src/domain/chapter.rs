//! What a batch of published events becomes in the archive: a file for each UTC day of publication.

use std::collections::BTreeMap;

use kernel::Timestamp;
use serde_json::{Value, json};

/// An event as the stream tells of its publication.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// The stream record's own id, unique over all shards.
    pub record_id: String,
    /// The stream record's number in its shard.
    pub sequence_number: String,
    /// The envelope as it was published.
    pub envelope: Value,
    pub status: Value,
    pub published_at: Timestamp,
    /// Who published it.
    pub bell: Value,
    /// Raised by every retry and replay by an operator.
    pub replay_no: u32,
}

/// One file of the archive, before it is compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chapter {
    /// Where it is put.
    pub name: String,
    /// One JSON object per line.
    pub lines: String,
}

/// The files of a batch, `archive/dt=<day>/<first record's id>-<its sequence number>.jsonl.gz`, by
/// day; their lines in the order of the stream.
///
/// A batch that comes again makes the same files under the same names. One that begins with the
/// same record and ends earlier writes less over them; the rest follows in the next batch, under a
/// name of its own. The id stands where a shard's name would: no event says which shard it is of.
pub fn of_batch(batch: &[Published]) -> Vec<Chapter> {
    let mut days: BTreeMap<String, Chapter> = BTreeMap::new();
    for event in batch {
        let day = event.published_at.day();
        let (id, number) = (&event.record_id, &event.sequence_number);
        let name = format!("archive/dt={day}/{id}-{number}.jsonl.gz");
        let chapter = days.entry(day).or_insert(Chapter { name, lines: String::new() });
        chapter.lines.push_str(&line(event).to_string());
        chapter.lines.push('\n');
    }
    days.into_values().collect()
}

/// Nothing but what was published, and how.
fn line(event: &Published) -> Value {
    json!({
        "envelope": event.envelope,
        "status": event.status,
        "published_at": event.published_at,
        "bell": event.bell,
        "replay_no": event.replay_no,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MIDNIGHT: Timestamp = Timestamp::from_ms(1_795_305_600_000);

    fn published(number: u64, published_at: Timestamp) -> Published {
        Published {
            record_id: format!("r{number}"),
            sequence_number: number.to_string(),
            envelope: json!({ "id": format!("evt_{number}"), "type": "a.b.c" }),
            status: json!("sent"),
            published_at,
            bell: json!("inline"),
            replay_no: 0,
        }
    }

    #[test]
    fn every_day_has_a_file_named_after_its_first_record() {
        let before = MIDNIGHT.minus(Duration::from_millis(1));
        let batch =
            [(7, before), (8, MIDNIGHT), (9, before)].map(|(number, at)| published(number, at));
        let names = |batch: &[Published]| -> Vec<(String, usize)> {
            let chapters = of_batch(batch).into_iter();
            chapters.map(|one| (one.name, one.lines.lines().count())).collect()
        };
        let expected = [
            ("archive/dt=2026-11-21/r7-7.jsonl.gz".to_owned(), 2),
            ("archive/dt=2026-11-22/r8-8.jsonl.gz".to_owned(), 1),
        ];
        assert_eq!(names(&batch), expected);
        assert_eq!(names(&[]), []);
    }

    #[test]
    fn a_line_says_what_was_published_when_and_by_whom() {
        let mut event = published(7, MIDNIGHT);
        event.replay_no = 2;
        let chapters = of_batch(&[event]);
        let line = r#"{"envelope":{"id":"evt_7","type":"a.b.c"},"status":"sent","#.to_owned()
            + r#""published_at":"2026-11-22T00:00:00.000Z","bell":"inline","replay_no":2}"#
            + "\n";
        assert_eq!(chapters[0].lines, line);
    }
}
