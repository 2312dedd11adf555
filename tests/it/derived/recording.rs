//! Every journey performed once in a process, on a platform of its own where time stands still until it is
//! moved: the same in every run. When it is over, what it set off is tried again.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock};

use local::Options;
use local::lambda::Invoked;

use super::{access, idempotency, listeners};
use crate::demo;
use crate::journeys::{ALL, Journey};
use crate::talaria::Talaria;

/// One journey, and what became of trying again what it did.
pub struct Performance {
    /// The module the journey is about.
    pub module: &'static str,
    /// Every invocation of the journey, in the order they ended.
    pub invoked: Vec<Invoked>,
    /// What a listener made of an event: by listener and event id, `done` or another word.
    outcomes: HashMap<(String, String), String>,
    /// The ids of requests whose handler ran again after a lost race.
    ran_again: HashSet<String>,
    pub repeats: Vec<idempotency::Repeat>,
    pub redeliveries: Vec<listeners::Redelivery>,
    pub trials: Vec<listeners::Trial>,
    pub visits: Vec<access::Visit>,
    pub strangers: Vec<access::Stranger>,
    /// Keys of another tenant that were reached for.
    pub violations: Vec<String>,
}

/// One for each journey, performed when it is asked for.
static RECORDED: [OnceLock<Result<Performance, String>>; ALL.len()] =
    [const { OnceLock::new() }; ALL.len()];

fn recorded(at: usize) -> &'static Result<Performance, String> {
    let (module, journey) = ALL[at];
    RECORDED[at].get_or_init(|| performing(module, journey).join().map_err(|panic| words(&*panic)))
}

/// The performance of this module's journey.
#[track_caller]
pub fn performed(module: &str) -> &'static Performance {
    let at = ALL.iter().position(|(known, _)| *known == module).expect("a listed journey");
    match recorded(at) {
        Ok(performance) => performance,
        Err(why) => panic!("the journey of {module} (tests/it/journeys/{module}.rs) fails: {why}"),
    }
}

/// All performances, given side by side.
#[track_caller]
pub fn all() -> Vec<&'static Performance> {
    std::thread::scope(|scope| {
        for at in 0..ALL.len() {
            scope.spawn(move || recorded(at));
        }
    });
    ALL.iter().map(|(module, _)| performed(module)).collect()
}

impl Performance {
    /// What a listener made of an event.
    pub fn outcome(&self, listener: &str, event: &str) -> Option<&str> {
        self.outcomes.get(&(listener.to_owned(), event.to_owned())).map(String::as_str)
    }

    /// Whether the handler of this request lost a race and ran again.
    pub fn ran_again(&self, request_id: &str) -> bool {
        self.ran_again.contains(request_id)
    }
}

fn performing(module: &'static str, journey: Journey) -> std::thread::JoinHandle<Performance> {
    let perform = move || {
        let executor = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("an executor");
        executor.block_on(perform(module, journey))
    };
    let thread = std::thread::Builder::new().name(format!("the journey of {module}"));
    thread.spawn(perform).expect("a thread")
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

async fn perform(module: &'static str, journey: Journey) -> Performance {
    let mut modules = catalog::modules();
    modules.push(demo::module());
    let talaria = Talaria::started(modules, Options::in_memory().archiving()).await;
    let seen: Arc<Mutex<Vec<Invoked>>> = Arc::default();
    let ended = seen.clone();
    talaria.functions().watch(Arc::new(move |invoked| {
        ended.lock().expect("one thread").push(invoked.clone());
    }));
    journey(&talaria).await;
    talaria.settle().await;
    let invoked = std::mem::take(&mut *seen.lock().expect("one thread"));
    let mut performance = Performance {
        module,
        outcomes: outcomes(&talaria),
        ran_again: ran_again(&talaria),
        invoked,
        repeats: Vec::new(),
        redeliveries: Vec::new(),
        trials: Vec::new(),
        visits: Vec::new(),
        strangers: Vec::new(),
        violations: Vec::new(),
    };
    // What may be done so often a minute may be done again.
    talaria.minutes_pass(2).await;
    performance.repeats = idempotency::repeat(&talaria, &performance).await;
    performance.redeliveries = listeners::deliver_again(&talaria, &performance).await;
    performance.trials = listeners::try_each(&talaria, &performance).await;
    (performance.visits, performance.strangers) = access::knock(&talaria, &performance).await;
    let violations = talaria.cloud().violations();
    performance.violations = violations.iter().map(|one| format!("{one:?}")).collect();
    performance
}

fn ran_again(talaria: &Talaria) -> HashSet<String> {
    let lines = talaria.lines().into_iter().filter(|line| line["reruns"].is_u64());
    lines.filter_map(|line| line["request_id"].as_str().map(str::to_owned)).collect()
}

fn outcomes(talaria: &Talaria) -> HashMap<(String, String), String> {
    let mut outcomes = HashMap::new();
    for line in talaria.lines() {
        let text = |name: &str| line[name].as_str().map(str::to_owned);
        let names = text("listener").zip(text("event_id")).zip(text("outcome"));
        let Some(((listener, event), outcome)) = names else { continue };
        outcomes.insert((listener, event), outcome);
    }
    outcomes
}

#[test]
fn no_journey_and_nothing_tried_after_it_reaches_for_another_tenants_keys() {
    for performance in all() {
        assert_eq!(performance.violations, Vec::<String>::new(), "{}", performance.module);
    }
}
