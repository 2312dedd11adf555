//! Subscriptions: a topic, a queue, and how messages get from one to the other (SNS API reference,
//! Subscribe, SetSubscriptionAttributes).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::filter::{FilterPolicy, Scope};
use super::{
    MAX_FIFO_SUBSCRIPTIONS, MAX_FILTER_POLICIES, SUBSCRIPTION, SnsError, State, Topics, topic_arn,
};
use crate::aws::sqs;
use crate::state::Change;

/// A subscription as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionView {
    /// The subscription's ARN.
    pub arn: String,
    /// Name of the queue.
    pub queue: String,
    /// Attributes as set.
    pub attributes: BTreeMap<String, String>,
}

/// A subscription as the state file has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct StoredSubscription {
    pub queue: String,
    pub attributes: BTreeMap<String, String>,
}

pub(super) struct Subscription {
    pub stored: StoredSubscription,
    pub filter: Option<FilterPolicy>,
}

impl Topics {
    /// Subscribes a queue; the same topic and queue give the same subscription, with the attributes
    /// replaced. Attributes: `RawMessageDelivery`, `FilterPolicy`, `FilterPolicyScope`,
    /// `RedrivePolicy`. Returns the subscription's ARN.
    pub fn subscribe(
        &self,
        topic_name: &str,
        queue_arn: &str,
        attributes: BTreeMap<String, String>,
    ) -> Result<String, SnsError> {
        let queue = sqs::queue_name(queue_arn).to_owned();
        let queue_is_fifo = self.inner.queues.is_fifo(&queue);
        let queue_is_fifo = queue_is_fifo.ok_or_else(|| {
            SnsError::Invalid(format!("Invalid parameter: Endpoint: no queue {queue}"))
        })?;
        let mut state = self.state();
        let topic = state.topic(topic_name)?;
        if queue_is_fifo && !topic.is_fifo() {
            let reason = "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues \
                          can not be subscribed to standard SNS topics";
            return Err(SnsError::Invalid(reason.to_owned()));
        }
        let arn = format!("{}:{queue}", topic_arn(topic_name));
        let known = topic.subscriptions.contains_key(&arn);
        if topic.is_fifo() && !known && topic.subscriptions.len() >= MAX_FIFO_SUBSCRIPTIONS {
            return Err(SnsError::SubscriptionLimit);
        }
        let stored = StoredSubscription { queue, attributes };
        self.keep_subscription(&mut state, topic_name, &arn, stored)?;
        Ok(arn)
    }

    /// Changes one attribute of a subscription; an empty value removes it.
    pub(super) fn set_subscription_attribute(
        &self,
        arn: &str,
        attribute: &str,
        value: &str,
    ) -> Result<(), SnsError> {
        let mut state = self.state();
        let (topic_name, mut stored) = state.subscription(arn)?;
        if value.is_empty() {
            stored.attributes.remove(attribute);
        } else {
            stored.attributes.insert(attribute.to_owned(), value.to_owned());
        }
        self.keep_subscription(&mut state, &topic_name, arn, stored)
    }

    fn keep_subscription(
        &self,
        state: &mut State,
        topic_name: &str,
        arn: &str,
        stored: StoredSubscription,
    ) -> Result<(), SnsError> {
        let subscription = Subscription::new(stored)?;
        let topic = state.topic(topic_name)?;
        let filtered = topic
            .subscriptions
            .iter()
            .filter(|(other, subscription)| *other != arn && subscription.filter.is_some())
            .count();
        if subscription.filter.is_some() && filtered >= MAX_FILTER_POLICIES {
            return Err(SnsError::FilterPolicyLimit);
        }
        let change = Change::put(SUBSCRIPTION, topic_name, arn, &subscription.stored);
        self.inner.store.apply(&[change])?;
        topic.subscriptions.insert(arn.to_owned(), subscription);
        Ok(())
    }

    /// Removes a subscription; removing it again is harmless.
    pub fn unsubscribe(&self, arn: &str) -> Result<(), SnsError> {
        let mut state = self.state();
        let Ok((topic_name, _)) = state.subscription(arn) else { return Ok(()) };
        self.inner.store.apply(&[Change::delete(SUBSCRIPTION, &topic_name, arn)])?;
        state.topic(&topic_name)?.subscriptions.remove(arn);
        Ok(())
    }

    /// A topic's subscriptions, sorted by ARN.
    pub fn subscriptions(&self, topic_name: &str) -> Result<Vec<SubscriptionView>, SnsError> {
        let mut state = self.state();
        let topic = state.topic(topic_name)?;
        let view = |(arn, subscription): (&String, &Subscription)| SubscriptionView {
            arn: arn.clone(),
            queue: subscription.stored.queue.clone(),
            attributes: subscription.stored.attributes.clone(),
        };
        Ok(topic.subscriptions.iter().map(view).collect())
    }
}

impl Subscription {
    /// Checks the attributes of a subscription.
    pub fn new(stored: StoredSubscription) -> Result<Self, SnsError> {
        let invalid = |reason: String| {
            SnsError::Invalid(format!("Invalid parameter: Attributes Reason: {reason}"))
        };
        for (attribute, value) in &stored.attributes {
            match (attribute.as_str(), value.as_str()) {
                ("RawMessageDelivery", "true" | "false")
                | ("FilterPolicyScope", "MessageAttributes" | "MessageBody")
                | ("FilterPolicy", _) => {}
                ("RedrivePolicy", policy) if dead_letter_queue(policy).is_some() => {}
                _ => return Err(invalid(format!("{attribute}: {value} is not offered"))),
            }
        }
        let scope = match stored.attributes.get("FilterPolicyScope").map(String::as_str) {
            Some("MessageBody") => Scope::Body,
            Some(_) | None => Scope::Attributes,
        };
        let filter = stored.attributes.get("FilterPolicy");
        let filter = filter
            .map(|policy| FilterPolicy::parse(policy, scope))
            .transpose()
            .map_err(|wrong| invalid(format!("FilterPolicy: {wrong}")))?;
        Ok(Self { stored, filter })
    }

    pub fn is_raw(&self) -> bool {
        self.stored.attributes.get("RawMessageDelivery").is_some_and(|value| value == "true")
    }

    /// The queue for messages that cannot be delivered.
    pub fn dead_letter_queue(&self) -> Option<String> {
        dead_letter_queue(self.stored.attributes.get("RedrivePolicy")?)
    }
}

fn dead_letter_queue(policy: &str) -> Option<String> {
    let policy: serde_json::Value = serde_json::from_str(policy).ok()?;
    let arn = policy.get("deadLetterTargetArn")?.as_str()?;
    Some(sqs::queue_name(arn).to_owned())
}
