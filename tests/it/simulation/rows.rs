//! Everything stored, read past the product: only a test may scan.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use events::Envelope;
use local::Platform;
use local::aws::sqs;
use serde::de::DeserializeOwned;
use store::inbox::InboxRow;
use store::outbox::{OutboxRow, Status};
use store::schedule::ScheduledEvent;
use store::{INBOX, Item, OUTBOX, PLATFORM, Table};

use super::world::WORLD;
use super::world::thing::{Notes, Thing};

/// Queues that hear all there is on each topic and that nobody empties.
const HEARD: [(&str, &str); 2] =
    [("talaria-local-events", "heard-standard"), ("talaria-local-events.fifo", "heard-fifo.fifo")];

/// What is stored at one moment.
#[derive(Default)]
pub struct Rows {
    pub things: Vec<Thing>,
    pub notes: Vec<Notes>,
    /// Partition keys of counted events, once per event.
    pub tallies: Vec<String>,
    pub outbox: Vec<OutboxRow>,
    /// How often each event was handled among many, by aggregate and number.
    pub digested: BTreeMap<(String, u64), i128>,
    /// How often something was asked of a timer, by the partition key of the count.
    pub asked: BTreeMap<String, i128>,
    pub timers: Vec<ScheduledEvent>,
    /// By listener, event and part; the part is empty for the first delivery.
    pub inbox: BTreeMap<(String, String, String), InboxRow>,
    /// Published events in their order, on the standard and on the FIFO topic.
    pub heard: [Vec<Envelope>; 2],
    /// Messages in dead-letter queues: (queue, event, whether it names its cause).
    pub dead: Vec<(String, String, bool)>,
}

impl Rows {
    /// The numbers a listener noted of an entity of the first tenant, in the order of its transactions.
    pub fn noted(&self, listener: &str, entity: &str) -> Vec<u64> {
        let mut own =
            self.notes.iter().filter(|one| one.listener == listener && one.subject.id() == entity);
        own.next().map(|one| one.noted.clone()).unwrap_or_default()
    }

    /// The rows of the events of an entity, in sequence.
    pub fn events(&self, entity: &str) -> Vec<&OutboxRow> {
        self.outbox.iter().filter(|row| row.subject.id() == entity).collect()
    }

    /// What a listener's inbox says of the n-th event of an entity.
    pub fn inbox_of(&self, listener: &str, entity: &str, nth: u64) -> Option<&InboxRow> {
        let row = self.events(entity).into_iter().find(|row| row.sequence == nth)?;
        let key = (listener.to_owned(), row.event_id.to_string(), String::new());
        self.inbox.get(&key)
    }
}

/// Reads a platform's tables and queues.
#[derive(Clone)]
pub struct Client {
    platform: Platform,
    dynamodb: aws_sdk_dynamodb::Client,
}

