//! Rules of declarations that no type can hold.

use contracts::{Audit, Rate, Spec};
use events::EventSpec;
use events::ops::LISTENER_BLOCKED;
use kernel::Problem;
use runtime::module::Reactor;
use runtime::rate::CELLS;
use runtime::{Module, Row, Trigger};
use store::{INBOX, PLATFORM_TABLES, Table};

use super::{Breach, STACK_NAME_MAX, breach, listener};
use crate::platform::Platform;
use crate::schema::members;

/// Longest name of a Lambda function.
const FUNCTION_NAME_MAX: usize = 64;
/// Seconds an HTTP API waits for a function, with one for the answer.
const HTTP_TIMEOUT_MAX_S: u32 = 29;
/// Seconds a listener may run.
const LISTENER_TIMEOUT_MAX_S: u32 = 300;
/// Seconds any function may run.
const TIMEOUT_MAX_S: u32 = 900;

/// Functions that read one stream; more are throttled (DynamoDB Developer Guide, "Streams").
const STREAM_READERS_MAX: usize = 2;

/// Writes of one commit and its reactors.
const WRITES_MAX: usize = 90;

/// Routes for strangers that are never refused for their rate. The list may only shrink.
const UNLIMITED: &[&str] = &["gateway.health", "gateway.status"];

/// Everything that is declared wrongly.
pub fn breaches(platform: &Platform) -> Vec<Breach> {
    let mut found = Vec::new();
    for (module, row) in platform.rows() {
        found.extend(of_row(platform, module, row));
    }
    found.extend(platform.modules.iter().flat_map(of_reactors));
    for (_, row, spec) in platform.routes() {
        found.extend(of_route(row, spec));
    }
    found.extend(of_lists(platform));
    found.extend(of_tables(platform));
    found.extend(of_contracts(platform));
    found.extend(of_problems(platform));
    found
}

fn of_row(platform: &Platform, module: &Module, row: &Row) -> Vec<Breach> {
    let mut found = Vec::new();
    let id = row.id;
    if row.module() != module.name {
        found
            .push(breach!("{id} stands in the table of module {}: ids start with it", module.name));
    }
    if platform.rows().filter(|(_, other)| other.id == id).count() > 1 {
        found.push(breach!("{id} is declared more than once"));
    }
    if STACK_NAME_MAX + 1 + id.len() > FUNCTION_NAME_MAX {
        found.push(breach!("{id} is too long for the name of a function: shorten it"));
    }
    let longest = match &row.trigger {
        Trigger::Http(_) | Trigger::Authorizer | Trigger::Socket(_) => HTTP_TIMEOUT_MAX_S,
        Trigger::Listener(_) | Trigger::Job => LISTENER_TIMEOUT_MAX_S,
        _ => TIMEOUT_MAX_S,
    };
    if row.timeout_s == 0 || row.timeout_s > longest {
        found.push(breach!(
            "{id} runs up to {} s; its trigger allows 1 to {longest}",
            row.timeout_s
        ));
    }
    for table in &row.writes {
        let is_shared = PLATFORM_TABLES.contains(table) || *table == CELLS;
        if !module.tables.contains(table) && !is_shared {
            found
                .push(breach!("{id} writes table {}, which its module does not own", table.name()));
        }
    }
    let is_foreign = |spec: &&EventSpec| spec.module() != module.name && !is_of_batch(row, spec);
    for spec in row.emits.iter().filter(is_foreign) {
        found.push(breach!("{id} announces {}, an event of another module", spec.name));
    }
    for callee in &row.calls {
        let answers =
            |other: &Row| other.id == *callee && matches!(other.trigger, Trigger::Call(_));
        if !platform.rows().any(|(_, other)| answers(other)) {
            found.push(breach!("{id} calls {callee}, which no module answers"));
        }
    }
    if row.sends && !row.writes.contains(&INBOX) {
        found.push(breach!(
            "{id} hands events over again: it writes the inbox, where it notes what is gone"
        ));
    }
    for job in &row.jobs {
        let works = |other: &Row| other.id == *job && matches!(other.trigger, Trigger::Job);
        if !platform.rows().any(|(_, other)| works(other)) {
            found.push(breach!("{id} sends messages to {job}, which is no job"));
        }
    }
    if let Trigger::Stream { table, .. } = &row.trigger
        && !(PLATFORM_TABLES.contains(table) && table.has_stream())
    {
        found.push(breach!("{id} reads the stream of {}: only the outbox has one", table.name()));
    }
    let reads = |other: &Row| matches!(other.trigger, Trigger::Stream { .. });
    let readers = platform.rows().filter(|(_, other)| reads(other)).count();
    if reads(row) && readers > STREAM_READERS_MAX {
        found
            .push(breach!("{id} is one of {readers} readers of the outbox's stream: it takes two"));
    }
    if row.canary && module.rows.iter().filter(|other| other.canary).count() > 1 {
        found.push(breach!("{id} is one of several canaries: the module has one"));
    }
    found.extend(listener::breaches(module, row));
    found
}

