//! Stream to function: records in order per item, several lanes at once, retried, split, given up.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::activity::{Activity, InFlight};
use super::payload::failed_items;
use super::{Invoker, Pattern, StreamMapping};
use crate::Cloud;
use crate::aws::dynamodb::{StreamRecord, Tables};
use crate::clock::VirtualClock;
use crate::fault::{DeliveryFault, Faults};
use crate::state::{Change, Store};

/// Row kind of the state file: the last record handled, by table and function.
const CHECKPOINT: &str = "stream.checkpoint";

/// Records read at once.
const PAGE: usize = 1_000;

/// Records waiting in the lanes before reading pauses.
const MAX_WAITING: usize = 5_000;

/// A record that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discarded {
    /// The table.
    pub table: String,
    /// The function that did not handle it.
    pub function: String,
    /// Its position.
    pub sequence_number: String,
    /// `retries`, `age`, or `injected`.
    pub reason: &'static str,
}

pub(super) struct Reader {
    shared: Arc<Shared>,
    filter: Option<Pattern>,
    enabled: watch::Receiver<bool>,
    bell: watch::Receiver<u64>,
}

struct Shared {
    mapping: StreamMapping,
    tables: Tables,
    clock: VirtualClock,
    faults: Faults,
    store: Store,
    invoker: Arc<dyn Invoker>,
    activity: Arc<Activity>,
    discarded: Arc<Mutex<Vec<Discarded>>>,
    progress: Mutex<Progress>,
    /// Rings when a lane made room.
    room: watch::Sender<u64>,
}

struct Progress {
    /// The last record read.
    position: Option<String>,
    /// How often the bell had rung when everything was read.
    read_at_ring: Option<u64>,
    /// Records read and not yet behind the checkpoint, and whether each is done.
    open: BTreeMap<String, bool>,
    lanes: Vec<Lane>,
}

#[derive(Default)]
struct Lane {
    waiting: VecDeque<Waiting>,
    running: bool,
}

#[derive(Clone)]
struct Waiting {
    record: StreamRecord,
    written_at_ms: i64,
    /// Held until the record is behind us.
    _in_flight: Arc<InFlight>,
}

impl Reader {
    pub fn new(
        mapping: StreamMapping,
        filter: Option<Pattern>,
        cloud: &Cloud,
        invoker: Arc<dyn Invoker>,
        activity: Arc<Activity>,
        discarded: Arc<Mutex<Vec<Discarded>>>,
        enabled: watch::Receiver<bool>,
    ) -> Self {
        let store = cloud.store().clone();
        let checkpoints = store.load::<String>(CHECKPOINT).unwrap_or_default();
        let position = checkpoints
            .into_iter()
            .find(|(table, function, _)| *table == mapping.table && *function == mapping.function)
            .map(|(_, _, position)| position);
        let lanes = (0..mapping.parallelization).map(|_| Lane::default()).collect();
        let bell = cloud.tables().bell(&mapping.table);
        let progress = Progress { position, read_at_ring: None, open: BTreeMap::new(), lanes };
        let shared = Shared {
            tables: cloud.tables().clone(),
            clock: cloud.clock().clone(),
            faults: cloud.faults().clone(),
            store,
            invoker,
            activity,
            discarded,
            progress: Mutex::new(progress),
            room: watch::channel(0).0,
            mapping,
        };
        Self { shared: Arc::new(shared), filter, enabled, bell }
    }

    /// Whether everything written so far was read; what was read counts as in flight.
    pub fn idle_check(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let (shared, bell, enabled) =
            (self.shared.clone(), self.bell.clone(), self.enabled.clone());
        move || !*enabled.borrow() || shared.progress().read_at_ring == Some(*bell.borrow())
    }

    /// Runs until the task is ended.
    pub async fn run(mut self) {
        let mut room = self.shared.room.subscribe();
        loop {
            let ring = *self.bell.borrow_and_update();
            room.mark_unchanged();
            if *self.enabled.borrow_and_update() && self.read_all() {
                self.shared.progress().read_at_ring = Some(ring);
            }
            self.shared.activity.changed();
            tokio::select! {
                biased;
                rung = self.bell.changed() => if rung.is_err() { return },
                switched = self.enabled.changed() => if switched.is_err() { return },
                _ = room.changed() => {}
            }
        }
    }

    /// Reads what is there into the lanes; `false` when it had to stop for lack of room.
    fn read_all(&self) -> bool {
        loop {
            let position = {
                let progress = self.shared.progress();
                if progress.open.len() >= MAX_WAITING {
                    return false;
                }
                progress.position.clone()
            };
            let table = &self.shared.mapping.table;
            let records = self.shared.tables.stream_after(table, position.as_deref(), PAGE);
            // A stream that cannot be read now is read at the next ring.
            let Ok(records) = records else { return true };
            if records.is_empty() {
                return true;
            }
            for record in records {
                self.accept(record);
            }
            self.shared.advance();
        }
    }

    fn accept(&self, record: StreamRecord) {
        let wanted = self.filter.as_ref().is_none_or(|filter| filter.matches(&record.event));
        let mut progress = self.shared.progress();
        progress.position = Some(record.sequence_number.clone());
        progress.open.insert(record.sequence_number.clone(), !wanted);
        if !wanted {
            return;
        }
        let lane = lane_of(&record.keys, progress.lanes.len());
        let waiting = Waiting {
            written_at_ms: written_at_ms(&record.event),
            record,
            _in_flight: Arc::new(self.shared.activity.begin()),
        };
        if let Some(slot) = progress.lanes.get_mut(lane) {
            slot.waiting.push_back(waiting);
            if !slot.running {
                slot.running = true;
                tokio::spawn(run_lane(self.shared.clone(), lane));
            }
        }
    }
}

