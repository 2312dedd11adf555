//! What a file of the archive holds for one replay.

use std::io::{BufRead, BufReader, Read};

use events::Envelope;
use flate2::read::MultiGzDecoder;
use kernel::{EventId, TenantId};
use serde::Deserialize;
use serde_json::Value;

use super::chunk::Kept;

/// The longest line in bytes: an envelope has 64 KB at most, and little stands beside it.
const LINE_MAX_BYTES: u64 = 256 * 1024;
/// The most lines of a file: more than a batch of the stream has.
const LINES_MAX: u64 = 20_000;

/// Which events are wanted: nothing but what the replay was ordered with.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub tenant: TenantId,
    pub livemode: bool,
    /// Values of the message attribute `type`.
    pub types: &'a [String],
    /// The first and the last id.
    pub ids: (EventId, EventId),
}

/// What was read of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The wanted events.
    pub events: Vec<Kept>,
    /// The tenant's events of the range, whatever their type.
    pub seen: u64,
    /// What could not be read: the number of the line, from 1, and why.
    pub unreadable: Vec<(u64, String)>,
    /// Lines that are done with.
    pub line: u64,
    /// Whether the file is done with.
    pub ended: bool,
}

/// Reads a file after so many lines, up to the `most`-th wanted event. A line that is none is passed
/// over; after a fault of the file itself nothing more can be read of it.
pub fn read(file: &[u8], after: u64, wanted: &Wanted<'_>, most: usize) -> Reading {
    let mut lines = BufReader::new(MultiGzDecoder::new(file));
    let mut reading = Reading::default();
    let mut line = Vec::new();
    while reading.events.len() < most {
        line.clear();
        let number = reading.line + 1;
        match lines.by_ref().take(LINE_MAX_BYTES).read_until(b'\n', &mut line) {
            Ok(0) => reading.ended = true,
            Ok(_) if line.last() != Some(&b'\n') => reading.ends_at(number, "it breaks off"),
            Ok(_) if number > LINES_MAX => reading.ends_at(number, "the file has too many lines"),
            Ok(_) if number <= after => {}
            Ok(_) => match look(&line, wanted) {
                Ok(look) => {
                    reading.seen += u64::from(!matches!(look, Look::Foreign));
                    reading.events.extend(look.wanted());
                }
                Err(_) => reading.unreadable.push((number, "it is no line of ours".to_owned())),
            },
            Err(fault) => reading.ends_at(number, &fault.to_string()),
        }
        if reading.ended {
            break;
        }
        reading.line = number;
    }
    reading
}

impl Reading {
    /// A file of which nothing can be read.
    pub fn of_nothing(why: &str) -> Self {
        let mut reading = Self::default();
        reading.ends_at(1, why);
        reading
    }

    fn ends_at(&mut self, number: u64, why: &str) {
        self.unreadable.push((number, why.to_owned()));
        self.ended = true;
    }
}

/// What a line is for a replay.
enum Look {
    /// Of another tenant or mode, or out of the range.
    Foreign,
    /// Of a type the replay leaves alone.
    Unwanted,
    Wanted(Box<Kept>),
}

impl Look {
    fn wanted(self) -> Option<Kept> {
        match self {
            Self::Wanted(event) => Some(*event),
            Self::Foreign | Self::Unwanted => None,
        }
    }
}

/// What the choice takes: most lines are somebody else's.
#[derive(Deserialize)]
struct Head {
    envelope: Attributes,
}

#[derive(Deserialize)]
struct Attributes {
    id: EventId,
    tenantid: TenantId,
    livemode: bool,
    #[serde(rename = "type")]
    kind: String,
    dataschema: String,
}

#[derive(Deserialize)]
struct Line {
    envelope: Value,
}

fn look(line: &[u8], wanted: &Wanted<'_>) -> Result<Look, serde_json::Error> {
    let Head { envelope: head } = serde_json::from_slice(line)?;
    let (first, last) = wanted.ids;
    let is_own = head.tenantid == wanted.tenant && head.livemode == wanted.livemode;
    if !is_own || head.id < first || head.id > last {
        return Ok(Look::Foreign);
    }
    if !wanted.types.contains(&head.topic_type()) {
        return Ok(Look::Unwanted);
    }
    // Members keep their order: what is sent is what was published.
    let Line { envelope } = serde_json::from_slice(line)?;
    let text = envelope.to_string();
    let envelope: Envelope = serde_json::from_value(envelope)?;
    Ok(Look::Wanted(Box::new(Kept {
        id: envelope.id,
        sequence: envelope.sequence_number(),
        subject: envelope.subject,
        partitionkey: envelope.partitionkey,
        envelope: text,
    })))
}

