//! The operations by wire name (SNS API reference, "Actions").

use std::collections::{BTreeMap, BTreeSet};

use super::delivery::Publication;
use super::form::Form;
use super::xml::{self, Element};
use super::{SnsError, SubscriptionView, Topics, name_of, topic_arn};
use crate::aws::sqs::queue_arn;
use crate::aws::{ACCOUNT, Answer, Request};

/// Most entries per batch.
const MAX_ENTRIES: usize = 10;

impl Topics {
    /// Answers one wire request.
    pub(crate) fn answer(&self, request: &Request) -> Answer {
        let form = Form::read(&request.body);
        match self.result(request, &form) {
            Ok(elements) => xml::answer(&request.operation, &elements),
            Err(error) => error.answer(),
        }
    }

    fn result(&self, request: &Request, form: &Form) -> Result<Vec<Element>, SnsError> {
        match request.operation.as_str() {
            "CreateTopic" => {
                let arn = self.create(form.need("Name")?, form.entries("Attributes"))?;
                Ok(vec![Element::text("TopicArn", arn)])
            }
            "DeleteTopic" => self.delete(topic(form)?).map(|()| Vec::new()),
            "ListTopics" => Ok(self.list()),
            "GetTopicAttributes" => self.topic_attributes(topic(form)?),
            "Subscribe" => self.subscribe_by(form),
            "SetSubscriptionAttributes" => {
                let value = form.get("AttributeValue").unwrap_or_default();
                let arn = form.need("SubscriptionArn")?;
                self.set_subscription_attribute(arn, form.need("AttributeName")?, value)?;
                Ok(Vec::new())
            }
            "GetSubscriptionAttributes" => {
                self.subscription_attributes(form.need("SubscriptionArn")?)
            }
            "ListSubscriptionsByTopic" => self.list_subscriptions(topic(form)?),
            "Unsubscribe" => self.unsubscribe(form.need("SubscriptionArn")?).map(|()| Vec::new()),
            "Publish" => {
                let publication = publication(form, "", request.copies)?;
                let sent = self.publish(topic(form)?, &publication)?;
                let sequence_number = sent.sequence_number;
                let mut elements = vec![Element::text("MessageId", sent.id)];
                elements.extend(sequence_number.map(|n| Element::text("SequenceNumber", n)));
                Ok(elements)
            }
            "PublishBatch" => self.publish_batch(request, form),
            other => Err(SnsError::Unsupported(other.to_owned())),
        }
    }

    fn list(&self) -> Vec<Element> {
        let member = |name: &String| {
            Element::Parent("member", vec![Element::text("TopicArn", topic_arn(name))])
        };
        vec![Element::Parent("Topics", self.names().iter().map(member).collect())]
    }

    fn topic_attributes(&self, name: &str) -> Result<Vec<Element>, SnsError> {
        let mut attributes = self.state().topic(name)?.attributes.clone();
        attributes.insert("TopicArn".to_owned(), topic_arn(name));
        attributes.insert("Owner".to_owned(), ACCOUNT.to_owned());
        Ok(vec![entries(attributes)])
    }

    fn subscribe_by(&self, form: &Form) -> Result<Vec<Element>, SnsError> {
        if form.need("Protocol")? != "sqs" {
            let reason = "Invalid parameter: Protocol: the local cloud delivers to sqs only";
            return Err(SnsError::Invalid(reason.to_owned()));
        }
        let arn =
            self.subscribe(topic(form)?, form.need("Endpoint")?, form.entries("Attributes"))?;
        Ok(vec![Element::text("SubscriptionArn", arn)])
    }

    fn subscription_attributes(&self, arn: &str) -> Result<Vec<Element>, SnsError> {
        let (topic_name, stored) = self.state().subscription(arn)?;
        let mut attributes = stored.attributes;
        for (name, value) in [
            ("SubscriptionArn", arn.to_owned()),
            ("TopicArn", topic_arn(&topic_name)),
            ("Protocol", "sqs".to_owned()),
            ("Endpoint", queue_arn(&stored.queue)),
            ("Owner", ACCOUNT.to_owned()),
            ("PendingConfirmation", "false".to_owned()),
        ] {
            attributes.insert(name.to_owned(), value);
        }
        Ok(vec![entries(attributes)])
    }

