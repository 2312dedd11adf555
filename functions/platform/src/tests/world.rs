//! What the tests share: the module, a shop that gives it work, and a look at every row.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contracts::{Call, Empty};
use events::{Event, Fact};
use kernel::cron::Recurrence;
use kernel::{EntityKind, EntityRef, Error, Timestamp};
use local::clock::VirtualClock;
use local::fault::Fault;
use local::harness::Told;
use local::{Harness, Options, seed};
use runtime::module::Cadence;
use runtime::module::{answer, collect, listen};
use runtime::schedule::{Misfire, Timer};
use runtime::{Commit, Ctx, Group, Module, Outcome, Received, Worker};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::schedule::{ScheduledEvent, TimerKey};
use store::{Change, Item, Key, Query, Stored, Table};

/// Noon of 1 June 2030, when every platform in memory starts.
pub const NOON: Timestamp = Timestamp::from_ms(1_906_545_600_000);
/// Where the counting listener leaves what it was given.
pub const TALLY: Table = Table::new("tally");
pub const COUNTER: &str = "shop.on_sold";

const REMINDED: Event<Word> = Event::new("shop.customer.reminded", EntityKind::Schedule);
const SOLD: Event<Word> = Event::new("shop.item.sold", EntityKind::Settings);
static ORDER: Call<Order, Empty> = Call::new("shop.order");

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Word {
    pub word: String,
}

impl Fact for Word {
    fn sample() -> Self {
        Self { word: "tea".to_owned() }
    }
}

/// What the shop is told to do in one transaction.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub enum Order {
    /// At so many seconds after noon.
    At {
        key: String,
        seconds: u64,
        word: String,
        precise: bool,
        replaces: bool,
    },
    Cron {
        key: String,
        cron: String,
        zone: String,
        misfire: Misfire,
    },
    Debounce {
        key: String,
        wait_s: u64,
        most_s: u64,
        word: String,
    },
    Cancel {
        key: String,
    },
    Sell {
        word: String,
    },
}

impl Order {
    pub fn at(key: &str, seconds: u64, word: &str) -> Self {
        let (key, word) = (key.to_owned(), word.to_owned());
        Self::At { key, seconds, word, precise: false, replaces: false }
    }

    pub fn precisely(key: &str, seconds: u64) -> Self {
        let (key, word) = (key.to_owned(), "precise".to_owned());
        Self::At { key, seconds, word, precise: true, replaces: false }
    }

    pub fn cancel(key: &str) -> Self {
        Self::Cancel { key: key.to_owned() }
    }

    pub fn debounce(key: &str, word: &str) -> Self {
        Self::Debounce { key: key.to_owned(), wait_s: 120, most_s: 300, word: word.to_owned() }
    }

    pub fn cron(key: &str, cron: &str, zone: &str, misfire: Misfire) -> Self {
        let (cron, zone) = (cron.to_owned(), zone.to_owned());
        Self::Cron { key: key.to_owned(), cron, zone, misfire }
    }
}

/// What the listener was given: the word, and when.
type Heard = Arc<Mutex<Vec<(String, Timestamp)>>>;

/// A batch as the counting listener left it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Tally {
    #[serde(flatten)]
    key: Key,
    pub words: Vec<String>,
}

impl Stored for Tally {
    const TABLE: Table = TALLY;

    fn key(&self) -> Key {
        self.key.clone()
    }
}

pub struct World {
    harness: Harness,
    heard: Heard,
    tolerant: Arc<AtomicBool>,
}

impl Deref for World {
    type Target = Harness;

    fn deref(&self) -> &Harness {
        &self.harness
    }
}

impl World {
    /// A platform at noon.
    pub async fn new() -> Self {
        Self::starting_at(NOON).await
    }

    /// A platform that starts at this instant.
    pub async fn starting_at(at: Timestamp) -> Self {
        let (heard, tolerant) = (Heard::default(), Arc::default());
        let modules = vec![crate::module(), shop(&heard, &tolerant)];
        let clock = VirtualClock::starting_at(at.ms());
        let options = Options { clock, ..Options::in_memory() };
        let harness = Harness::start(modules, options).await;
        Self { harness, heard, tolerant }
    }

    /// Orders at the shop; whether it heard that it was done.
    pub async fn try_order(&self, order: Order) -> bool {
        self.call(&ORDER, &order).await.is_ok()
    }

    pub async fn order(&self, order: Order) {
        assert!(self.try_order(order).await);
    }

    /// Sells these and lets everything settle.
    pub async fn sells(&self, words: &[&str]) {
        for word in words {
            self.order(Order::Sell { word: (*word).to_owned() }).await;
        }
        self.settle().await;
    }

    pub async fn pass_s(&self, seconds: u64) {
        self.pass(Duration::from_secs(seconds)).await;
    }

    pub async fn sweep(&self) {
        self.invoke("platform.on_due", json!({})).await.unwrap();
        self.settle().await;
    }

    /// What a single call can suffer without the function noticing, or noticing anything after.
    pub const SILENT: [Fault; 2] = [Fault::CrashAfter, Fault::ReplyLost];

    /// What the counting listener has given up: state, attempts and code.
    pub async fn given_up(&self) -> Vec<(String, i128, String)> {
        let dead = self.items(store::inbox::dead_of(COUNTER)).await;
        let mut given_up = Vec::new();
        for key in dead.iter().filter_map(Item::key) {
            let row = self.items(Query::table(store::INBOX, key.pk)).await.remove(0);
            let text = |name| row.text(name).unwrap().to_owned();
            let attempts = row.number("attempts").unwrap();
            given_up.push((text("state"), attempts, text("last_error_code")));
        }
        given_up
    }

