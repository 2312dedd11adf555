//! Tables, queues, topics, subscriptions and mappings, as the module tables declare them.

use std::collections::BTreeMap;

use runtime::module::Listening;
use runtime::wiring::{self, Feed, Lane, Topic};
use runtime::{Module, Row, Trigger, access, rate};
use serde_json::json;
use store::{Index, PLATFORM_TABLES, SortType, Table};

use super::BootError;
use super::settings::{PREFIX, archive_bucket, events_fifo_topic, events_topic};
use crate::Cloud;
use crate::aws::dynamodb::{IndexSpec, KeyType, Projection, TableSpec};
use crate::aws::sqs;
use crate::mapping::{Mappings, QueueMapping, StreamMapping};

/// Makes everything the modules declare, or brings it up to date. Repeatable; what is no longer
/// declared stays, except subscriptions, which would fill queues nobody empties.
pub(crate) fn ensure(modules: &[Module], cloud: &Cloud) -> Result<(), BootError> {
    for table in tables(modules) {
        cloud.tables().ensure(&spec(&table))?;
    }
    let lanes: Vec<Lane> = lanes(modules)?.into_iter().map(|(_, lane)| lane).collect();
    for lane in &lanes {
        ensure_queues(cloud, &QueuePair::of_lane(lane))?;
    }
    for row in rows(modules).filter(|row| matches!(row.trigger, Trigger::Job)) {
        ensure_queues(cloud, &QueuePair::of_job(row))?;
    }
    for (topic, name) in [(Topic::Standard, events_topic()), (Topic::Fifo, events_fifo_topic())] {
        let lanes: Vec<&Lane> = lanes.iter().filter(|lane| lane.topic == topic).collect();
        ensure_topic(cloud, topic, &name, &lanes)
            .map_err(|error| BootError::Topic { topic: name, error })?;
    }
    cloud.objects().ensure(&archive_bucket());
    Ok(())
}

/// Maps every listener's queue and every stream to its function; they start at once.
pub(crate) fn map(modules: &[Module], mappings: &Mappings) -> Result<(), BootError> {
    let size = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    for (id, lane) in lanes(modules)? {
        mappings.map_queue(QueueMapping {
            queue: format!("{PREFIX}{}", lane.queue),
            function: id.to_owned(),
            batch_size: size(lane.batch),
            maximum_concurrency: size(lane.max_concurrency),
            partial_failures: true,
        })?;
    }
    for row in rows(modules).filter(|row| matches!(row.trigger, Trigger::Job)) {
        mappings.map_queue(QueueMapping {
            queue: format!("{PREFIX}{}", wiring::resource_name(row.id)),
            function: row.id.to_owned(),
            batch_size: size(wiring::job_batch(row)),
            maximum_concurrency: size(wiring::JOB_CONCURRENCY),
            partial_failures: true,
        })?;
    }
    for row in rows(modules) {
        let Trigger::Stream { table, births } = &row.trigger else { continue };
        let feed = Feed::of(*births);
        mappings.map_stream(StreamMapping {
            table: physical(table),
            function: row.id.to_owned(),
            batch_size: size(feed.batch),
            parallelization: size(feed.parallel),
            filter: serde_json::from_str(births.pattern()).ok(),
            retries: feed.retries,
            max_age_ms: i64::from(feed.max_age_s) * 1000,
            bisect: feed.bisect,
            partial_failures: true,
        })?;
    }
    Ok(())
}

fn rows(modules: &[Module]) -> impl Iterator<Item = &Row> {
    modules.iter().flat_map(|module| &module.rows)
}

/// (function id, lane) of every listener.
fn lanes(modules: &[Module]) -> Result<Vec<(&'static str, Lane)>, BootError> {
    let mut lanes = Vec::new();
    for module in modules {
        for row in &module.rows {
            lanes.extend(Lane::of(module, row)?.map(|lane| (row.id, lane)));
        }
    }
    Ok(lanes)
}

/// The platform's tables and the modules' own, each once; the fuller of two declarations counts.
fn tables(modules: &[Module]) -> Vec<Table> {
    let shared = [access::CLIENT, access::ROLE, rate::CELLS];
    let owned = modules.iter().flat_map(|module| &module.tables);
    let mut tables: Vec<Table> = Vec::new();
    for table in owned.chain(PLATFORM_TABLES).chain(&shared) {
        if !tables.contains(table) {
            tables.push(*table);
        }
    }
    tables
}

fn physical(table: &Table) -> String {
    format!("{PREFIX}{}", table.name())
}

