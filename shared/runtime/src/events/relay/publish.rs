//! Rows to topics, in batches whose entries succeed or fail alone.

use std::collections::HashMap;

use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use store::outbox::OutboxRow;
use store::planted::{self, Bug};

use super::Relay;

/// Entries and bytes of one `PublishBatch` (SNS API reference, "PublishBatch").
const ENTRIES_MAX: usize = 10;
const BYTES_MAX: usize = 262_144;

/// What a topic asks of an entry.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Standard,
    Fifo,
}

impl Relay<'_> {
    /// Publishes each row where it belongs; in the order of the rows, whether all its topics took it.
    /// Ordered events go to the FIFO topic, and then to the standard topic too where a listener that
    /// does not ask for order hears them.
    pub(super) async fn publish(&self, rows: Vec<&OutboxRow>) -> Vec<bool> {
        let all = |row: &&OutboxRow| row.ordered;
        let in_order = self.offer(Kind::Fifo, &rows, |row| all(&row)).await;
        let backbone = self.ports.backbone();
        let is_mirrored = |row: &OutboxRow| backbone.is_mirrored(&row.topic_type());
        let refused = |row: &OutboxRow| {
            rows.iter()
                .zip(&in_order)
                .any(|(one, taken)| one.key == row.key && *taken == Some(false))
        };
        let wanted = |row: &OutboxRow| (!row.ordered || is_mirrored(row)) && !refused(row);
        let alone = self.offer(Kind::Standard, &rows, wanted).await;
        let both = in_order.into_iter().zip(alone);
        both.map(|(fifo, standard)| fifo.unwrap_or(true) && standard.unwrap_or(true)).collect()
    }

    /// Offers the wanted rows to a topic; `None` for those that were not.
    async fn offer(
        &self,
        kind: Kind,
        rows: &[&OutboxRow],
        wanted: impl Fn(&OutboxRow) -> bool,
    ) -> Vec<Option<bool>> {
        let mut taken: Vec<Option<bool>> = vec![None; rows.len()];
        let wanted: Vec<usize> =
            rows.iter().enumerate().filter(|(_, row)| wanted(row)).map(|(at, _)| at).collect();
        for batch in batches(&wanted, |at| size_bytes(rows, at)) {
            let accepted = self.publish_batch(kind, rows, batch).await;
            for at in batch {
                if let Some(slot) = taken.get_mut(*at) {
                    *slot = Some(accepted.contains(at));
                }
            }
        }
        taken
    }

    /// The positions a topic accepted.
    async fn publish_batch(&self, kind: Kind, rows: &[&OutboxRow], batch: &[usize]) -> Vec<usize> {
        let entries =
            batch.iter().filter_map(|at| rows.get(*at).and_then(|row| entry(kind, *at, row)));
        let config = &self.ports.config;
        let topic = match kind {
            Kind::Standard => &config.events_topic,
            Kind::Fifo => &config.events_fifo_topic,
        };
        let request = self.ports.sns.publish_batch().topic_arn(topic);
        let request = request.set_publish_batch_request_entries(Some(entries.collect()));
        match request.send().await {
            Ok(answer) => {
                let ids = answer.successful().iter().filter_map(|entry| entry.id());
                ids.filter_map(|id| id.parse().ok()).collect()
            }
            Err(_) => Vec::new(),
        }
    }
}

/// Cuts the positions into batches within both limits.
fn batches(wanted: &[usize], size_bytes: impl Fn(usize) -> usize) -> Vec<&[usize]> {
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (end, at) in wanted.iter().enumerate() {
        let size = size_bytes(*at);
        if end > start && (end - start == ENTRIES_MAX || bytes + size > BYTES_MAX) {
            batches.extend(wanted.get(start..end));
            (start, bytes) = (end, 0);
        }
        bytes += size;
    }
    batches.extend(wanted.get(start..).filter(|rest| !rest.is_empty()));
    batches
}

/// A message's size counts its body and its attributes.
fn size_bytes(rows: &[&OutboxRow], at: usize) -> usize {
    const ATTRIBUTES_BYTES: usize = 512;
    rows.get(at).map_or(0, |row| row.envelope.len() + ATTRIBUTES_BYTES)
}

fn entry(kind: Kind, at: usize, row: &OutboxRow) -> Option<PublishBatchRequestEntry> {
    let entry = PublishBatchRequestEntry::builder()
        .id(at.to_string())
        .message(&row.envelope)
        .set_message_attributes(Some(attributes(row)));
    let entry = match kind {
        Kind::Standard => entry.message_group_id(row.tenant()),
        Kind::Fifo => entry
            .message_group_id(&row.partitionkey)
            .message_deduplication_id(deduplication_id(row)),
    };
    entry.build().ok()
}

/// The message attributes, exactly these: what filter policies choose by.
fn attributes(row: &OutboxRow) -> HashMap<String, MessageAttributeValue> {
    let ordering = if row.ordered { "aggregate" } else { "none" };
    let mut words = vec![
        ("type", row.topic_type()),
        ("module", row.module.clone()),
        ("ordering", ordering.to_owned()),
        ("priority", row.priority.clone()),
        ("public", row.public.to_string()),
    ];
    words.extend(row.facet.clone().map(|facet| ("facet", facet)));
    let build = |word: String| {
        MessageAttributeValue::builder().data_type("String").string_value(word).build().ok()
    };
    words.into_iter().filter_map(|(name, word)| Some((name.to_owned(), build(word)?))).collect()
}

/// A replay needs another id than the first publication, or the five-minute window swallows it.
fn deduplication_id(row: &OutboxRow) -> String {
    match row.replay_no {
        0 => row.event_id.to_string(),
        _ if planted::is(Bug::ReplayKeepsItsId) => row.event_id.to_string(),
        replay => format!("{}:{replay}", row.event_id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_keep_to_ten_entries_and_to_the_bytes() {
        let table: [(usize, usize, &[usize]); 6] = [
            (0, 100, &[]),
            (1, 100, &[1]),
            (10, 100, &[10]),
            (11, 100, &[10, 1]),
            (5, 65_536, &[4, 1]),
            (2, 262_144, &[1, 1]),
        ];
        for (rows, size, expected) in table {
            let wanted: Vec<usize> = (0..rows).collect();
            let cut: Vec<usize> = batches(&wanted, |_| size).into_iter().map(<[_]>::len).collect();
            assert_eq!(cut, expected, "{rows} rows of {size} bytes");
        }
    }
}
