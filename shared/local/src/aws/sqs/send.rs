//! What a message must be to be accepted by a queue (SQS API reference, SendMessage).

use super::SqsError;
use super::attributes::Attributes;
use super::message::{MessageAttribute, NewMessage, size_bytes};

/// Most attributes per message.
const MAX_ATTRIBUTES: usize = 10;

/// Longest name and type of an attribute.
const MAX_NAME_CHARS: usize = 256;

/// Longest group and deduplication id.
const MAX_ID_CHARS: usize = 128;

/// Most seconds of delay per message.
const MAX_DELAY_S: i64 = 900;

/// Checks a message against the queue's kind and limits; the order of checks is fixed.
pub(super) fn check(message: &NewMessage, queue: &Attributes) -> Result<(), SqsError> {
    if message.body.is_empty() {
        return Err(SqsError::Missing("MessageBody".to_owned()));
    }
    let printable = |byte: &u8| matches!(byte, b' '..=b'~');
    if !message.body.as_bytes().iter().all(printable) && !message.body.chars().all(is_allowed) {
        return Err(SqsError::BadContents);
    }
    if message.attributes.len() > MAX_ATTRIBUTES {
        let count = message.attributes.len();
        let reason =
            format!("Number of message attributes [{count}] exceeds the allowed maximum [10].");
        return Err(SqsError::Invalid(reason));
    }
    for (name, attribute) in &message.attributes {
        check_attribute(name, attribute)?;
    }
    let largest = queue.largest_bytes;
    if size_bytes(&message.body, &message.attributes) > largest {
        let reason = format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {largest} \
             bytes."
        );
        return Err(SqsError::Invalid(reason));
    }
    check_delay(message.delay_s, queue.fifo)?;
    check_ids(message, queue)
}

fn check_delay(delay_s: Option<i64>, fifo: bool) -> Result<(), SqsError> {
    let Some(delay_s) = delay_s else { return Ok(()) };
    if fifo && delay_s != 0 {
        return Err(not_for_this_kind("DelaySeconds", &delay_s.to_string()));
    }
    if (0..=MAX_DELAY_S).contains(&delay_s) {
        return Ok(());
    }
    let reason = format!(
        "Value {delay_s} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 \
         and <= {MAX_DELAY_S}."
    );
    Err(SqsError::Invalid(reason))
}

fn check_ids(message: &NewMessage, queue: &Attributes) -> Result<(), SqsError> {
    for (name, id) in
        [("MessageGroupId", &message.group), ("MessageDeduplicationId", &message.deduplication)]
    {
        if id.as_ref().is_some_and(|id| !is_id(id)) {
            let reason = format!(
                "Value for parameter {name} is invalid. Reason: {name} can only include \
                 alphanumeric and punctuation characters. 1 to 128 in length."
            );
            return Err(SqsError::Invalid(reason));
        }
    }
    match (&message.deduplication, queue.fifo) {
        (Some(id), false) => return Err(not_for_this_kind("MessageDeduplicationId", id)),
        (_, false) => return Ok(()),
        (_, true) => {}
    }
    if message.group.is_none() {
        return Err(SqsError::Missing("MessageGroupId".to_owned()));
    }
    if message.deduplication.is_none() && !queue.deduplicates_content {
        let reason = "The queue should either have ContentBasedDeduplication enabled or \
                      MessageDeduplicationId provided explicitly";
        return Err(SqsError::Invalid(reason.to_owned()));
    }
    Ok(())
}

fn not_for_this_kind(name: &str, value: &str) -> SqsError {
    SqsError::Invalid(format!(
        "Value {value} for parameter {name} is invalid. Reason: The request include parameter that \
         is not valid for this queue type."
    ))
}

/// Checks one attribute (Developer Guide, "Amazon SQS message metadata", "Message attribute
/// components"); SNS has the same rules.
pub(crate) fn check_attribute(name: &str, attribute: &MessageAttribute) -> Result<(), SqsError> {
    let kind = attribute.data_type.split('.').next().unwrap_or_default();
    let has_value = match kind {
        "String" => attribute.string_value.as_ref().is_some_and(|value| !value.is_empty()),
        "Number" => attribute.string_value.as_deref().is_some_and(is_number),
        "Binary" => attribute.binary_value.as_ref().is_some_and(|value| !value.is_empty()),
        _ => false,
    };
    if is_attribute_name(name) && attribute.data_type.len() <= MAX_NAME_CHARS && has_value {
        return Ok(());
    }
    Err(SqsError::Invalid(format!(
        "The message attribute '{name}' must have a valid name, a DataType of String, Number or \
         Binary, and a non-empty value of that type."
    )))
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn is_attribute_name(name: &str) -> bool {
    let begins = |prefix: &str| {
        name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    (1..=MAX_NAME_CHARS).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
        && !begins("AWS.")
        && !begins("Amazon.")
}

/// XML 1.0 characters.
fn is_allowed(character: char) -> bool {
    matches!(character,
        '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Whether this may be a group or deduplication id: 1–128 letters, digits and punctuation.
pub(crate) fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_ID_CHARS && id.bytes().all(|byte| byte.is_ascii_graphic())
}
