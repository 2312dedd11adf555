//! Publishing: check, deduplicate, filter, deliver (SNS API reference, Publish; Developer Guide,
//! "Message delivery details for FIFO topics", "Raw message delivery").

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use serde_json::{Map, Value, json};

use super::{DEDUPLICATED, Published, SnsError, Subscription, Topic, Topics, topic_arn};
use crate::aws::sqs::{
    MessageAttributes, NewMessage, SqsError, check_attribute, is_id, size_bytes, uuid,
};
use crate::fault::SplitMix;
use crate::state::Change;

/// Default largest message with its attributes; a topic's `MaximumMessageSize` may raise it.
const MAX_BYTES: usize = 262_144;

/// What a topic's `MaximumMessageSize` may be (API reference, CreateTopic).
pub(super) const SIZES: std::ops::RangeInclusive<usize> = 1_024..=1_048_576;

/// How long a FIFO topic remembers a deduplication id.
const DEDUPLICATION_MS: i64 = 5 * 60 * 1000;

/// Most attributes a raw message may have: SQS takes no more ("Raw message delivery").
const MAX_RAW_ATTRIBUTES: usize = 10;

/// What a publisher gives.
#[derive(Clone, Debug, Default)]
pub struct Publication {
    /// The message.
    pub message: String,
    /// Its subject, shown in non-raw deliveries.
    pub subject: Option<String>,
    /// Its attributes.
    pub attributes: MessageAttributes,
    /// Message group: needed on FIFO topics, forwarded to standard queues on standard ones.
    pub group: Option<String>,
    /// Deduplication id; FIFO topics only.
    pub deduplication: Option<String>,
    /// How often it is delivered: 1, or 2 for an injected duplicate.
    pub copies: usize,
}

/// What a publisher gets back.
#[derive(Clone, Debug)]
pub struct PublishedMessage {
    /// Message id; of the first message when this one was a duplicate.
    pub id: String,
    /// Sequence number, on FIFO topics.
    pub sequence_number: Option<String>,
}

impl Publication {
    /// Size in the sense of the limits.
    pub(super) fn size_bytes(&self) -> usize {
        size_bytes(&self.message, &self.attributes)
    }
}

impl Topics {
    /// Publishes one message to a topic. When this returns, every subscribed queue whose filter
    /// accepts it has it; a queue that is gone or refuses it gets nothing, and the subscription's
    /// dead-letter queue does.
    pub fn publish(
        &self,
        topic_name: &str,
        publication: &Publication,
    ) -> Result<PublishedMessage, SnsError> {
        let mut state = self.state();
        let now_ms = self.inner.clock.now_ms();
        let last_sequence = state.last_sequence;
        let topic = state.topic(topic_name)?;
        check(topic, publication)?;
        let fifo = topic.is_fifo();
        let mut changes = topic.forget_old(topic_name, now_ms);
        let key = fifo.then(|| topic.deduplication_key(publication));
        if let Some(first) = key.as_ref().and_then(|(key, _)| topic.deduplicated.get(key)) {
            let sequence_number = Some(format!("{:020}", first.sequence));
            return Ok(PublishedMessage { id: first.id.clone(), sequence_number });
        }
        let floor = u64::try_from(now_ms).unwrap_or(0).saturating_mul(1_000);
        let sequence = floor.max(last_sequence.saturating_add(1));
        let id = uuid(&mut SplitMix::new(sequence ^ 0x005E_ED0F_0705_1C50));
        let deduplication = key.as_ref().map(|(_, deduplication)| deduplication.clone());
        let timestamp = timestamp(now_ms);
        for (arn, subscription) in &topic.subscriptions {
            let wanted = subscription.filter.as_ref();
            let (message, attributes) = (&publication.message, &publication.attributes);
            if wanted.is_none_or(|filter| filter.accepts(message, attributes)) {
                let note = Note { topic_name, arn, id: &id, timestamp: &timestamp };
                self.deliver(subscription, publication, deduplication.as_deref(), &note)?;
            }
        }
        let published = Published { until_ms: now_ms + DEDUPLICATION_MS, id: id.clone(), sequence };
        changes.extend(
            key.as_ref().map(|(key, _)| Change::put(DEDUPLICATED, topic_name, key, &published)),
        );
        if self.inner.store.is_kept() {
            self.inner.store.apply(&changes)?;
        }
        if let Some((key, _)) = key {
            topic.remember(key, published);
        }
        state.last_sequence = sequence;
        Ok(PublishedMessage { id, sequence_number: fifo.then(|| format!("{sequence:020}")) })
    }