/// Whether the batch of a listener announces this event, in the name of module `platform`.
fn is_of_batch(row: &Row, spec: &EventSpec) -> bool {
    row.listening().is_some() && spec.name == LISTENER_BLOCKED.spec.name
}

/// A transaction takes 100 items: a commit's own writes and those of the reactors to what it announces
/// leave room for outbox rows, cause and audit.
fn of_reactors(module: &Module) -> Vec<Breach> {
    let mut found = Vec::new();
    for reactor in &module.reactors {
        if reactor.event.module() != module.name {
            let (id, event) = (reactor.id, reactor.event.name);
            found.push(breach!("{id} reacts to {event}, an event of another module: listen to it"));
        }
    }
    for (reactor, table) in
        module.reactors.iter().flat_map(|one| one.tables.iter().map(move |table| (one, table)))
    {
        if !module.tables.contains(table) {
            let (id, table) = (reactor.id, table.name());
            found.push(breach!("{id} writes table {table}, which its module does not own"));
        }
    }
    for row in &module.rows {
        let announced = |one: &&Reactor| row.emits.iter().any(|spec| spec.name == one.event.name);
        let reactions: usize =
            module.reactors.iter().filter(announced).map(|one| one.max_writes).sum();
        if row.max_writes + reactions > WRITES_MAX {
            let (id, own) = (row.id, row.max_writes);
            found.push(breach!(
                "{id} makes up to {own} writes and its reactors {reactions}: {WRITES_MAX} fit"
            ));
        }
    }
    found
}

fn of_route(row: &Row, spec: &Spec) -> Vec<Breach> {
    let (mut found, id) = (Vec::new(), row.id);
    if spec.changes_something() && spec.audit == Audit::Undecided {
        found
            .push(breach!("{id} changes something: name its audit action, or say why it has none"));
    }
    let is_public = !spec.access.needs_credential();
    if is_public && spec.rate == Rate::Unlimited && !UNLIMITED.contains(&id) {
        found.push(breach!("{id} is public: give it a rate class"));
    }
    if spec.docs.trim().is_empty() {
        found.push(breach!("{id} has no documentation"));
    }
    if spec.path != "$default" && !spec.path.starts_with('/') {
        found.push(breach!("{id}: path {} does not start with a slash", spec.path));
    }
    found
}

/// Exceptions that no longer are any.
fn of_lists(platform: &Platform) -> Vec<Breach> {
    type Applies = fn(&Spec) -> bool;
    let lists: [(&str, &[&str], Applies); 1] = [("UNLIMITED", UNLIMITED, |spec| {
        !spec.access.needs_credential() && spec.rate == Rate::Unlimited
    })];
    let mut found = Vec::new();
    for (list, ids, applies) in lists {
        for id in ids {
            let page = platform.page(id);
            if !page.is_some_and(|page| applies(&page.spec)) {
                found.push(breach!("{id} is no exception any more: strike it from {list}"));
            }
        }
    }
    found
}