impl Client {
    pub fn of(platform: &Platform) -> Self {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("local"))
            .credentials_provider(Credentials::new("local", "local", None, None, "test"))
            .http_client(platform.cloud().http_client())
            .build();
        let dynamodb = aws_sdk_dynamodb::Client::from_conf(config);
        Self { platform: platform.clone(), dynamodb }
    }

    /// Lets a queue of ours hear every publication.
    pub fn eavesdrop(&self) {
        for (topic, queue) in HEARD {
            let fifo = queue.ends_with(".fifo").then(|| ("FifoQueue", "true".to_owned()));
            let cloud = self.platform.cloud();
            cloud.queues().ensure(queue, fifo).expect("a queue");
            let raw = [("RawMessageDelivery".to_owned(), "true".to_owned())];
            let queue = sqs::queue_arn(queue);
            cloud.topics().subscribe(topic, &queue, raw.into()).expect("a subscription");
        }
    }

    /// When the next row is due that waits for a sweep: of the outbox, and of the platform's timers.
    pub async fn next_due_ms(&self) -> [Option<i64>; 2] {
        let due = |items: Vec<Item>| {
            let due = items.iter().filter_map(|item| {
                item.text("due_pk")?;
                item.number("due_at_ms")
            });
            due.min().and_then(|due| i64::try_from(due).ok())
        };
        [due(self.scan(&OUTBOX).await), due(self.scan(&PLATFORM).await)]
    }

    /// Addresses of events that were published, oldest first.
    pub async fn sent(&self) -> Vec<String> {
        let mut sent: Vec<(u128, String)> = Vec::new();
        for item in self.scan(&OUTBOX).await {
            let row: OutboxRow = read(item);
            if row.status == Status::Sent && row.kind.starts_with("world.") {
                let at = u128::try_from(row.created_at.ms()).unwrap_or(0);
                sent.push((at, format!("{}/{}", row.partitionkey, row.sequence)));
            }
        }
        sent.sort_unstable();
        sent.into_iter().map(|(_, address)| address).collect()
    }

    /// Everything.
    pub async fn read(&self) -> Rows {
        let mut rows = Rows::default();
        for item in self.scan(&WORLD).await {
            match kind_of(&item) {
                "THING" => rows.things.push(read(item)),
                "NOTED" => rows.notes.push(read(item)),
                "TALLY" => rows.tallies.extend(item.text("pk").map(str::to_owned)),
                "DIGEST" => {
                    let number = item.text("sk").and_then(|sk| sk.parse().ok()).unwrap_or(0);
                    let times = item.number("n").unwrap_or(0);
                    rows.digested.insert((aggregate_of(&item), number), times);
                }
                "ASKED" => {
                    let pk = item.text("pk").unwrap_or_default().to_owned();
                    rows.asked.insert(pk, item.number("n").unwrap_or(0));
                }
                _ => {}
            }
        }
        rows.timers = self.timers().await;
        rows.outbox = self.scan(&OUTBOX).await.into_iter().map(read).collect();
        rows.outbox.sort_by_key(|row| (row.partitionkey.clone(), row.sequence));
        for item in self.scan(&INBOX).await.into_iter().filter(|item| kind_of(item) == "INB") {
            let parts: Vec<&str> = item.text("pk").unwrap_or_default().split('#').collect();
            let part = parts.get(6).copied().unwrap_or_default();
            let key = (parts[4].to_owned(), parts[5].to_owned(), part.to_owned());
            rows.inbox.insert(key, read(item));
        }
        for (heard, (_, queue)) in rows.heard.iter_mut().zip(HEARD) {
            let messages = self.platform.cloud().queues().peek(queue, usize::MAX);
            let messages = messages.expect("a queue").into_iter();
            *heard = messages.filter_map(|got| Envelope::parse(&got.body).ok()).collect();
        }
        rows.dead = self.dead();
        rows
    }

    /// Every timer there is.
    pub async fn timers(&self) -> Vec<ScheduledEvent> {
        let rows = self.scan(&PLATFORM).await.into_iter();
        rows.filter(|item| kind_of(item) == "SCH").map(read).collect()
    }

    fn dead(&self) -> Vec<(String, String, bool)> {
        let queues = self.platform.cloud().queues();
        let names = queues.names().into_iter().filter(|name| name.contains("-dlq"));
        let dead = |name: String| {
            let messages = queues.peek(&name, usize::MAX).expect("a queue").into_iter();
            messages.map(move |got| {
                let event = Envelope::parse(&got.body).map(|event| event.id.to_string());
                (name.clone(), event.unwrap_or_default(), got.attributes.contains_key("cause"))
            })
        };
        names.flat_map(dead).collect()
    }

    async fn scan(&self, table: &Table) -> Vec<Item> {
        let name = self.platform.ports().store.physical(table);
        let mut items: Vec<HashMap<String, AttributeValue>> = Vec::new();
        let mut from = None;
        loop {
            let page = self.dynamodb.scan().table_name(&name).set_exclusive_start_key(from);
            let page = page.send().await.expect("the table is readable");
            items.extend(page.items.unwrap_or_default());
            from = page.last_evaluated_key;
            if from.is_none() {
                return items.into_iter().map(Item::from).collect();
            }
        }
    }
}

fn kind_of(item: &Item) -> &str {
    item.text("pk").and_then(|pk| pk.split('#').nth(3)).unwrap_or_default()
}

/// `<tenant>/<l|t>/<entity type>/<entity id>`.
fn aggregate_of(item: &Item) -> String {
    let parts: Vec<&str> = item.text("pk").unwrap_or_default().split('#').collect();
    format!("{}/{}/{}/{}", parts[1], parts[2], parts[4], parts[5])
}

fn read<T: DeserializeOwned>(item: Item) -> T {
    item.decode().expect("a row of its kind")
}
