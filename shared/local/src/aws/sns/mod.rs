//! SNS: standard and FIFO topics that deliver to SQS queues, in the AWS Query protocol. A publish
//! is answered when every subscribed queue has the message in the state file.

mod delivery;
mod filter;
mod form;
mod subscription;
mod wire;
mod xml;

#[cfg(test)]
mod tests;

pub use delivery::{Publication, PublishedMessage};
pub use subscription::SubscriptionView;
pub(crate) use xml::{error_answer, escaped};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::sqs::{Queues, SqsError};
use super::{ACCOUNT, REGION, Request};
use crate::clock::VirtualClock;
use crate::state::{Change, Store, StoreError};
use subscription::{StoredSubscription, Subscription};

/// Row kinds of the state file.
const TOPIC: &str = "sns.topic";
const SUBSCRIPTION: &str = "sns.subscription";
const DEDUPLICATED: &str = "sns.deduplicated";

/// Most filter policies per topic ("Filter policy constraints").
const MAX_FILTER_POLICIES: usize = 200;

/// Most subscriptions of a FIFO topic (Service endpoints and quotas, "Amazon SNS").
const MAX_FIFO_SUBSCRIPTIONS: usize = 100;

/// The topics of one cloud. Clones share state.
#[derive(Clone)]
pub struct Topics {
    inner: Arc<Inner>,
}

struct Inner {
    clock: VirtualClock,
    store: Store,
    queues: Queues,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    topics: BTreeMap<String, Topic>,
    last_sequence: u64,
}