impl Attributes {
    /// The value the message attribute `type` had: the name, with `@major` from major 2 on.
    fn topic_type(&self) -> String {
        match self.dataschema.rsplit(':').next().unwrap_or_default() {
            "0" | "1" => self.kind.clone(),
            major => format!("{}@{major}", self.kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use events::envelope::Origin;
    use events::profile::UPDATED;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use kernel::{EntityKind, EntityRef, Timestamp};
    use serde_json::json;

    use super::*;

    const TENANT: TenantId = TenantId::from_bytes([1; 16]);
    const OTHER: TenantId = TenantId::from_bytes([2; 16]);

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(1_795_305_600_000 + ms)
    }

    fn envelope(ms: i64, tenant: TenantId, livemode: bool) -> Envelope {
        let origin = Origin {
            tenant,
            livemode,
            actor: None,
            correlation: "test".to_owned(),
            causation: None,
            traceparent: None,
        };
        let (id, subject) =
            (EventId::new(at(ms), [7; 10]), EntityRef::new(EntityKind::Swap, "swp_1"));
        // Neither sorted, nor a number that is exact as a float.
        let data = json!({ "z": 1, "a": u64::MAX, "text": "ä\n\"" });
        Envelope::new(&UPDATED.spec, id, subject, 7, at(ms), &origin, data)
    }

    fn line(envelope: &Envelope) -> String {
        json!({ "envelope": envelope, "status": "sent", "replay_no": 0 }).to_string() + "\n"
    }

    fn packed(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    /// What a replay of the first ten milliseconds finds.
    fn found(file: &[u8], after: u64, most: usize) -> Reading {
        let types = [UPDATED.spec.name.to_owned()];
        let ids = (EventId::new(at(0), [0; 10]), EventId::new(at(9), [255; 10]));
        let wanted = Wanted { tenant: TENANT, livemode: true, types: &types, ids };
        read(file, after, &wanted, most)
    }

    #[test]
    fn only_lines_of_the_tenant_mode_range_and_types_are_taken() {
        let mut unheard = envelope(5, TENANT, true);
        unheard.kind = "profile.settings.forgotten".to_owned();
        let mut newer = envelope(5, TENANT, true);
        newer.dataschema = format!("urn:talaria:event:{}:2", newer.kind);
        let table = [
            ("the range's first", envelope(0, TENANT, true), (1, 1)),
            ("its last", envelope(9, TENANT, true), (1, 1)),
            ("too early", envelope(-1, TENANT, true), (0, 0)),
            ("too late", envelope(10, TENANT, true), (0, 0)),
            ("another tenant", envelope(5, OTHER, true), (0, 0)),
            ("the other mode", envelope(5, TENANT, false), (0, 0)),
            ("another type", unheard, (1, 0)),
            ("another major", newer, (1, 0)),
        ];
        for (name, envelope, (seen, taken)) in table {
            let reading = found(&packed(&line(&envelope)), 0, 9);
            let done = (reading.seen, reading.events.len(), reading.line, reading.ended);
            assert_eq!(done, (seen, taken, 1, true), "{name}");
            assert_eq!(reading.unreadable, [], "{name}");
        }
    }

    #[test]
    fn an_envelope_comes_out_of_the_archive_byte_for_byte() {
        let envelope = envelope(5, TENANT, true);
        let event = found(&packed(&line(&envelope)), 0, 9).events.remove(0);
        assert_eq!(event.envelope, envelope.to_bytes().unwrap());
        let expected = (envelope.id, 7, envelope.partitionkey, envelope.subject);
        assert_eq!((event.id, event.sequence, event.partitionkey, event.subject), expected);
    }

    #[test]
    fn a_file_is_read_in_steps_that_miss_nothing() {
        let lines = (0..5).map(|ms| line(&envelope(ms, TENANT, true))).collect::<String>();
        let file = packed(&lines);
        let (mut after, mut ids) = (0, Vec::new());
        loop {
            let reading = found(&file, after, 2);
            ids.extend(reading.events.iter().map(|event| event.id.created_at()));
            after = reading.line;
            if reading.ended {
                break;
            }
        }
        assert_eq!(ids, (0..5).map(at).collect::<Vec<_>>());
        assert_eq!(found(&file, 99, 2), Reading { line: 5, ended: true, ..Reading::default() });
    }

    #[test]
    fn what_cannot_be_read_is_counted_and_the_rest_is_taken() {
        let good = |ms| line(&envelope(ms, TENANT, true));
        let two = packed(&(good(1) + "no line\n" + &good(2)));
        let stump = packed(&(good(1) + "{\"envelope\":"));
        let mut torn = packed(&(good(1) + &good(2)));
        torn.truncate(torn.len() - 4);
        let long = "x".repeat(usize::try_from(LINE_MAX_BYTES).unwrap() + 1);
        let table: [(&str, Vec<u8>, usize, &[u64]); 7] = [
            ("a line", two, 2, &[2]),
            ("the end of a line", stump, 1, &[2]),
            ("the end of the file", torn, 2, &[3]),
            ("a line without an end", packed(&(good(1) + &long)), 1, &[2]),
            ("no file of ours", b"no gzip".to_vec(), 0, &[1]),
            ("an empty object", Vec::new(), 0, &[1]),
            ("an empty file", packed(""), 0, &[]),
        ];
        for (name, file, taken, unreadable) in table {
            let reading = found(&file, 0, 9);
            let numbers: Vec<u64> = reading.unreadable.iter().map(|(number, _)| *number).collect();
            assert_eq!((reading.events.len(), numbers.as_slice()), (taken, unreadable), "{name}");
            assert!(reading.ended, "{name}");
        }
        assert_eq!(Reading::of_nothing("it is gone").unreadable.len(), 1);
    }
}
