//! What a function may ask of AWS: its grants, as its role has them in a deployment. A call beyond them
//! would work here and be an AccessDenied there, so it is refused here too, with the missing word.

use runtime::module::ArchiveUse;
use runtime::secrets::SecretName;
use runtime::wiring::{Grants, QueueGrant, READS, Topic, queue_names, resource_name};
use runtime::{Module, Row};
use serde_json::Value;

use crate::aws::{Request, Service, sns, sqs};

/// The grants of one function, and how the resources they name are called in this cloud.
#[derive(Debug)]
pub struct Permit {
    grants: Grants,
    /// The function's own queue and its dead-letter queue, without prefix.
    own_queues: [String; 4],
    /// What names of tables, queues and functions begin with.
    prefix: String,
}

impl Permit {
    /// The permit of this row's function.
    pub fn of(module: &Module, row: &Row, prefix: &str) -> Self {
        let (queue, dead) = queue_names(row.id, Topic::Standard);
        let (fifo, dead_fifo) = queue_names(row.id, Topic::Fifo);
        Self {
            grants: Grants::of(module, row),
            own_queues: [queue, dead, fifo, dead_fifo],
            prefix: prefix.to_owned(),
        }
    }

    /// The word that is missing in the function's row for this request; `None` where it is allowed.
    pub(super) fn lacks(&self, request: &Request) -> Option<String> {
        match request.service {
            Service::DynamoDb => self.lacks_table(request),
            Service::Sqs => self.lacks_queue(request),
            Service::Sns => self.lacks_topic(request),
            Service::SecretsManager => self.lacks_secret(request),
            Service::Extension(_) => None,
        }
    }

    /// As [`lacks`](Self::lacks), for a request to a service that another part of the cloud answers.
    pub(super) fn lacks_of_extension<B>(
        &self,
        service: &str,
        request: &http::Request<B>,
    ) -> Option<String> {
        let path = request.uri().path();
        match service {
            "lambda" => {
                let name =
                    path.split('/').find_map(|part| part.strip_prefix(self.prefix.as_str()))?;
                let called = self.grants.calls.iter().any(|id| resource_name(id) == name);
                (!called).then(|| format!("`.calls(…)` of {name}"))
            }
            "s3" => match (self.grants.archive, request.method() == http::Method::PUT) {
                (Some(ArchiveUse::Written), true) | (Some(ArchiveUse::Read), false) => None,
                (_, true) => Some("`.archives()`".to_owned()),
                (_, false) => Some("`.reads_archive()`".to_owned()),
            },
            _ => None,
        }
    }

    fn lacks_table(&self, request: &Request) -> Option<String> {
        let body = request.json();
        let mut parts = parts(&request.operation, &body).into_iter();
        parts.find_map(|(table, operation)| {
            let name = table.strip_prefix(self.prefix.as_str()).unwrap_or(&table);
            let granted = self.grants.table(name);
            if granted.is_some_and(|grant| grant.operations.contains(operation)) {
                return None;
            }
            let word = if READS.contains(&operation) { "reads" } else { "writes" };
            Some(format!("`.{word}([…])` of table {name} for {operation}"))
        })
    }

    fn lacks_queue(&self, request: &Request) -> Option<String> {
        let queue = sqs::queue_of(request)?;
        let name = queue.strip_prefix(self.prefix.as_str()).unwrap_or(&queue);
        let operation = request.operation.strip_suffix("Batch").unwrap_or(&request.operation);
        let allows = |grant: &QueueGrant| match grant {
            QueueGrant::Own => self.own_queues.iter().any(|own| own == name),
            QueueGrant::SendTo(job) => operation == "SendMessage" && resource_name(job) == name,
            QueueGrant::SendToAny => operation == "SendMessage",
            QueueGrant::Watch => matches!(operation, "GetQueueAttributes" | "GetQueueUrl"),
            QueueGrant::Clear => {
                let takes = ["ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"];
                takes.contains(&operation) && name.contains("-dlq")
            }
        };
        if self.grants.queues.iter().any(allows) {
            return None;
        }
        let word = match operation {
            "SendMessage" => "`.enqueues([…])` or `.sends()`",
            "GetQueueAttributes" | "GetQueueUrl" => "`.watches_queues()`",
            _ => "`.clears_dead_letters()`",
        };
        Some(format!("{word} for {operation} on queue {name}"))
    }

    fn lacks_topic(&self, request: &Request) -> Option<String> {
        let is_fifo = sns::topic_name(request).is_some_and(|name| name.ends_with(".fifo"));
        let allowed = if is_fifo { self.grants.fifo_topic } else { self.grants.topic };
        let which = if is_fifo { "an ordered entity" } else { "an entity" };
        (!allowed).then(|| format!("`.emits([…])` of an event of {which}, or `.publishes()`"))
    }

    fn lacks_secret(&self, request: &Request) -> Option<String> {
        let body = request.json();
        let id = body.get("SecretId").or_else(|| body.get("Name")).and_then(Value::as_str)?;
        let is = |name: &SecretName| id.ends_with(name.as_str());
        let kept = self.grants.keeps.iter().any(is);
        let opened = self.grants.opens.iter().any(is) && request.operation == "GetSecretValue";
        let word = if request.operation == "GetSecretValue" { "opens" } else { "keeps" };
        (!kept && !opened).then(|| format!("`.{word}([…])` of secret {id}"))
    }
}

