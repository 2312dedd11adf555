//! The operations by wire name, in AWS JSON 1.0 (SQS API reference, "Actions").

use serde_json::{Map, Value, json};

use super::message::{md5_of_attributes, md5_of_body, size_bytes};
use super::shapes::{
    Entries, Move, NameAndAttributes, OfQueue, Receipt, Receive, Send, SendEntry, read,
};
use super::{NewMessage, Queues, Received, SqsError, batch, queue_arn, queue_name};
use crate::aws::request::JSON_1_0;
use crate::aws::{ACCOUNT, Answer, Request};

/// Largest sum of a batch's messages (API reference, SendMessageBatch): 1 MiB since August 2025.
const MAX_BATCH_BYTES: usize = 1_048_576;

impl Queues {
    /// Answers one wire request.
    pub(crate) async fn answer(&self, request: &Request) -> Answer {
        let result = match request.operation.as_str() {
            "ReceiveMessage" => self.receive_message(request).await,
            _ => self.answer_now(request),
        };
        match result {
            Ok(body) => Answer::json(JSON_1_0, &body),
            Err(error) => error.answer(),
        }
    }

    fn answer_now(&self, request: &Request) -> Result<Value, SqsError> {
        match request.operation.as_str() {
            "CreateQueue" => {
                let asked: NameAndAttributes = read(request)?;
                self.create(&asked.queue_name, asked.attributes)?;
                Ok(json!({ "QueueUrl": url(request, &asked.queue_name) }))
            }
            "GetQueueUrl" => {
                let asked: NameAndAttributes = read(request)?;
                self.must_exist(&asked.queue_name)?;
                Ok(json!({ "QueueUrl": url(request, &asked.queue_name) }))
            }
            "ListQueues" => Ok(self.list(request)),
            "DeleteQueue" => done(self.delete_queue(&name(request)?)),
            "PurgeQueue" => done(self.purge(&name(request)?)),
            "GetQueueAttributes" => self.get_attributes(request),
            "SetQueueAttributes" => {
                let asked: NameAndAttributes = read(request)?;
                done(self.set_attributes(queue_name(&asked.queue_name), asked.attributes))
            }
            "SendMessage" => self.send_one(&name(request)?, read(request)?, request.copies),
            "SendMessageBatch" => self.send_batch(request),
            "DeleteMessage" => {
                let asked: Receipt = read(request)?;
                done(self.delete(&name(request)?, &asked.receipt_handle))
            }
            "DeleteMessageBatch" => self.each_receipt(request, |queue, receipt| {
                self.delete(queue, &receipt.receipt_handle)
            }),
            "ChangeMessageVisibility" => {
                done(self.change_by_receipt(&name(request)?, &read(request)?))
            }
            "ChangeMessageVisibilityBatch" => {
                self.each_receipt(request, |queue, receipt| self.change_by_receipt(queue, receipt))
            }
            "StartMessageMoveTask" => self.start_move(&read(request)?),
            "ListMessageMoveTasks" => self.list_moves(&read(request)?),
            "ListDeadLetterSourceQueues" => {
                let sources = self.sources_of(&name(request)?);
                let urls: Vec<_> = sources.iter().map(|source| url(request, source)).collect();
                Ok(json!({ "queueUrls": urls }))
            }
            other => Err(SqsError::Unsupported(other.to_owned())),
        }
    }

    fn list(&self, request: &Request) -> Value {
        let body = request.json();
        let prefix = body.get("QueueNamePrefix").and_then(Value::as_str).unwrap_or_default();
        let names = self.names();
        let found = names.iter().filter(|name| name.starts_with(prefix));
        json!({ "QueueUrls": found.map(|name| url(request, name)).collect::<Vec<_>>() })
    }