fn of_tables(platform: &Platform) -> Vec<Breach> {
    let owned: Vec<(&Module, &Table)> = platform
        .modules
        .iter()
        .flat_map(|module| module.tables.iter().map(move |table| (module, table)))
        .collect();
    let mut found = Vec::new();
    for (at, (module, table)) in owned.iter().enumerate() {
        if owned.iter().take(at).any(|(_, other)| other == table) || PLATFORM_TABLES.contains(table)
        {
            found.push(breach!("table {} of {} has another owner too", table.name(), module.name));
        }
    }
    // The counters of every pipeline need a home as soon as anything counts.
    let counts = platform.routes().any(|(_, _, spec)| spec.rate != Rate::Unlimited);
    if counts && !owned.iter().any(|(_, table)| **table == CELLS) {
        found.push(breach!("no module owns table {}, where requests are counted", CELLS.name()));
    }
    found
}

/// Contracts without a function, typed calls without an answer.
fn of_contracts(platform: &Platform) -> Vec<Breach> {
    let mut found = Vec::new();
    for page in platform.pages.iter().filter(|page| !platform.serves(page.spec.id)) {
        found.push(breach!("contract {} is served by no module table", page.spec.id));
    }
    for (_, row, _) in platform.routes().filter(|(_, row, _)| platform.page(row.id).is_none()) {
        found.push(breach!(
            "{} serves a contract that is not in the book: list its module in shared/contracts",
            row.id
        ));
    }
    for page in platform.pages.iter().filter(|page| !page.spec.pages) {
        let members = members(&page.request, &platform.schemas);
        if members.iter().any(|member| member.name == "cursor") {
            found.push(breach!("{} takes a cursor: declare it with Endpoint::list", page.spec.id));
        }
    }
    for call in &platform.calls {
        let answers = |row: &Row| row.id == call.id && matches!(row.trigger, Trigger::Call(_));
        if !platform.rows().any(|(_, row)| answers(row)) {
            found.push(breach!("typed call {} is answered by no module table", call.id));
        }
    }
    for operation in &platform.operations {
        let serves = |row: &Row| row.id == operation.id;
        if !platform.rows().any(|(_, row)| serves(row)) {
            found.push(breach!("operation {} is served by no module table", operation.id));
        }
    }
    found
}