/// When the record's write happened, to the second (DynamoDB Streams API reference, StreamRecord).
fn written_at_ms(event: &Value) -> i64 {
    let seconds = event.pointer("/dynamodb/ApproximateCreationDateTime").and_then(Value::as_f64);
    seconds.map_or(i64::MAX, |seconds| seconds as i64 * 1000)
}

/// Records of one item share a lane, hence their order.
fn lane_of(keys: &Value, lanes: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    let mut members: Vec<_> = keys.as_object().into_iter().flatten().collect();
    members.sort_by_key(|(name, _)| *name);
    for (name, value) in members {
        (name, value.to_string()).hash(&mut hasher);
    }
    let lanes = u64::try_from(lanes).unwrap_or(1).max(1);
    usize::try_from(hasher.finish() % lanes).unwrap_or(0)
}

/// Works off one lane batch by batch until it is empty.
async fn run_lane(shared: Arc<Shared>, lane: usize) {
    loop {
        let batch: Vec<Waiting> = {
            let mut progress = shared.progress();
            let Some(slot) = progress.lanes.get_mut(lane) else { return };
            let count = slot.waiting.len().min(shared.mapping.batch_size);
            if count == 0 {
                slot.running = false;
                return;
            }
            slot.waiting.drain(..count).collect()
        };
        shared.handle(batch.clone()).await;
        {
            let mut progress = shared.progress();
            for waiting in &batch {
                progress.open.insert(waiting.record.sequence_number.clone(), true);
            }
        }
        shared.advance();
        shared.room.send_modify(|rooms| *rooms = rooms.wrapping_add(1));
    }
}

impl Shared {
    /// Brings a batch to an end: handled, or given up after retries or age. Splitting does not use
    /// up retries (Lambda Developer Guide, "Using Lambda with DynamoDB Streams", error handling).
    async fn handle(&self, batch: Vec<Waiting>) {
        match self.faults.next_delivery(&self.mapping.function) {
            Some(DeliveryFault::Lost) => return self.discard(&batch, "injected"),
            Some(DeliveryFault::Late(delay_ms)) => {
                tokio::time::sleep(Duration::from_millis(delay_ms)).await;
            }
            Some(DeliveryFault::Twice) => {
                self.invoke(&batch).await;
            }
            Some(DeliveryFault::EarlyVisibility | DeliveryFault::Reordered) | None => {}
        }
        // A stack of parts still to do, the earliest on top.
        let mut parts = vec![(batch, 0)];
        while let Some((part, attempt)) = parts.pop() {
            let part = self.young_enough(part);
            if part.is_empty() {
                continue;
            }
            let Some(failed_from) = self.invoke(&part).await else { continue };
            let rest = part.get(failed_from..).unwrap_or_default().to_vec();
            if failed_from > 0 {
                parts.push((rest, attempt));
            } else if self.mapping.bisect && rest.len() > 1 {
                let (first, second) = rest.split_at(rest.len() / 2);
                parts.push((second.to_vec(), attempt));
                parts.push((first.to_vec(), attempt));
            } else if attempt < self.mapping.retries {
                parts.push((rest, attempt + 1));
            } else {
                self.discard(&rest, "retries");
            }
        }
    }

    /// Invokes the function; returns the position of the first record it did not handle.
    async fn invoke(&self, part: &[Waiting]) -> Option<usize> {
        let records: Vec<&Value> = part.iter().map(|waiting| &waiting.record.event).collect();
        let event = json!({ "Records": records });
        match self.invoker.invoke(&self.mapping.function, event).await {
            Err(_) => Some(0),
            Ok(_) if !self.mapping.partial_failures => None,
            Ok(answer) => {
                let ids: Vec<&str> =
                    part.iter().map(|waiting| waiting.record.sequence_number.as_str()).collect();
                failed_items(&answer, &ids).into_iter().min()
            }
        }
    }

    fn young_enough(&self, part: Vec<Waiting>) -> Vec<Waiting> {
        let oldest_ms = self.clock.now_ms().saturating_sub(self.mapping.max_age_ms);
        let (young, old): (Vec<_>, Vec<_>) =
            part.into_iter().partition(|waiting| waiting.written_at_ms >= oldest_ms);
        self.discard(&old, "age");
        young
    }

    fn discard(&self, records: &[Waiting], reason: &'static str) {
        let mut discarded = self.discarded.lock().unwrap_or_else(PoisonError::into_inner);
        discarded.extend(records.iter().map(|waiting| Discarded {
            table: self.mapping.table.clone(),
            function: self.mapping.function.clone(),
            sequence_number: waiting.record.sequence_number.clone(),
            reason,
        }));
    }

    /// Moves the checkpoint behind the last record before which everything is done.
    fn advance(&self) {
        let mut progress = self.progress();
        let mut done_through = None;
        while let Some(first) = progress.open.first_entry() {
            if !*first.get() {
                break;
            }
            done_through = Some(first.remove_entry().0);
        }
        if let Some(position) = done_through {
            let (table, function) = (&self.mapping.table, &self.mapping.function);
            let change = Change::put(CHECKPOINT, table, function, &position);
            // A lost checkpoint repeats records after a restart; functions are safe to run twice.
            let _ = self.store.apply(&[change]);
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