    fn get_attributes(&self, request: &Request) -> Result<Value, SqsError> {
        let name = name(request)?;
        let depth = self.depth(&name)?;
        let mut all = self.attributes_of(&name)?;
        for (attribute, value) in [
            ("QueueArn", queue_arn(&name)),
            ("ApproximateNumberOfMessages", depth.waiting.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", depth.in_flight.to_string()),
            ("ApproximateNumberOfMessagesDelayed", depth.delayed.to_string()),
        ] {
            all.insert(attribute.to_owned(), value);
        }
        let body = request.json();
        let wanted: Vec<&str> = body
            .get("AttributeNames")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        all.retain(|attribute, _| wanted.contains(&"All") || wanted.contains(&attribute.as_str()));
        Ok(json!({ "Attributes": all }))
    }

    fn send_one(&self, queue: &str, send: Send, copies: usize) -> Result<Value, SqsError> {
        let digests = (
            md5_of_body(&send.message_body),
            md5_of_attributes(&send.message_attributes),
            md5_of_attributes(&send.message_system_attributes),
        );
        let trace = send.message_system_attributes.get("AWSTraceHeader");
        let sent = self.send(
            queue,
            NewMessage {
                trace: trace.and_then(|header| header.string_value.clone()),
                body: send.message_body,
                attributes: send.message_attributes,
                delay_s: send.delay_seconds,
                group: send.message_group_id,
                deduplication: send.message_deduplication_id,
                copies,
            },
        )?;
        let mut answer = json!({ "MessageId": sent.id, "MD5OfMessageBody": digests.0 });
        add(&mut answer, "MD5OfMessageAttributes", digests.1);
        add(&mut answer, "MD5OfMessageSystemAttributes", digests.2);
        add(&mut answer, "SequenceNumber", sent.sequence_number);
        Ok(answer)
    }

    fn send_batch(&self, request: &Request) -> Result<Value, SqsError> {
        let asked: Entries<SendEntry> = read(request)?;
        batch::check_ids(asked.entries.iter().map(|entry| entry.id.as_str()))?;
        let sizes = asked
            .entries
            .iter()
            .map(|entry| size_bytes(&entry.send.message_body, &entry.send.message_attributes));
        if sizes.sum::<usize>() > MAX_BATCH_BYTES {
            return Err(SqsError::BatchTooLong(MAX_BATCH_BYTES));
        }
        let queue = queue_name(&asked.queue_url);
        self.must_exist(queue)?;
        let entries = asked.entries.into_iter().map(|entry| (entry.id, entry.send)).collect();
        Ok(batch::answer_each(request, entries, |send| self.send_one(queue, send, request.copies)))
    }

    fn each_receipt(
        &self,
        request: &Request,
        operation: impl Fn(&str, &Receipt) -> Result<(), SqsError>,
    ) -> Result<Value, SqsError> {
        let asked: Entries<Receipt> = read(request)?;
        batch::check_ids(asked.entries.iter().map(|entry| entry.id.as_str()))?;
        let queue = queue_name(&asked.queue_url);
        self.must_exist(queue)?;
        let entries = asked.entries.into_iter().map(|receipt| (receipt.id.clone(), receipt));
        let entries = entries.collect();
        Ok(batch::answer_each(request, entries, |receipt| done(operation(queue, &receipt))))
    }

    fn change_by_receipt(&self, queue: &str, receipt: &Receipt) -> Result<(), SqsError> {
        let missing = || SqsError::Missing("VisibilityTimeout".to_owned());
        let visibility_s = receipt.visibility_timeout.ok_or_else(missing)?;
        self.change_visibility(queue, &receipt.receipt_handle, visibility_s)
    }

    /// Receives, waiting as long as asked for the first message to be there.
    async fn receive_message(&self, request: &Request) -> Result<Value, SqsError> {
        let asked: Receive = read(request)?;
        let queue = queue_name(&asked.queue_url);
        let limit = in_range("MaxNumberOfMessages", asked.max_number_of_messages, 1, 10)?;
        let limit = usize::try_from(limit.unwrap_or(1)).unwrap_or(1);
        in_range("VisibilityTimeout", asked.visibility_timeout, 0, 43_200)?;
        let wait_s = in_range("WaitTimeSeconds", asked.wait_time_seconds, 0, 20)?;
        let clock = &self.inner.clock;
        let own_wait_ms = {
            let state = self.state();
            state.queues.get(queue).ok_or(SqsError::NoSuchQueue)?.attributes.wait_ms
        };
        let deadline_ms = clock.now_ms() + wait_s.map_or(own_wait_ms, |wait_s| wait_s * 1000);
        let mut bell = self.bell(queue).ok_or(SqsError::NoSuchQueue)?;
        loop {
            bell.mark_unchanged();
            let received = self.receive(queue, limit, asked.visibility_timeout)?;
            if !received.is_empty() || clock.now_ms() >= deadline_ms {
                let fifo = self.is_fifo(queue).unwrap_or(false);
                let messages: Vec<_> =
                    received.iter().map(|got| received_json(got, &asked, fifo)).collect();
                return Ok(json!({ "Messages": messages }));
            }
            let due_ms = self.next_due_ms(queue).unwrap_or(deadline_ms).min(deadline_ms);
            tokio::select! {
                biased;
                () = clock.sleep_until(due_ms) => {}
                rung = bell.changed() => rung.map_err(|_| SqsError::NoSuchQueue)?,
            }
        }
    }

    fn start_move(&self, asked: &Move) -> Result<Value, SqsError> {
        let rate = asked.max_number_of_messages_per_second;
        in_range("MaxNumberOfMessagesPerSecond", rate, 1, 500)?;
        let destination = asked.destination_arn.as_deref().map(queue_name);
        let source = queue_name(&asked.source_arn);
        self.redrive(source, destination)?;
        Ok(json!({ "TaskHandle": format!("{source}-{}", self.moves(source).len()) }))
    }

    fn list_moves(&self, asked: &Move) -> Result<Value, SqsError> {
        let source = queue_name(&asked.source_arn);
        self.must_exist(source).map_err(|_| SqsError::NoSuchResource)?;
        let tasks = self.moves(source).into_iter().map(|task| {
            let mut line = json!({
                "Status": "COMPLETED",
                "SourceArn": queue_arn(&task.source),
                "ApproximateNumberOfMessagesMoved": task.moved,
                "ApproximateNumberOfMessagesToMove": task.moved,
                "StartedTimestamp": task.started_at_ms,
            });
            add(&mut line, "DestinationArn", task.destination.as_deref().map(queue_arn));
            line
        });
        Ok(json!({ "Results": tasks.collect::<Vec<_>>() }))
    }
}

fn received_json(got: &Received, asked: &Receive, fifo: bool) -> Value {
    let message = &got.message;
    let wanted = |names: &[String], name: &str| {
        names.iter().any(|wanted| {
            let prefix = wanted.strip_suffix(".*");
            wanted == "All"
                || wanted == ".*"
                || wanted == name
                || prefix.is_some_and(|prefix| name.starts_with(prefix))
        })
    };
    let mut answer = json!({
        "MessageId": message.id,
        "ReceiptHandle": got.receipt_handle,
        "MD5OfBody": md5_of_body(&message.body),
        "Body": message.body,
    });
    let mut system = message.system_attributes(fifo);
    system.retain(|name, _| {
        wanted(&asked.message_system_attribute_names, name) || wanted(&asked.attribute_names, name)
    });
    if !system.is_empty() {
        add(&mut answer, "Attributes", Some(system));
    }
    let mut attributes = message.attributes.clone();
    attributes.retain(|name, _| wanted(&asked.message_attribute_names, name));
    if !attributes.is_empty() {
        add(&mut answer, "MD5OfMessageAttributes", md5_of_attributes(&attributes));
        add(&mut answer, "MessageAttributes", Some(attributes));
    }
    answer
}

fn name(request: &Request) -> Result<String, SqsError> {
    let asked: OfQueue = read(request)?;
    Ok(queue_name(&asked.queue_url).to_owned())
}

fn url(request: &Request, name: &str) -> String {
    format!("http://{}/{ACCOUNT}/{name}", request.host)
}

fn done(result: Result<(), SqsError>) -> Result<Value, SqsError> {
    result.map(|()| Value::Object(Map::new()))
}

fn in_range(
    name: &str,
    value: Option<i64>,
    least: i64,
    most: i64,
) -> Result<Option<i64>, SqsError> {
    match value {
        Some(value) if !(least..=most).contains(&value) => Err(SqsError::Invalid(format!(
            "Value {value} for parameter {name} is invalid. Reason: Must be between {least} and \
             {most}, if provided."
        ))),
        value => Ok(value),
    }
}

/// Adds a member unless it is absent.
fn add<T: serde::Serialize>(answer: &mut Value, name: &str, value: Option<T>) {
    if let (Some(members), Some(value)) = (answer.as_object_mut(), value) {
        members.insert(name.to_owned(), json!(value));
    }
}
