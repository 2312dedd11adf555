//! Lives a plan on a platform of its own: one thread, paused time, and the SDK's connector as the only
//! seam between what is tested and what is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use contracts::platform::{EventReplay, Only, ReplayStart};
use http::Request;
use kernel::Timestamp;
use local::connector::Call;
use local::{Options, Platform};
use serde::Serialize;
use serde_json::json;
use store::inbox::State;
use tokio::task::JoinSet;

use super::judge::backbone;
use super::operator;
use super::plan::{Ask, Plan, Step};
use super::rows::{Client, Rows};
use super::watch::Watch;
use super::world::{self, PlanTimer, TENANTS, TimerOrder, outside};

/// How often a client tries before it gives up, and how long it waits first.
const TRIES: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// How often the platform is looked at until it is at rest, and the most time that can pass between.
const LOOKS: usize = 300;
const SWEEP: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
/// Who carries what is due: outbox rows, and timers.
const SWEEPS: [&str; 2] = ["platform.relay_sweep", "platform.on_due"];

/// What a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    pub ask: Ask,
    /// The last answer's status.
    pub status: u16,
    pub tries: u32,
}

/// A plan and what became of it.
pub struct Life {
    pub plan: Plan,
    pub told: Vec<Told>,
    /// Every AWS call of a function.
    pub calls: Vec<Call>,
    /// How many of them were made before an operator repaired anything.
    pub played: usize,
    pub deliveries: u64,
    /// Everything stored when it came to rest.
    pub rows: Rows,
    /// The same once an operator has had everything handled again that was given up, in a world where
    /// everything works; nothing where nothing was given up.
    pub repaired: Option<Rows>,
    /// Whether it came to rest at all.
    pub rested: bool,
    /// What was asked of timers.
    pub watch: Watch,
    /// What an operator could not have handled again.
    pub refusals: Vec<String>,
    /// Accesses beyond a tenant.
    pub strays: Vec<String>,
    /// How much virtual time it took.
    pub span: Duration,
}

/// Lives this plan to its end and looks at what is left.
pub fn live(plan: &Plan) -> Life {
    on_stage(plan, async |stage| stage.play().await)
}

/// Does this with a platform at rest, in which the harms of a plan are in place and nothing was played.
pub fn on_stage<T>(plan: &Plan, act: impl AsyncFnOnce(Stage) -> T) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async { act(Stage::open(plan).await).await })
}

/// A platform with a plan.
pub struct Stage {
    pub platform: Platform,
    client: Client,
    plan: Plan,
    calls: Arc<Mutex<Vec<Call>>>,
    told: Arc<Mutex<Vec<Told>>>,
    /// What was asked of timers.
    watch: Arc<Mutex<Watch>>,
    busy: JoinSet<()>,
    refusals: Vec<String>,
    began_ms: i64,
}

impl Stage {
    /// A platform at rest, with the harms of a plan in place.
    pub async fn open(plan: &Plan) -> Self {
        outside::begin(&plan.fates);
        let options = Options::bare().seeded(plan.seed);
        let platform = Platform::start(world::modules(), options).await.expect("it starts");
        let client = Client::of(&platform);
        client.eavesdrop();
        let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
        let seen = calls.clone();
        let cloud = platform.cloud();
        cloud.observe(Arc::new(move |call| seen.lock().expect("one thread").push(call.clone())));
        cloud.faults().reset();
        for harm in &plan.harms {
            harm.inject(cloud.faults());
        }
        Self {
            client,
            plan: plan.clone(),
            calls,
            told: Arc::default(),
            watch: Arc::default(),
            busy: JoinSet::new(),
            refusals: Vec::new(),
            began_ms: platform.clock().now_ms(),
            platform,
        }
    }

    /// Plays every step, lets the faults stop, and waits for rest.
    pub async fn play(mut self) -> Life {
        for step in self.plan.steps.clone() {
            self.step(step).await;
        }
        let mut rested = self.come_to_rest().await;
        let rows = self.client.read().await;
        let mut repaired = None;
        let calls = self.calls.lock().expect("one thread").len();
        if rows.inbox.values().any(|row| row.state == State::Failed) {
            self.repair().await;
            rested &= self.come_to_rest().await;
            repaired = Some(self.client.read().await);
        }
        self.close(rows, repaired, rested, calls)
    }

