//! A queue's attributes: names, ranges, defaults (SQS API reference, CreateQueue, "Attributes").

use std::collections::BTreeMap;

use serde_json::Value;

use super::{SqsError, queue_name};

/// Attributes with a number: name, smallest, largest, default.
const NUMBERS: [(&str, i64, i64, i64); 6] = [
    ("DelaySeconds", 0, 900, 0),
    ("KmsDataKeyReusePeriodSeconds", 60, 86_400, 300),
    ("MaximumMessageSize", 1_024, 1_048_576, 1_048_576),
    ("MessageRetentionPeriod", 60, 1_209_600, 345_600),
    ("ReceiveMessageWaitTimeSeconds", 0, 20, 0),
    ("VisibilityTimeout", 0, MAX_VISIBILITY_S, 30),
];

/// Attributes that are kept as they are given.
const TEXTS: [&str; 9] = [
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsMasterKeyId",
    "Policy",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
];

/// Attributes of FIFO queues with the words they may hold; the first is the default.
const FIFO_WORDS: [(&str, [&str; 2]); 3] = [
    ("ContentBasedDeduplication", ["false", "true"]),
    ("DeduplicationScope", ["queue", "messageGroup"]),
    ("FifoThroughputLimit", ["perQueue", "perMessageGroupId"]),
];

/// Longest visibility timeout: 12 hours.
pub(super) const MAX_VISIBILITY_S: i64 = 43_200;

/// What a queue does with its messages.
#[derive(Clone, Debug)]
pub(super) struct Attributes {
    /// As given, defaults not included.
    pub given: BTreeMap<String, String>,
    pub fifo: bool,
    pub visibility_ms: i64,
    pub retention_ms: i64,
    pub delay_ms: i64,
    pub wait_ms: i64,
    pub largest_bytes: usize,
    pub redrive: Option<Redrive>,
    pub allowed_sources: Sources,
    pub deduplicates_content: bool,
    pub deduplicates_per_group: bool,
}

/// Where messages go that were received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Redrive {
    /// Name of the dead-letter queue.
    pub target: String,
    pub max_receives: u32,
}

/// Receives allowed by a `RedrivePolicy` that names no number.
const DEFAULT_MAX_RECEIVES: u64 = 10;

/// Most queues that a `RedriveAllowPolicy` names.
const MAX_SOURCES: usize = 10;

/// Which queues may send their dead letters here (`RedriveAllowPolicy`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sources {
    /// Every queue.
    All,
    /// These, by name.
    These(Vec<String>),
}

impl Attributes {
    /// Reads attributes for a queue called `name`; refuses unknown names and values out of range.
    pub fn parse(name: &str, given: BTreeMap<String, String>) -> Result<Self, SqsError> {
        for (attribute, value) in &given {
            let range = NUMBERS.iter().find(|(known, ..)| known == attribute);
            match range {
                Some((_, smallest, largest, _)) => {
                    let number: Option<i64> = value.parse().ok();
                    if !number.is_some_and(|number| (*smallest..=*largest).contains(&number)) {
                        return Err(SqsError::BadAttribute(attribute.clone()));
                    }
                }
                None if TEXTS.contains(&attribute.as_str()) => {}
                None => return Err(SqsError::UnknownAttribute(attribute.clone())),
            }
        }
        let is = |attribute: &str, wanted: &str| {
            given.get(attribute).is_some_and(|value| value.eq_ignore_ascii_case(wanted))
        };
        let fifo = is("FifoQueue", "true");
        if fifo != name.ends_with(".fifo") {
            let reason = "The name of a FIFO queue can only include alphanumeric characters, \
                          hyphens, or underscores, must end with .fifo suffix";
            return Err(SqsError::Invalid(reason.to_owned()));
        }
        check_fifo_words(&given, fifo)?;
        let number = |attribute: &str| number(&given, attribute);
        Ok(Self {
            fifo,
            visibility_ms: number("VisibilityTimeout") * 1000,
            retention_ms: number("MessageRetentionPeriod") * 1000,
            delay_ms: number("DelaySeconds") * 1000,
            wait_ms: number("ReceiveMessageWaitTimeSeconds") * 1000,
            largest_bytes: usize::try_from(number("MaximumMessageSize")).unwrap_or(usize::MAX),
            redrive: read_policy(&given, "RedrivePolicy", Redrive::parse)?,
            allowed_sources: read_policy(&given, "RedriveAllowPolicy", Sources::parse)?
                .unwrap_or(Sources::All),
            deduplicates_content: is("ContentBasedDeduplication", "true"),
            deduplicates_per_group: is("DeduplicationScope", "messageGroup"),
            given,
        })
    }