    /// Puts one message into one subscriber's queue.
    fn deliver(
        &self,
        subscription: &Subscription,
        publication: &Publication,
        deduplication: Option<&str>,
        note: &Note<'_>,
    ) -> Result<(), SnsError> {
        let queue = &subscription.stored.queue;
        let message = note.message(subscription, publication);
        let sent = match message.attributes.len() <= MAX_RAW_ATTRIBUTES {
            true => self.put(queue, message, publication, deduplication),
            false => Err(SqsError::Invalid("more than ten attributes".to_owned())),
        };
        // A client-side delivery error is not retried (Developer Guide, "Message delivery
        // retries"): dead-letter queue or nothing.
        let sent = match sent {
            Ok(()) => return Ok(()),
            Err(SqsError::Broken(reason)) => Err(SqsError::Broken(reason)),
            Err(_) => {
                let Some(dead_letters) = subscription.dead_letter_queue() else { return Ok(()) };
                let mut message = note.message(subscription, publication);
                if message.attributes.len() > MAX_RAW_ATTRIBUTES {
                    message.attributes.clear();
                }
                self.put(&dead_letters, message, publication, deduplication)
            }
        };
        match sent {
            Err(SqsError::Broken(reason)) => Err(SnsError::Broken(reason)),
            Err(_) | Ok(()) => Ok(()),
        }
    }

    /// Sends to a queue with the ids that its kind and the topic's kind allow.
    fn put(
        &self,
        queue: &str,
        mut message: NewMessage,
        publication: &Publication,
        deduplication: Option<&str>,
    ) -> Result<(), SqsError> {
        match (deduplication, self.inner.queues.is_fifo(queue)) {
            // FIFO topic to FIFO queue: both ids go along.
            (Some(deduplication), Some(true)) => {
                message.group.clone_from(&publication.group);
                message.deduplication = Some(deduplication.to_owned());
            }
            // FIFO topic to standard queue: the group is not handed on.
            (Some(_), _) => {}
            // Standard topic: the group is handed on to standard queues.
            (None, _) => message.group.clone_from(&publication.group),
        }
        self.inner.queues.send(queue, message).map(|_| ())
    }
}

impl Topic {
    /// Forgets deduplication ids whose time is over.
    fn forget_old(&mut self, name: &str, now_ms: i64) -> Vec<Change> {
        let mut changes = Vec::new();
        while self.forgetting.first().is_some_and(|(until_ms, _)| *until_ms <= now_ms) {
            if let Some((_, key)) = self.forgetting.pop_first() {
                self.deduplicated.remove(&key);
                changes.push(Change::delete(DEDUPLICATED, name, &key));
            }
        }
        changes
    }

    /// (key within the topic's scope, deduplication id)
    fn deduplication_key(&self, publication: &Publication) -> (String, String) {
        let id = publication.deduplication.clone().unwrap_or_else(|| {
            let hash = digest::digest(&digest::SHA256, publication.message.as_bytes());
            hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
        });
        let per_group =
            self.attributes.get("FifoThroughputScope").is_some_and(|scope| scope == "MessageGroup");
        match &publication.group {
            Some(group) if per_group => (format!("{group}\n{id}"), id),
            _ => (id.clone(), id),
        }
    }

    pub(super) fn largest_bytes(&self) -> usize {
        let given = self.attributes.get("MaximumMessageSize").and_then(|size| size.parse().ok());
        given.unwrap_or(MAX_BYTES)
    }
}

