//! Alarms over what modules share: tables and their indexes, topics, and the queue of what could not be
//! handed over. The root stack has them in its template, word for word.

use serde_json::{Value, json};
use store::Table;

use super::kind::{DELIVERY, THROTTLED, UNDELIVERED};
use super::metric::{Alarm, Class, METRICS_MAX, dimension, metric, sum};
use crate::template::Resources;
use crate::template::intrinsic::{attribute, filled, reference};
use crate::template::table::logical_name;

/// The alarms of the root stack: throttles of its tables, deliveries of its topics, what neither the
/// scheduler nor a stream could hand over.
pub fn of_root(tables: &[Table]) -> Resources {
    let named = |name: &str| filled(format!("${{AWS::StackName}}-{name}"));
    let mut alarms = Resources::new();
    for (at, alarm) in throttles(tables) {
        let resource = alarm.resource(named(&format!("{}-{at}", THROTTLED.name)));
        alarms.insert(format!("ThrottledAlarm{at}"), resource);
    }
    alarms.insert("DeliveryAlarm".to_owned(), deliveries().resource(named(DELIVERY.name)));
    let undelivered = Alarm {
        kind: &UNDELIVERED,
        class: Class::Ticket,
        threshold: 0.0,
        minutes: (1, 1),
        queries: sum(vec![visible_messages("m1", attribute("UndeliveredQueue", "QueueName"))]),
    };
    alarms.insert("UndeliveredAlarm".to_owned(), undelivered.resource(named(UNDELIVERED.name)));
    alarms
}

/// Throttled requests of these tables and of every index of theirs, numbered from 1: as many alarms as
/// their metrics need.
pub fn throttles(tables: &[Table]) -> Vec<(usize, Alarm)> {
    let places = tables.iter().flat_map(|table| {
        let of_table = dimension("TableName", reference(&logical_name(table)));
        let of_index = |index: &store::Index| {
            json!([
                { "Name": "TableName", "Value": reference(&logical_name(table)) },
                { "Name": "GlobalSecondaryIndexName", "Value": index.name() },
            ])
        };
        let indexes: Vec<Value> = table.all_indexes().iter().map(of_index).collect();
        std::iter::once(of_table).chain(indexes)
    });
    let kinds = ["ReadThrottleEvents", "WriteThrottleEvents"];
    let metrics: Vec<(&str, Value)> =
        places.flat_map(|place| kinds.map(|kind| (kind, place.clone()))).collect();
    let alarm = |(at, metrics): (usize, &[(&str, Value)])| {
        let one = |(at, (name, place)): (usize, &(&str, Value))| {
            let id = format!("m{}", at + 1);
            metric(&id, json!("AWS/DynamoDB"), name, "Sum", place.clone())
        };
        let alarm = Alarm {
            kind: &THROTTLED,
            class: Class::Ticket,
            threshold: 0.0,
            minutes: (5, 5),
            queries: sum(metrics.iter().enumerate().map(one).collect()),
        };
        (at + 1, alarm)
    };
    metrics.chunks(METRICS_MAX).enumerate().map(alarm).collect()
}

/// What a topic could not hand over, whether or not it reached the queue for that.
fn deliveries() -> Alarm {
    let names = ["NumberOfNotificationsFailed", "NumberOfNotificationsFailedToRedriveToDlq"];
    let topics = ["EventsTopic", "EventsFifoTopic"];
    let places = topics.iter().flat_map(|topic| names.map(|name| (*topic, name)));
    let one = |(at, (topic, name)): (usize, (&str, &str))| {
        let of_topic = dimension("TopicName", attribute(topic, "TopicName"));
        metric(&format!("m{}", at + 1), json!("AWS/SNS"), name, "Sum", of_topic)
    };
    Alarm {
        kind: &DELIVERY,
        class: Class::Page,
        threshold: 0.0,
        minutes: (1, 1),
        queries: sum(places.enumerate().map(one).collect()),
    }
}

/// How many messages of a queue nobody is working on.
pub fn visible_messages(id: &str, queue: Value) -> Value {
    let of_queue = dimension("QueueName", queue);
    metric(id, json!("AWS/SQS"), "ApproximateNumberOfMessagesVisible", "Maximum", of_queue)
}

#[cfg(test)]
mod tests {
    use store::{INBOX, OUTBOX};

    use super::*;

    #[test]
    fn throttles_are_seen_of_every_table_and_of_every_index() {
        let alarms = throttles(&[OUTBOX, INBOX]);
        let queries: Vec<&Value> = alarms.iter().flat_map(|(_, alarm)| &alarm.queries).collect();
        let stats = queries.iter().filter(|one| one.get("MetricStat").is_some()).count();
        // Two tables with three indexes and one, each read and written.
        assert_eq!((stats, alarms.len()), (12, 2));
        let text = json!(queries).to_string();
        for name in ["OutboxTable", "InboxTable", "tenant_day", "due", "failed"] {
            assert!(text.contains(&format!("\"{name}\"")), "{name}");
        }
    }

    #[test]
    fn nothing_is_throttled_without_a_table() {
        assert!(throttles(&[]).is_empty());
    }
}
