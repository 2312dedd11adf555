//! Injected failures in each service's own words.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::aws::{Answer, Request, Service};

/// The service broke before doing anything (HTTP 500).
pub(super) fn broken(request: Option<&Request>) -> Answer {
    let message = "injected: the service failed before doing anything";
    match request.map(|request| request.service) {
        Some(Service::DynamoDb) => {
            Answer::error_json(500, "com.amazonaws.dynamodb.v20120810#InternalServerError", message)
        }
        Some(Service::Sqs) => crate::aws::sqs::error_answer(500, "InternalFailure", message),
        Some(Service::Sns) => crate::aws::sns::error_answer(500, "InternalError", message),
        Some(Service::SecretsManager) => Answer::error_json(500, "InternalServiceError", message),
        Some(Service::Extension(_)) | None => Answer::error_json(500, "InternalFailure", message),
    }
}

/// Too many requests.
pub(super) fn throttled(request: Option<&Request>) -> Answer {
    let message = "injected: too many requests";
    match request.map(|request| request.service) {
        Some(Service::DynamoDb) => Answer::error_json(
            400,
            "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            message,
        ),
        Some(Service::Sqs) => crate::aws::sqs::error_answer(400, "RequestThrottled", message),
        Some(Service::Sns) => crate::aws::sns::error_answer(429, "Throttled", message),
        Some(Service::SecretsManager) => Answer::error_json(400, "ThrottlingException", message),
        Some(Service::Extension(_)) | None => {
            Answer::error_json(429, "TooManyRequestsException", message)
        }
    }
}

/// A conflicting write was under way. `None` for an operation that never conflicts.
pub(super) fn conflict(request: Option<&Request>) -> Option<Answer> {
    let request = request.filter(|request| request.service == Service::DynamoDb)?;
    match request.operation.as_str() {
        "PutItem" | "UpdateItem" | "DeleteItem" => Some(Answer::error_json(
            400,
            "com.amazonaws.dynamodb.v20120810#TransactionConflictException",
            "Transaction is ongoing for the item",
        )),
        "TransactWriteItems" | "TransactGetItems" => Some(canceled(&request.json())),
        _ => None,
    }
}

/// `TransactionCanceledException` with the conflict on the first action (API reference,
/// TransactWriteItems, "CancellationReasons").
fn canceled(body: &Value) -> Answer {
    let actions = body.get("TransactItems").and_then(Value::as_array).map_or(1, Vec::len).max(1);
    let mut codes = vec!["None"; actions];
    if let Some(first) = codes.first_mut() {
        *first = "TransactionConflict";
    }
    let reasons: Vec<Value> = codes
        .iter()
        .map(|code| match *code {
            "None" => json!({ "Code": "None" }),
            code => json!({ "Code": code, "Message": "Transaction is ongoing for the item" }),
        })
        .collect();
    let code = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    let message = format!(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
        codes.join(", ")
    );
    let mut answer = Answer::error_json(400, code, &message);
    let body = json!({ "__type": code, "Message": message, "CancellationReasons": reasons });
    answer.body = Bytes::from(body.to_string());
    answer
}

/// Whether the request is a query on an index, which may lag behind its table.
pub(super) fn reads_an_index(request: Option<&Request>) -> bool {
    request.is_some_and(|request| {
        request.service == Service::DynamoDb
            && request.operation == "Query"
            && request.json().get("IndexName").is_some()
    })
}

/// A query's answer as it was before the last of its items was written.
pub(super) fn without_last_item(body: &[u8]) -> Answer {
    let mut page: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    if let Some(items) = page.get_mut("Items").and_then(Value::as_array_mut) {
        items.pop();
    }
    let count = page.get("Items").and_then(Value::as_array).map_or(0, Vec::len);
    if let Some(members) = page.as_object_mut().filter(|members| members.contains_key("Count")) {
        members.insert("Count".to_owned(), json!(count));
    }
    Answer::json(crate::aws::JSON_1_0, &page)
}