/// Refusals that no page tells of.
fn of_problems(platform: &Platform) -> Vec<Breach> {
    let pages = platform.pages.iter().map(|page| (page.spec.id, page.spec.refuses));
    let calls = platform.calls.iter().map(|call| (call.id, call.refuses));
    let operations = platform.operations.iter().map(|one| (one.id, one.refuses));
    let refused = pages.chain(calls).chain(operations);
    let refused = refused.flat_map(|(id, all)| all.iter().map(move |problem| (id, problem)));
    let untold = refused.filter(|(_, problem)| !platform.problems.contains(problem));
    let line = |(id, problem): (&str, &&Problem)| {
        breach!("{id} refuses with {}, which stands in no table of problems!", problem.code())
    };
    untold.map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn lines(rows: impl IntoIterator<Item = Row>) -> Vec<String> {
        let mut module = fixture::module_of([]);
        module.rows.extend(rows);
        breaches(&Platform::of(vec![module])).into_iter().map(|one| one.0).collect()
    }

    #[test]
    fn what_is_declared_wrongly_is_named() {
        let hears = |id| fixture::hears(id, events::profile::UPDATED.spec);
        let cases = [
            (hears("other.on_updated"), "other.on_updated stands in the table of module demo"),
            (hears("demo.on_updated").timeout(301), "demo.on_updated runs up to 301 s"),
            (
                hears("demo.on_updated").writes([Table::new("auth")]),
                "demo.on_updated writes table auth",
            ),
            (
                hears("demo.on_updated").emits([events::profile::UPDATED.spec]),
                "demo.on_updated announces profile.profile.updated",
            ),
            (
                hears("demo.on_updated").calls(&contracts::auth::ACCOUNT_GET),
                "demo.on_updated calls auth.account_get, which no module answers",
            ),
            (
                hears("demo.on_updated").enqueues(["demo.tidy"]),
                "demo.on_updated sends messages to demo.tidy, which is no job",
            ),
            (
                hears("demo.on_updated").max_writes(91),
                "demo.on_updated makes up to 91 writes and its reactors 0",
            ),
            (
                hears("demo.on_something_with_quite_a_long_name_indeed"),
                "demo.on_something_with_quite_a_long_name_indeed is too long",
            ),
        ];
        for (row, expected) in cases {
            let lines = lines([row]);
            assert!(lines.iter().any(|line| line.starts_with(expected)), "{expected}: {lines:?}");
        }
    }

    #[test]
    fn a_reactor_writes_tables_of_its_module_alone() {
        let tally = |table| {
            let updated = &events::profile::UPDATED;
            let tally = runtime::module::react("demo.tally", updated, |_| Ok(store::Change::new()));
            tally.writes([table])
        };
        let told = |table| {
            let module = fixture::module_of([]).reacts([tally(table)]);
            of_reactors(&module).iter().any(|one| one.0.starts_with("demo.tally writes table auth"))
        };
        assert!(told(Table::new("auth")) && !told(fixture::DEMO));
    }

    #[test]
    fn a_stream_has_no_third_reader() {
        let reader = |id| {
            let mut row = fixture::module().row("demo.relay").cloned().unwrap();
            row.id = id;
            row
        };
        let told = |ids: &[&'static str]| {
            let lines = lines(ids.iter().copied().map(reader)).into_iter();
            lines.filter(|line| line.contains("readers of the outbox")).count()
        };
        assert_eq!((told(&["demo.a", "demo.b"]), told(&["demo.a", "demo.b", "demo.c"])), (0, 3));
    }

    #[test]
    fn only_a_listener_may_announce_in_the_name_of_platform_that_it_is_blocked() {
        use events::ops::{ACTION_PERFORMED, OUTBOX_STALLED};
        let announces = |row: Row| lines([row]).iter().any(|line| line.contains(" announces "));
        let hears = || fixture::hears("demo.on_updated", events::profile::UPDATED.spec);
        let tidy = || fixture::module().row("demo.tidy").unwrap().clone();
        assert!(!announces(hears().emits([LISTENER_BLOCKED.spec])));
        assert!(announces(tidy().emits([LISTENER_BLOCKED.spec])));
        for spec in [ACTION_PERFORMED.spec, OUTBOX_STALLED.spec] {
            assert!(announces(hears().emits([spec])) && announces(tidy().emits([spec])));
        }
        let mut platform = fixture::module_of([]);
        platform.name = "platform";
        platform.rows = vec![tidy().emits([OUTBOX_STALLED.spec, ACTION_PERFORMED.spec])];
        let found = breaches(&Platform::of(vec![platform]));
        assert!(!found.iter().any(|one| one.0.contains(" announces ")), "{found:?}");
    }

    #[test]
    fn a_contract_that_nobody_serves_is_named() {
        let lines = lines([]);
        assert!(lines.contains(&"contract auth.login is served by no module table".to_owned()));
        let call = "typed call auth.account_get is answered by no module table";
        assert!(lines.contains(&call.to_owned()));
        let operation = "operation platform.dlq_list is served by no module table";
        assert!(lines.contains(&operation.to_owned()));
    }

    #[test]
    fn who_takes_a_cursor_is_a_list() {
        let mut platform = Platform::of(Vec::new());
        let told = |platform: &Platform| {
            let lines = of_contracts(platform).into_iter().map(|one| one.0);
            lines.filter(|line| line.contains("takes a cursor")).collect::<Vec<_>>()
        };
        assert_eq!(told(&platform), Vec::<String>::new());
        for page in &mut platform.pages {
            page.spec.pages = false;
        }
        let expected = "notification.inbox_list takes a cursor: declare it with Endpoint::list";
        assert_eq!(told(&platform), [expected]);
    }

    #[test]
    fn a_refusal_that_stands_in_no_table_is_named() {
        let mut platform = Platform::of(Vec::new());
        assert_eq!(of_problems(&platform), []);
        platform.problems.retain(|problem| problem.code() != "tenant_unknown");
        let lines: Vec<String> = of_problems(&platform).into_iter().map(|one| one.0).collect();
        let expected = "auth.register refuses with tenant_unknown, which stands in no table";
        assert!(lines.iter().any(|line| line.starts_with(expected)), "{lines:?}");
    }

    #[test]
    fn the_exceptions_are_exceptions() {
        assert_eq!(of_lists(&Platform::of(Vec::new())), []);
    }
}