/// What a DynamoDB request does to which table, in the operations that IAM knows: a transaction needs
/// the right to each of its parts (DynamoDB Developer Guide, "IAM for transactions").
fn parts(operation: &str, body: &Value) -> Vec<(String, &'static str)> {
    let table =
        |body: &Value| body.get("TableName").and_then(Value::as_str).unwrap_or_default().to_owned();
    match operation {
        "TransactWriteItems" | "TransactGetItems" => {
            let actions = body.get("TransactItems").and_then(Value::as_array);
            let actions = actions.into_iter().flatten().filter_map(Value::as_object).flatten();
            actions.map(|(kind, action)| (table(action), part(kind))).collect()
        }
        "BatchGetItem" | "BatchWriteItem" => {
            let tables = body.get("RequestItems").and_then(Value::as_object).into_iter().flatten();
            let tables = tables.map(|(table, _)| table.clone());
            let reads = operation == "BatchGetItem";
            tables.map(|one| (one, if reads { "BatchGetItem" } else { "BatchWriteItem" })).collect()
        }
        other => match KNOWN.iter().find(|known| **known == other) {
            Some(known) => vec![(table(body), known)],
            // Descriptions and the like touch no item.
            None => Vec::new(),
        },
    }
}

const KNOWN: [&str; 6] = ["DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem"];

fn part(kind: &str) -> &'static str {
    match kind {
        "Put" => "PutItem",
        "Update" => "UpdateItem",
        "Delete" => "DeleteItem",
        "Get" => "GetItem",
        _ => "ConditionCheckItem",
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use interface::{Call, Empty, Nothing};
    use kernel::Error;
    use runtime::module::answer;
    use runtime::{Ctx, Group, Worker};
    use serde_json::json;
    use store::Table;

    use super::*;

    const READ: Table = Table::new("read");
    const WRITTEN: Table = Table::new("written");
    static ASK: Call<Nothing, Empty> = Call::new("shop.ask");
    static OTHER: Call<Nothing, Empty> = Call::new("bank.pay");

    async fn nothing(_: Ctx<Worker>, _: Nothing) -> Result<Empty, Error> {
        Ok(Empty {})
    }

    fn permit() -> Permit {
        let row = answer(&ASK, nothing)
            .reads([READ])
            .writes([WRITTEN])
            .calls(&OTHER)
            .opens([SecretName::new("a/b")]);
        let module = Module::new("shop", Group::Money, "A test.", [row.clone()]);
        Permit::of(&module, &row, "x-")
    }

    fn asked(service: Service, operation: &str, body: Value) -> Request {
        Request {
            service,
            operation: operation.to_owned(),
            host: String::new(),
            body: Bytes::from(body.to_string()),
            copies: 1,
            refused_entry: None,
        }
    }

    #[test]
    fn what_a_row_does_not_declare_is_refused_with_the_missing_word() {
        let permit = permit();
        let put = |table: &str| json!({ "Put": { "TableName": table } });
        let both = |one: &str, other: &str| json!({ "TransactItems": [put(one), put(other)] });
        let cases = [
            (Service::DynamoDb, "GetItem", json!({ "TableName": "x-read" }), None),
            (Service::DynamoDb, "Query", json!({ "TableName": "x-written" }), None),
            (Service::DynamoDb, "TransactWriteItems", both("x-written", "x-written"), None),
            (
                Service::DynamoDb,
                "TransactWriteItems",
                both("x-written", "x-read"),
                Some("`.writes([…])` of table read for PutItem"),
            ),
            (
                Service::DynamoDb,
                "BatchGetItem",
                json!({ "RequestItems": { "x-other": {} } }),
                Some("`.reads([…])` of table other for BatchGetItem"),
            ),
            (
                Service::DynamoDb,
                "Scan",
                json!({ "TableName": "x-read" }),
                Some("`.writes([…])` of table read for Scan"),
            ),
            (Service::SecretsManager, "GetSecretValue", json!({ "SecretId": "t/a/b" }), None),
            (
                Service::SecretsManager,
                "PutSecretValue",
                json!({ "SecretId": "t/a/b" }),
                Some("`.keeps([…])` of secret t/a/b"),
            ),
            (
                Service::Sqs,
                "SendMessageBatch",
                json!({ "QueueUrl": "http://h/1/x-shop-do" }),
                Some("`.enqueues([…])` or `.sends()` for SendMessage on queue shop-do"),
            ),
        ];
        for (service, operation, body, lacks) in cases {
            let found = permit.lacks(&asked(service, operation, body.clone()));
            assert_eq!(found.as_deref(), lacks, "{operation} {body}");
        }
        let call = |name: &str| {
            let uri = format!("/2015-03-31/functions/{name}/invocations");
            permit
                .lacks_of_extension("lambda", &http::Request::builder().uri(uri).body(()).unwrap())
        };
        assert_eq!(call("x-bank-pay"), None);
        assert_eq!(call("x-bank-close").as_deref(), Some("`.calls(…)` of bank-close"));
    }
}