    /// From now on the counting listener can take poison.
    pub fn takes_poison(&self) {
        self.tolerant.store(true, Ordering::SeqCst);
    }

    /// Words the listener was given, in order.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().iter().map(|(word, _)| word.clone()).collect()
    }

    /// When it was given them, in whole seconds after noon.
    pub fn heard_at_s(&self) -> Vec<u64> {
        self.heard.lock().unwrap().iter().map(|(_, at)| at.since(NOON).as_secs()).collect()
    }

    pub async fn timer(&self, key: &str) -> ScheduledEvent {
        let key = TimerKey::new(seed::DEMO_TENANT, true, "shop", key).key();
        self.row(&key).await.unwrap()
    }

    /// The times of a timer's events, in their sequence, which has no holes.
    pub async fn events(&self, key: &str) -> Vec<String> {
        let subject = EntityRef::new(EntityKind::Schedule, self.timer(key).await.id);
        let events = self.events_of(&subject).await;
        events.into_iter().map(|event| event.time.to_string()).collect()
    }

    /// The batches the counting listener has counted, in no order.
    pub async fn tallies(&self) -> Vec<Vec<String>> {
        let items = self.items(Query::table(TALLY, self.scope().partition("TALLY", ()))).await;
        items.iter().map(|item| item.read::<Tally>().unwrap().words).collect()
    }

    /// All the words it has counted, sorted.
    pub async fn counted(&self) -> Vec<String> {
        let mut words = self.tallies().await.concat();
        words.sort_unstable();
        words
    }

    /// The head of the counting listener's batches, and how many events wait.
    pub async fn collected(&self) -> (Item, usize) {
        let batches = self.scope().partition("COL", COUNTER);
        let mut rows = self.items(Query::table(store::PLATFORM, batches)).await;
        (rows.remove(0), rows.len())
    }
}

fn shop(heard: &Heard, tolerant: &Arc<AtomicBool>) -> Module {
    let (heard, tolerant) = (heard.clone(), tolerant.clone());
    let count = move |ctx, events| count(ctx, events, tolerant.load(Ordering::SeqCst));
    let hear = move |ctx: Ctx<Worker>, event: Received<Word>| {
        heard.lock().unwrap().push((event.data.word, ctx.now()));
        async { Ok(Outcome::Done) }
    };
    Module::new(
        "shop",
        Group::Engagement,
        "Gives work.",
        [
            answer(&ORDER, order).schedules([REMINDED.spec]).emits([SOLD.spec]),
            listen("shop.on_reminded", &REMINDED, hear),
            // Three at a time, four a run.
            collect(COUNTER, &SOLD, Cadence::Minutes(5), count)
                .writes([TALLY])
                .batch(4)
                .max_writes(87),
        ],
    )
    .owns([TALLY])
}

async fn order(ctx: Ctx<Worker>, order: Order) -> Result<Empty, Error> {
    let commit = Commit::new();
    let data = |word: &str| Word { word: word.to_owned() };
    let commit = match order {
        Order::At { key, seconds, word, precise, replaces } => {
            let due_at = NOON.plus(Duration::from_secs(seconds));
            let timer = Timer::at(key, due_at, &REMINDED, &data(&word));
            let timer = if precise { timer.precise() } else { timer };
            commit.scheduling(if replaces { timer.replacing() } else { timer })
        }
        Order::Cron { key, cron, zone, misfire } => {
            let times = Recurrence::parse(&cron, &zone).unwrap();
            commit.scheduling(
                Timer::recurring(key, times, &REMINDED, &data("run")).misfiring(misfire),
            )
        }
        Order::Debounce { key, wait_s, most_s, word } => {
            let (wait, most) = (Duration::from_secs(wait_s), Duration::from_secs(most_s));
            commit.scheduling(Timer::debounced(key, wait, most, &REMINDED, &data(&word)))
        }
        Order::Cancel { key } => commit.cancelling(key),
        Order::Sell { word } => {
            // A sequence nobody used: these events have no order.
            let sequence = u64::from_be_bytes(ctx.random()) >> 1;
            let shop = EntityRef::new(EntityKind::Settings, "shop");
            let shop = Told::before(&ctx.mode_scope(), shop, sequence);
            commit.save(&shop).announcing(&SOLD, &data(&word))
        }
    };
    ctx.apply(commit).await.map(|()| Empty {})
}

async fn count(
    ctx: Ctx<Worker>,
    events: Vec<Received<Word>>,
    tolerant: bool,
) -> Result<Outcome, Error> {
    let words: Vec<String> = events.into_iter().map(|event| event.data.word).collect();
    let has = |bad: &str| !tolerant && words.iter().any(|word| word == bad);
    if has("poison") {
        return Ok(Outcome::Retry("poison"));
    }
    if has("quicksand") {
        // The function ends at its timeout.
        std::future::pending::<()>().await;
    }
    if has("fog") {
        return Ok(Outcome::Wait { seconds: 60, code: "foggy" });
    }
    let name = u64::from_be_bytes(ctx.random()).to_string();
    let key = Key::new(ctx.mode_scope().partition("TALLY", ()), name);
    let mut change = Change::new();
    change.create(&Tally { key, words });
    ctx.apply(Commit::of(change)).await.map(|()| Outcome::Done)
}