    fn list_subscriptions(&self, topic_name: &str) -> Result<Vec<Element>, SnsError> {
        let subscriptions = self.subscriptions(topic_name)?;
        let member = |view: SubscriptionView| {
            let fields = vec![
                Element::text("SubscriptionArn", view.arn),
                Element::text("Owner", ACCOUNT),
                Element::text("Protocol", "sqs"),
                Element::text("Endpoint", queue_arn(&view.queue)),
                Element::text("TopicArn", topic_arn(topic_name)),
            ];
            Element::Parent("member", fields)
        };
        let members = subscriptions.into_iter().map(member).collect();
        Ok(vec![Element::Parent("Subscriptions", members)])
    }

    fn publish_batch(&self, request: &Request, form: &Form) -> Result<Vec<Element>, SnsError> {
        let topic_name = topic(form)?;
        let entries = form
            .numbered("PublishBatchRequestEntries.member")
            .map(|prefix| {
                let prefix = format!("{prefix}.");
                let id = form.need(&format!("{prefix}Id"))?.to_owned();
                Ok((id, publication(form, &prefix, request.copies)?))
            })
            .collect::<Result<Vec<_>, SnsError>>()?;
        check_ids(entries.iter().map(|(id, _)| id.as_str()))?;
        let largest_bytes = self.state().topic(topic_name)?.largest_bytes();
        let size_bytes: usize = entries.iter().map(|(_, entry)| entry.size_bytes()).sum();
        if size_bytes > largest_bytes {
            return Err(SnsError::BatchTooLong);
        }
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        let count = entries.len();
        for (position, (id, publication)) in entries.into_iter().enumerate() {
            let id = Element::text("Id", id);
            let result = match request.refuses(position, count) {
                true => {
                    Err(SnsError::Broken("injected: the service refused this entry".to_owned()))
                }
                false => self.publish(topic_name, &publication),
            };
            match result {
                Ok(sent) => {
                    let mut fields = vec![id, Element::text("MessageId", sent.id)];
                    let sequence_number = sent.sequence_number;
                    fields.extend(sequence_number.map(|n| Element::text("SequenceNumber", n)));
                    successful.push(Element::Parent("member", fields));
                }
                Err(error) => {
                    let (code, status) = error.code();
                    let fields = vec![
                        id,
                        Element::text("Code", code),
                        Element::text("Message", error.to_string()),
                        Element::text("SenderFault", (status < 500).to_string()),
                    ];
                    failed.push(Element::Parent("member", fields));
                }
            }
        }
        Ok(vec![Element::Parent("Successful", successful), Element::Parent("Failed", failed)])
    }
}

/// Checks the ids of a batch's entries (API reference, PublishBatch, "Errors").
fn check_ids<'a>(ids: impl ExactSizeIterator<Item = &'a str>) -> Result<(), SnsError> {
    if ids.len() == 0 {
        return Err(SnsError::EmptyBatch);
    }
    if ids.len() > MAX_ENTRIES {
        return Err(SnsError::TooManyEntries);
    }
    let mut seen = BTreeSet::new();
    for id in ids {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if id.is_empty() || id.len() > 80 || !id.bytes().all(good) {
            return Err(SnsError::BadEntryId);
        }
        if !seen.insert(id) {
            return Err(SnsError::RepeatedId);
        }
    }
    Ok(())
}

fn topic(form: &Form) -> Result<&str, SnsError> {
    form.need("TopicArn").map(name_of)
}

fn publication(form: &Form, prefix: &str, copies: usize) -> Result<Publication, SnsError> {
    let field = |name: &str| form.get(&format!("{prefix}{name}")).map(str::to_owned);
    Ok(Publication {
        message: form.need(&format!("{prefix}Message"))?.to_owned(),
        subject: field("Subject"),
        attributes: form.message_attributes(prefix),
        group: field("MessageGroupId"),
        deduplication: field("MessageDeduplicationId"),
        copies,
    })
}

fn entries(attributes: BTreeMap<String, String>) -> Element {
    let entry = |(key, value): (String, String)| {
        Element::Parent("entry", vec![Element::Text("key", key), Element::Text("value", value)])
    };
    Element::Parent("Attributes", attributes.into_iter().map(entry).collect())
}