fn check(topic: &Topic, publication: &Publication) -> Result<(), SnsError> {
    let invalid = |reason: &str| Err(SnsError::Invalid(format!("Invalid parameter: {reason}")));
    if publication.message.is_empty() {
        return invalid("Empty message");
    }
    if publication.size_bytes() > topic.largest_bytes() {
        return invalid("Message too long");
    }
    for (name, attribute) in &publication.attributes {
        if let Err(wrong) = check_attribute(name, attribute) {
            return Err(SnsError::BadValue(wrong.to_string()));
        }
    }
    for (name, id) in [
        ("MessageGroupId", &publication.group),
        ("MessageDeduplicationId", &publication.deduplication),
    ] {
        if id.as_ref().is_some_and(|id| !is_id(id)) {
            return invalid(&format!(
                "{name} Reason: can only include alphanumeric and punctuation characters, 1 to 128 \
                 in length"
            ));
        }
    }
    match (topic.is_fifo(), &publication.group, &publication.deduplication) {
        (true, None, _) => invalid("The MessageGroupId parameter is required for FIFO topics"),
        (true, Some(_), None) if !topic.is("ContentBasedDeduplication") => invalid(
            "The topic should either have ContentBasedDeduplication enabled or \
             MessageDeduplicationId provided explicitly",
        ),
        (false, _, Some(_)) => invalid("MessageDeduplicationId Reason: only for FIFO topics"),
        _ => Ok(()),
    }
}

/// What the envelope of a non-raw delivery says besides the message.
struct Note<'a> {
    topic_name: &'a str,
    arn: &'a str,
    id: &'a str,
    timestamp: &'a str,
}

impl Note<'_> {
    /// What a subscriber's queue gets: the message as it is, or in its envelope.
    fn message(&self, subscription: &Subscription, publication: &Publication) -> NewMessage {
        let (body, attributes) = match subscription.is_raw() {
            true => (publication.message.clone(), publication.attributes.clone()),
            false => (self.envelope(publication), MessageAttributes::new()),
        };
        NewMessage { body, attributes, copies: publication.copies, ..NewMessage::default() }
    }

    /// The notification as JSON (Developer Guide, "HTTP/HTTPS notification JSON format").
    fn envelope(&self, publication: &Publication) -> String {
        let unsubscribe =
            format!("http://sns.localhost/?Action=Unsubscribe&SubscriptionArn={}", self.arn);
        let mut envelope = json!({
            "Type": "Notification",
            "MessageId": self.id,
            "TopicArn": topic_arn(self.topic_name),
            "Message": publication.message,
            "Timestamp": self.timestamp,
            "SignatureVersion": "1",
            "Signature": "local",
            "SigningCertURL": "http://sns.localhost/local.pem",
            "UnsubscribeURL": unsubscribe,
        });
        if let Some(members) = envelope.as_object_mut() {
            if let Some(subject) = &publication.subject {
                members.insert("Subject".to_owned(), json!(subject));
            }
            if !publication.attributes.is_empty() {
                let attributes = attributes_json(&publication.attributes);
                members.insert("MessageAttributes".to_owned(), Value::Object(attributes));
            }
        }
        envelope.to_string()
    }
}

fn attributes_json(attributes: &MessageAttributes) -> Map<String, Value> {
    let lines: BTreeMap<_, _> = attributes
        .iter()
        .map(|(name, attribute)| {
            let value = attribute.string_value.as_ref().or(attribute.binary_value.as_ref());
            (name.clone(), json!({ "Type": attribute.data_type, "Value": value }))
        })
        .collect();
    lines.into_iter().collect()
}

/// RFC 3339 with milliseconds, UTC. Days to date after Howard Hinnant, "chrono-compatible low-level
/// date algorithms", `civil_from_days`.
fn timestamp(unix_ms: i64) -> String {
    let (days, ms) = (unix_ms.div_euclid(86_400_000), unix_ms.rem_euclid(86_400_000));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::timestamp;

    #[test]
    fn timestamps_are_rfc_3339() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(timestamp(951_782_400_123), "2000-02-29T00:00:00.123Z");
        assert_eq!(timestamp(crate::testing::NOON_MS), "2030-06-01T12:00:00.000Z");
    }
}