fn spec(declared: &Table) -> TableSpec {
    TableSpec {
        indexes: declared.all_indexes().iter().map(index).collect(),
        ttl_attribute: declared.expiry_attribute().map(str::to_owned),
        stream: declared.has_stream(),
        ..TableSpec::named(physical(declared))
    }
}

fn index(declared: &Index) -> IndexSpec {
    let kind = match declared.sort_type() {
        SortType::Text => KeyType::Text,
        SortType::Number => KeyType::Number,
    };
    IndexSpec {
        name: declared.name().to_owned(),
        partition_key: declared.partition().to_owned(),
        sort_key: Some((declared.sort().to_owned(), kind)),
        projection: match declared.projection() {
            store::Projection::All => Projection::All,
            store::Projection::Keys => Projection::KeysOnly,
            store::Projection::Keep(names) => {
                Projection::Include(names.iter().map(|name| (*name).to_owned()).collect())
            }
        },
    }
}

/// A queue and its dead-letter queue, as they are made.
struct QueuePair {
    queue: String,
    dead_letter_queue: String,
    topic: Topic,
    visibility_s: u32,
    delay_s: u32,
    max_receives: u32,
}

impl QueuePair {
    fn of_lane(lane: &Lane) -> Self {
        Self {
            queue: lane.queue.clone(),
            dead_letter_queue: lane.dead_letter_queue.clone(),
            topic: lane.topic,
            visibility_s: lane.visibility_s,
            delay_s: lane.delay_s,
            max_receives: lane.max_receives,
        }
    }

    fn of_job(row: &Row) -> Self {
        let (queue, dead_letter_queue) = wiring::queue_names(row.id, Topic::Standard);
        Self {
            queue,
            dead_letter_queue,
            topic: Topic::Standard,
            visibility_s: Listening::visibility_s(row.timeout_s),
            delay_s: 0,
            max_receives: wiring::JOB_RECEIVES,
        }
    }
}

fn ensure_queues(cloud: &Cloud, pair: &QueuePair) -> Result<(), BootError> {
    let queue = format!("{PREFIX}{}", pair.queue);
    let dead = format!("{PREFIX}{}", pair.dead_letter_queue);
    let mut common = vec![("MessageRetentionPeriod", wiring::RETENTION_S.to_string())];
    if pair.topic == Topic::Fifo {
        common.push(("FifoQueue", "true".to_owned()));
        common.push(("DeduplicationScope", "messageGroup".to_owned()));
        common.push(("FifoThroughputLimit", "perMessageGroupId".to_owned()));
    }
    let redrive = json!({
        "deadLetterTargetArn": sqs::queue_arn(&dead),
        "maxReceiveCount": pair.max_receives,
    });
    let own = [
        ("VisibilityTimeout", pair.visibility_s.to_string()),
        ("DelaySeconds", pair.delay_s.to_string()),
        ("RedrivePolicy", redrive.to_string()),
    ];
    let failed = |queue: &str| {
        let queue = queue.to_owned();
        |error| BootError::Queue { queue, error }
    };
    cloud.queues().ensure(&dead, common.clone()).map_err(failed(&dead))?;
    cloud.queues().ensure(&queue, common.into_iter().chain(own)).map_err(failed(&queue))
}

fn ensure_topic(
    cloud: &Cloud,
    kind: Topic,
    name: &str,
    lanes: &[&Lane],
) -> Result<(), crate::aws::sns::SnsError> {
    let attributes = match kind {
        Topic::Standard => BTreeMap::new(),
        Topic::Fifo => BTreeMap::from([
            ("FifoTopic".to_owned(), "true".to_owned()),
            ("ContentBasedDeduplication".to_owned(), "false".to_owned()),
            ("FifoThroughputScope".to_owned(), "MessageGroup".to_owned()),
        ]),
    };
    let topics = cloud.topics();
    topics.create(name, attributes)?;
    for old in topics.subscriptions(name)? {
        // Those that were made by hand, for other queues, are none of ours.
        let Some(queue) = old.queue.strip_prefix(PREFIX) else { continue };
        if !lanes.iter().any(|lane| lane.queue == queue) {
            topics.unsubscribe(&old.arn)?;
        }
    }
    for lane in lanes {
        let attributes = [
            ("RawMessageDelivery", "true".to_owned()),
            ("FilterPolicyScope", "MessageAttributes".to_owned()),
            ("FilterPolicy", lane.filter.to_string()),
        ];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value)).into();
        let queue = sqs::queue_arn(&format!("{PREFIX}{}", lane.queue));
        topics.subscribe(name, &queue, attributes)?;
    }
    Ok(())
}