    /// The value of a settable attribute, default included; `None` when it has none.
    pub fn value(&self, attribute: &str) -> Option<String> {
        match self.given.get(attribute) {
            Some(value) => Some(value.clone()),
            None => NUMBERS
                .iter()
                .find(|(known, ..)| *known == attribute)
                .map(|(.., default)| default.to_string())
                .or_else(|| default_text(attribute, self.fifo)),
        }
    }

    /// Every attribute with a value.
    pub fn all(&self) -> BTreeMap<String, String> {
        let names = NUMBERS.iter().map(|(name, ..)| *name).chain(TEXTS);
        names.filter_map(|name| Some((name.to_owned(), self.value(name)?))).collect()
    }
}

fn number(given: &BTreeMap<String, String>, attribute: &str) -> i64 {
    let default = NUMBERS.iter().find(|(known, ..)| *known == attribute).map_or(0, |n| n.3);
    given.get(attribute).and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn default_text(attribute: &str, fifo: bool) -> Option<String> {
    let words = FIFO_WORDS.iter().find(|(name, _)| fifo && *name == attribute);
    match words {
        Some((_, [default, _])) => Some((*default).to_owned()),
        None => (attribute == "SqsManagedSseEnabled").then(|| "true".to_owned()),
    }
}

/// Attributes for FIFO queues only, and the one pair that depends on each other.
fn check_fifo_words(given: &BTreeMap<String, String>, fifo: bool) -> Result<(), SqsError> {
    for (attribute, words) in FIFO_WORDS {
        match given.get(attribute) {
            Some(_) if !fifo => return Err(SqsError::UnknownAttribute(attribute.to_owned())),
            Some(value) if !words.contains(&value.as_str()) => {
                return Err(SqsError::BadAttribute(attribute.to_owned()));
            }
            Some(_) | None => {}
        }
    }
    let is = |attribute: &str, wanted: &str| {
        given.get(attribute).is_some_and(|value| value.as_str() == wanted)
    };
    let per_group = is("FifoThroughputLimit", "perMessageGroupId");
    if per_group && !is("DeduplicationScope", "messageGroup") {
        return Err(SqsError::BadAttribute("FifoThroughputLimit".to_owned()));
    }
    Ok(())
}

/// Reads a policy attribute; an empty one removes the policy.
fn read_policy<Policy>(
    given: &BTreeMap<String, String>,
    attribute: &str,
    parse: impl FnOnce(&Value) -> Option<Policy>,
) -> Result<Option<Policy>, SqsError> {
    let Some(text) = given.get(attribute).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let policy = serde_json::from_str(text).ok().and_then(|policy| parse(&policy));
    policy.map(Some).ok_or_else(|| SqsError::BadAttribute(attribute.to_owned()))
}

impl Redrive {
    fn parse(policy: &Value) -> Option<Self> {
        let arn = policy.get("deadLetterTargetArn")?.as_str()?;
        let max_receives = match policy.get("maxReceiveCount") {
            None => Some(DEFAULT_MAX_RECEIVES),
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        let max_receives = max_receives.filter(|count| (1..=1_000).contains(count))?;
        let max_receives = u32::try_from(max_receives).ok()?;
        Some(Self { target: queue_name(arn).to_owned(), max_receives })
    }
}

impl Sources {
    fn parse(policy: &Value) -> Option<Self> {
        let named = policy.get("sourceQueueArns");
        match (policy.get("redrivePermission")?.as_str()?, named) {
            ("allowAll", None) => Some(Self::All),
            ("denyAll", None) => Some(Self::These(Vec::new())),
            ("byQueue", Some(Value::Array(arns))) if (1..=MAX_SOURCES).contains(&arns.len()) => {
                let name = |arn: &Value| Some(queue_name(arn.as_str()?).to_owned());
                arns.iter().map(name).collect::<Option<_>>().map(Self::These)
            }
            _ => None,
        }
    }

    /// Whether this queue may send its dead letters here.
    pub fn allow(&self, source: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(names) => names.iter().any(|name| name == source),
        }
    }
}

/// Whether SQS accepts this queue name: 1–80 letters, digits, `-`, `_`, and the `.fifo` ending.
pub(super) fn is_queue_name(name: &str) -> bool {
    let stem = name.strip_suffix(".fifo").unwrap_or(name);
    !stem.is_empty()
        && name.len() <= 80
        && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