struct Topic {
    attributes: BTreeMap<String, String>,
    subscriptions: BTreeMap<String, Subscription>,
    /// Message ids by deduplication id, and when each is forgotten.
    deduplicated: BTreeMap<String, Published>,
    forgetting: BTreeSet<(i64, String)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Published {
    until_ms: i64,
    id: String,
    sequence: u64,
}

/// Why a topic operation was refused (SNS API reference, "Errors" of each action).
#[derive(Debug, thiserror::Error)]
pub enum SnsError {
    /// No such topic or subscription.
    #[error("{0} does not exist")]
    NotFound(String),
    /// A parameter is missing or its value is not allowed; says which and why.
    #[error("{0}")]
    Invalid(String),
    /// The value of a message attribute is not allowed; says which and why.
    #[error("{0}")]
    BadValue(String),
    /// More filter policies than a topic takes.
    #[error("Filter policy limit exceeded: {MAX_FILTER_POLICIES} per topic")]
    FilterPolicyLimit,
    /// More subscriptions than a FIFO topic takes.
    #[error("Subscription limit exceeded: {MAX_FIFO_SUBSCRIPTIONS} per FIFO topic")]
    SubscriptionLimit,
    /// A batch without entries.
    #[error("The batch request doesn't contain any entries.")]
    EmptyBatch,
    /// A batch of more than ten.
    #[error("The batch request contains more entries than permissible (10).")]
    TooManyEntries,
    /// Two entries with one id.
    #[error("Two or more batch entries in the request have the same Id.")]
    RepeatedId,
    /// An entry id with other characters than letters, digits, hyphen, underscore, or over 80.
    #[error("The Id of a batch entry in the batch request doesn't abide by the specification.")]
    BadEntryId,
    /// The entries together are over the limit.
    #[error("The length of all the batch messages put together is more than the limit.")]
    BatchTooLong,
    /// An operation the local cloud does not offer.
    #[error("The local cloud does not offer the SNS operation {0}.")]
    Unsupported(String),
    /// The state file cannot be written.
    #[error("{0}")]
    Broken(String),
}

impl From<StoreError> for SnsError {
    fn from(error: StoreError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl SnsError {
    /// (code, HTTP status)
    fn code(&self) -> (&'static str, u16) {
        match self {
            Self::NotFound(_) => ("NotFound", 404),
            Self::Invalid(_) => ("InvalidParameter", 400),
            Self::BadValue(_) => ("ParameterValueInvalid", 400),
            Self::FilterPolicyLimit => ("FilterPolicyLimitExceeded", 403),
            Self::SubscriptionLimit => ("SubscriptionLimitExceeded", 403),
            Self::EmptyBatch => ("EmptyBatchRequest", 400),
            Self::TooManyEntries => ("TooManyEntriesInBatchRequest", 400),
            Self::RepeatedId => ("BatchEntryIdsNotDistinct", 400),
            Self::BadEntryId => ("InvalidBatchEntryId", 400),
            Self::BatchTooLong => ("BatchRequestTooLong", 400),
            Self::Unsupported(_) => ("InvalidAction", 400),
            Self::Broken(_) => ("InternalError", 500),
        }
    }
}

/// The ARN of a topic of this cloud.
pub fn topic_arn(name: &str) -> String {
    format!("arn:aws:sns:{REGION}:{ACCOUNT}:{name}")
}

/// Checks the attributes that change what a topic does (API reference, CreateTopic).
fn check_attributes(given: &BTreeMap<String, String>, fifo: bool) -> Result<(), SnsError> {
    for (attribute, value) in given {
        let (good, fifo_only) = match attribute.as_str() {
            "FifoTopic" => (matches!(value.as_str(), "true" | "false"), false),
            "ContentBasedDeduplication" => (matches!(value.as_str(), "true" | "false"), true),
            "FifoThroughputScope" => (matches!(value.as_str(), "Topic" | "MessageGroup"), true),
            "MaximumMessageSize" => {
                let size = value.parse().ok();
                (size.is_some_and(|size: usize| delivery::SIZES.contains(&size)), false)
            }
            _ => continue,
        };
        if !good || (fifo_only && !fifo) {
            let reason = format!("Invalid parameter: Attributes Reason: {attribute}: {value}");
            return Err(SnsError::Invalid(reason));
        }
    }
    Ok(())
}

/// The name in a topic's name or ARN.
fn name_of(reference: &str) -> &str {
    reference.rsplit(':').next().unwrap_or(reference)
}

/// The topic a wire request is about.
pub(crate) fn topic_name(request: &Request) -> Option<String> {
    let reference =
        form::field(&request.body, "TopicArn").or_else(|| form::field(&request.body, "Name"))?;
    Some(name_of(&reference).to_owned())
}

impl Topics {
    pub(crate) fn open(
        store: &Store,
        clock: &VirtualClock,
        queues: &Queues,
    ) -> Result<Self, StoreError> {
        let mut state = State::default();
        for (_, name, attributes) in store.load(TOPIC)? {
            state.topics.insert(name, Topic::new(attributes));
        }
        for (name, arn, stored) in store.load::<StoredSubscription>(SUBSCRIPTION)? {
            if let (Some(topic), Ok(subscription)) =
                (state.topics.get_mut(&name), Subscription::new(stored))
            {
                topic.subscriptions.insert(arn, subscription);
            }
        }
        for (name, key, published) in store.load::<Published>(DEDUPLICATED)? {
            state.last_sequence = state.last_sequence.max(published.sequence);
            if let Some(topic) = state.topics.get_mut(&name) {
                topic.remember(key, published);
            }
        }
        let inner = Inner {
            clock: clock.clone(),
            store: store.clone(),
            queues: queues.clone(),
            state: Mutex::new(state),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Makes the topic, or leaves one of that name as it is; returns its ARN. The name of a FIFO
    /// topic ends in `.fifo`.
    pub fn create(
        &self,
        name: &str,
        mut attributes: BTreeMap<String, String>,
    ) -> Result<String, SnsError> {
        let stem = name.strip_suffix(".fifo").unwrap_or(name);
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if stem.is_empty() || name.len() > 256 || !stem.bytes().all(good) {
            return Err(SnsError::Invalid("Invalid parameter: Topic Name".to_owned()));
        }
        let fifo = attributes.get("FifoTopic").is_some_and(|value| value == "true");
        if fifo != name.ends_with(".fifo") {
            let reason = "Invalid parameter: Fifo Topic names must end with .fifo and must be made \
                          up of only uppercase and lowercase ASCII letters, numbers, underscores, \
                          and hyphens";
            return Err(SnsError::Invalid(reason.to_owned()));
        }
        check_attributes(&attributes, fifo)?;
        let mut state = self.state();
        if let Some(topic) = state.topics.get(name) {
            // Attributes given again are laid over the stored ones, so that a boot is repeatable.
            let mut merged = topic.attributes.clone();
            merged.append(&mut attributes);
            attributes = merged;
        }
        self.inner.store.apply(&[Change::put(TOPIC, "", name, &attributes)])?;
        match state.topics.get_mut(name) {
            Some(topic) => topic.attributes = attributes,
            None => {
                state.topics.insert(name.to_owned(), Topic::new(attributes));
            }
        }
        Ok(topic_arn(name))
    }

    /// Removes a topic and its subscriptions; removing it again is harmless.
    fn delete(&self, name: &str) -> Result<(), SnsError> {
        let mut state = self.state();
        self.inner.store.apply(&[
            Change::clear(SUBSCRIPTION, name),
            Change::clear(DEDUPLICATED, name),
            Change::delete(TOPIC, "", name),
        ])?;
        state.topics.remove(name);
        Ok(())
    }

    /// Names of all topics, sorted.
    pub fn names(&self) -> Vec<String> {
        self.state().topics.keys().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn topic(&mut self, name: &str) -> Result<&mut Topic, SnsError> {
        self.topics.get_mut(name).ok_or_else(|| SnsError::NotFound("Topic".to_owned()))
    }

    fn subscription(&self, arn: &str) -> Result<(String, StoredSubscription), SnsError> {
        let found = self.topics.iter().find_map(|(name, topic)| {
            Some((name.clone(), topic.subscriptions.get(arn)?.stored.clone()))
        });
        found.ok_or_else(|| SnsError::NotFound("Subscription".to_owned()))
    }
}

impl Topic {
    fn new(attributes: BTreeMap<String, String>) -> Self {
        Self {
            attributes,
            subscriptions: BTreeMap::new(),
            deduplicated: BTreeMap::new(),
            forgetting: BTreeSet::new(),
        }
    }

    fn is(&self, attribute: &str) -> bool {
        self.attributes.get(attribute).is_some_and(|value| value == "true")
    }

    fn is_fifo(&self) -> bool {
        self.is("FifoTopic")
    }

    fn remember(&mut self, key: String, published: Published) {
        self.forgetting.insert((published.until_ms, key.clone()));
        self.deduplicated.insert(key, published);
    }
}

impl From<SqsError> for SnsError {
    fn from(error: SqsError) -> Self {
        Self::Broken(error.to_string())
    }
}