    /// The world works again, and an operator has everything handled that was given up.
    pub async fn repair(&mut self) {
        outside::heal();
        for hearing in &backbone().listeners {
            let (listener, key) = (&hearing.listener, &format!("repair-{}", hearing.listener));
            if let Err(refusal) = operator::retry_dead(&self.platform, listener, key).await {
                self.refusals.push(format!("{listener}: {refusal}"));
            }
        }
    }

    /// Plays one step.
    pub async fn step(&mut self, step: Step) {
        match step {
            Step::Ask(asks) => asks.into_iter().for_each(|ask| self.ask(ask)),
            Step::Pass(span_ms) => tokio::time::sleep(Duration::from_millis(span_ms)).await,
            Step::Settle => self.platform.settle().await,
            Step::Tick => {
                let platform = self.platform.clone();
                self.busy.spawn(async move { platform.tick().await });
            }
            Step::Range { tenant, listener, only } => self.range(tenant, listener, only),
            Step::Jump(by_ms) => {
                self.platform.clock().advance(i64::try_from(by_ms).unwrap_or(0));
            }
            Step::Sweep => {
                let platform = self.platform.clone();
                self.busy.spawn(async move {
                    drop(platform.invoke("platform.on_due", json!({})).await);
                });
            }
            Step::Time { tenant, timer, order, key } => {
                self.time(PlanTimer { tenant, timer, order }, key);
            }
            Step::Replay { which, listener, force } => self.replay(which, listener, force).await,
            Step::Stream(on) => self.platform.mappings().enable("platform.relay_stream", on),
        }
    }

    /// Everything stored now.
    pub async fn rows(&self) -> Rows {
        self.client.read().await
    }

    /// The numbers of a function's calls of this operation, so far.
    pub fn calls_of(&self, function: &str, operation: &str) -> Vec<u64> {
        let calls = self.calls.lock().expect("one thread");
        let own = calls.iter().filter(|call| call.function == function);
        let wanted = (1..).zip(own).filter(|(_, call)| call.operation == operation);
        wanted.map(|(nth, _)| nth).collect()
    }

    /// Waits for every client that still asks, and for whatever can happen now.
    pub async fn answered(&mut self) {
        while self.busy.join_next().await.is_some() {}
        self.platform.settle().await;
    }

    /// What the last client was told.
    pub fn last_status(&self) -> u16 {
        self.told.lock().expect("one thread").last().map_or(0, |told| told.status)
    }

    fn range(&mut self, tenant: u8, listener: String, only: Only) {
        let now = Timestamp::from_ms(self.platform.clock().now_ms());
        let request = ReplayStart {
            listener,
            types: Vec::new(),
            from: now.minus(HOUR),
            to: now,
            tenant_id: TENANTS[usize::from(tenant) % TENANTS.len()],
            livemode: true,
            only,
            rate_per_s: 50,
        };
        let platform = self.platform.clone();
        self.busy.spawn(async move { drop(operator::range(&platform, &request).await) });
    }

    async fn replay(&mut self, which: u64, listener: Option<String>, force: bool) {
        let sent = self.client.sent().await;
        let which = usize::try_from(which).unwrap_or(0).checked_rem(sent.len());
        let Some(event) = which.and_then(|which| sent[which].parse().ok()) else { return };
        let platform = self.platform.clone();
        // An order that fails is the operator's to repeat; here nobody does.
        let replay = EventReplay { event, listener, force };
        self.busy.spawn(async move { drop(operator::replay(&platform, &replay).await) });
    }

    /// A client of its own asks, and asks again with the same key while it may have failed.
    fn ask(&mut self, ask: Ask) {
        let (platform, told) = (self.platform.clone(), self.told.clone());
        self.busy.spawn(async move {
            let (status, tries) = insist(&platform, ask.path(), &ask.body(), ask.key).await;
            told.lock().expect("one thread").push(Told { ask, status, tries });
        });
    }

    /// Asks something of a timer, and looks at once whether it was called off in time.
    fn time(&mut self, request: PlanTimer, key: u32) {
        let (platform, watch, client) =
            (self.platform.clone(), self.watch.clone(), self.client.clone());
        let name = (TENANTS[usize::from(request.tenant) % TENANTS.len()], request.timer);
        watch.lock().expect("one thread").asked(name, request.order);
        self.busy.spawn(async move {
            let (status, _) = insist(&platform, "/v1/world/timers", &request, key).await;
            let timers = client.timers().await;
            let mut watch = watch.lock().expect("one thread");
            watch.told(name, request.order, status < 300, &timers);
        });
    }

