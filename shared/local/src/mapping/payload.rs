//! Events as Lambda hands them to functions, and what functions answer about parts of a batch.

use serde_json::{Map, Value, json};

use crate::aws::REGION;
use crate::aws::sqs::{MessageAttribute, Received, md5_of_attributes, md5_of_body, queue_arn};

/// An `SqsEvent` (Lambda Developer Guide, "Using Lambda with Amazon SQS", example events).
pub(super) fn sqs_event(queue: &str, messages: &[Received]) -> Value {
    let fifo = queue.ends_with(".fifo");
    let records: Vec<Value> = messages.iter().map(|got| sqs_record(queue, got, fifo)).collect();
    json!({ "Records": records })
}

fn sqs_record(queue: &str, got: &Received, fifo: bool) -> Value {
    let message = &got.message;
    let attributes: Map<String, Value> = message
        .attributes
        .iter()
        .map(|(name, attribute)| (name.clone(), attribute_json(attribute)))
        .collect();
    let mut record = json!({
        "messageId": message.id,
        "receiptHandle": got.receipt_handle,
        "body": message.body,
        "attributes": message.system_attributes(fifo),
        "messageAttributes": attributes,
        "md5OfBody": md5_of_body(&message.body),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn(queue),
        "awsRegion": REGION,
    });
    if let (Some(members), Some(md5)) =
        (record.as_object_mut(), md5_of_attributes(&message.attributes))
    {
        members.insert("md5OfMessageAttributes".to_owned(), json!(md5));
    }
    record
}

fn attribute_json(attribute: &MessageAttribute) -> Value {
    let mut line = Map::new();
    if let Some(text) = &attribute.string_value {
        line.insert("stringValue".to_owned(), json!(text));
    }
    if let Some(binary) = &attribute.binary_value {
        line.insert("binaryValue".to_owned(), json!(binary));
    }
    line.insert("stringListValues".to_owned(), json!([]));
    line.insert("binaryListValues".to_owned(), json!([]));
    line.insert("dataType".to_owned(), json!(attribute.data_type));
    Value::Object(line)
}

/// Positions of the failed items among `ids`, by the function's answer. Lambda takes an absent or
/// empty list as success, and an unreadable answer, an empty or unknown identifier as failure of
/// all (Developer Guide, "Implementing partial batch responses").
pub(super) fn failed_items(answer: &Value, ids: &[&str]) -> Vec<usize> {
    let all = || (0..ids.len()).collect();
    match answer {
        Value::Null => return Vec::new(),
        Value::Object(_) => {}
        _ => return all(),
    }
    let failures = match answer.get("batchItemFailures") {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(failures)) => failures,
        Some(_) => return all(),
    };
    let position = |failure: &Value| {
        let id = failure.get("itemIdentifier")?.as_str()?;
        ids.iter().position(|known| *known == id)
    };
    let positions: Option<Vec<usize>> = failures.iter().map(position).collect();
    positions.unwrap_or_else(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Developer Guide, "Implementing partial batch responses", "Success and failure conditions".
    #[test]
    fn an_answer_fails_what_it_names_or_everything_it_garbles() {
        let failure = |id: Value| json!({ "batchItemFailures": [{ "itemIdentifier": id }] });
        let rows = [
            (json!(null), vec![]),
            (json!({}), vec![]),
            (json!({ "batchItemFailures": [] }), vec![]),
            (json!({ "batchItemFailures": null }), vec![]),
            (failure(json!("b")), vec![1]),
            (failure(json!("")), vec![0, 1, 2]),
            (failure(json!(null)), vec![0, 1, 2]),
            (failure(json!("unknown")), vec![0, 1, 2]),
            (json!({ "batchItemFailures": [{ "messageId": "b" }] }), vec![0, 1, 2]),
            (json!("text"), vec![0, 1, 2]),
        ];
        for (answer, expected) in rows {
            assert_eq!(failed_items(&answer, &["a", "b", "c"]), expected, "{answer}");
        }
    }
}