    /// Faults have stopped and every doorbell rings: within bounded steps nothing is left to do.
    pub async fn come_to_rest(&mut self) -> bool {
        while self.busy.join_next().await.is_some() {}
        self.platform.cloud().faults().stop();
        self.platform.mappings().enable("platform.relay_stream", true);
        self.stop_hourly().await;
        for _ in 0..LOOKS {
            self.platform.settle().await;
            let queued_ms = self.next_due_ms();
            let swept_ms = self.client.next_due_ms().await;
            let dues = queued_ms.into_iter().chain(swept_ms.into_iter().flatten());
            let Some(due_ms) = dues.min() else { return true };
            let now_ms = self.platform.clock().now_ms();
            // What is due and still there waits for the next sweep.
            let wait_ms = u64::try_from(due_ms - now_ms).unwrap_or(0);
            let wait = if wait_ms == 0 { SWEEP } else { Duration::from_millis(wait_ms) };
            tokio::time::sleep(wait).await;
            // Sweeps that would find nothing are left out.
            for (function, due_ms) in SWEEPS.into_iter().zip(swept_ms) {
                if due_ms.is_some_and(|due_ms| due_ms <= self.platform.clock().now_ms()) {
                    drop(self.platform.invoke(function, json!({})).await);
                }
            }
        }
        false
    }

    /// What rings for ever has to be called off, or there is no rest.
    async fn stop_hourly(&mut self) {
        for (at, timer) in self.client.timers().await.into_iter().enumerate() {
            let recurs = timer.plan.as_ref().is_some_and(|plan| plan.recurrence.is_some());
            let tenant = TENANTS.iter().position(|tenant| *tenant == timer.tenant_id);
            let (Some(tenant), true) = (tenant, recurs) else { continue };
            let name = timer.name.trim_start_matches('t').parse().unwrap_or(0);
            let tenant = u8::try_from(tenant).unwrap_or(0);
            let key = u32::MAX - u32::try_from(at).unwrap_or(0);
            self.time(PlanTimer { tenant, timer: name, order: TimerOrder::Cancel }, key);
        }
        while self.busy.join_next().await.is_some() {}
    }

    /// When the next hidden message of a living queue shows.
    fn next_due_ms(&self) -> Option<i64> {
        let queues = self.platform.cloud().queues();
        let names = queues.names().into_iter().filter(|name| !name.contains("-dlq"));
        names.filter_map(|name| queues.next_due_ms(&name)).min()
    }

    fn close(self, rows: Rows, repaired: Option<Rows>, rested: bool, played: usize) -> Life {
        let span_ms = self.platform.clock().now_ms() - self.began_ms;
        let strays = self.platform.cloud().violations().into_iter();
        Life {
            watch: std::mem::take(&mut self.watch.lock().expect("one thread")),
            rows,
            repaired,
            played,
            refusals: self.refusals,
            strays: strays.map(|stray| format!("{}: {}", stray.function, stray.reason)).collect(),
            deliveries: self.platform.cloud().faults().deliveries(),
            plan: self.plan,
            told: std::mem::take(&mut self.told.lock().expect("one thread")),
            calls: std::mem::take(&mut self.calls.lock().expect("one thread")),
            rested,
            span: Duration::from_millis(u64::try_from(span_ms).unwrap_or(0)),
        }
    }
}

/// Asks, and asks again with the same key while it may have failed: (last status, tries).
async fn insist(platform: &Platform, path: &str, body: &impl Serialize, key: u32) -> (u16, u32) {
    let body = serde_json::to_string(body).expect("a body");
    let (mut status, mut tries, mut pause) = (0, 0, FIRST_PAUSE);
    while tries < TRIES {
        tries += 1;
        let request = Request::post(path)
            .header("host", "127.0.0.1")
            .header("content-type", "application/json")
            .header("idempotency-key", format!("key-{key}"))
            .body(Bytes::from(body.clone()))
            .expect("a request");
        status = platform.request(request).await.status().as_u16();
        if status < 500 && status != 409 && status != 429 {
            break;
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    (status, tries)
}
