//! The name of a role that several functions share: what it allows.

use runtime::module::ArchiveUse;
use runtime::rate::CELLS;
use runtime::wiring::{Grants, QueueGrant, READS, TableGrant, WRITES};
use runtime::{Module, Row, Trigger};
use store::{AUDIT, IDEMPOTENCY, INBOX, OUTBOX};

use crate::template::intrinsic::logical;

/// What a row is allowed in words: `ReadsProfileCounts`, or `Logs` where it is nothing else.
pub fn of_row(module: &Module, row: &Row) -> String {
    let grants = Grants::of(module, row);
    let mut words: Vec<String> = Vec::new();
    let tables = &grants.tables;
    let of = |verb: &str, wanted: &dyn Fn(&TableGrant) -> bool| -> Option<String> {
        let names: String =
            tables.iter().filter(|one| wanted(one)).map(|one| logical(one.table.name())).collect();
        (!names.is_empty()).then(|| format!("{verb}{names}"))
    };
    let has =
        |one: &TableGrant, all: &[&str]| all.iter().all(|one_of| one.operations.contains(one_of));
    let writes = |one: &TableGrant| has(one, WRITES);
    let reads = |one: &TableGrant| has(one, READS);
    words.extend(of("Reads", &|one| reads(one) && !writes(one)));
    words.extend(of("Writes", &writes));
    // What the pipeline does besides is less than either.
    let besides = [("Replays", IDEMPOTENCY), ("Audits", AUDIT), ("Announces", OUTBOX)];
    let besides = besides.into_iter().chain([("Hears", INBOX), ("Counts", CELLS)]);
    for (word, table) in besides {
        let only_reads = |one: &TableGrant| reads(one) && one.operations.len() == READS.len();
        let partly = |one: &TableGrant| !writes(one) && !only_reads(one);
        if tables.iter().any(|one| one.table == table && partly(one)) {
            words.push(word.to_owned());
        }
    }
    let jobs = grants.queues.iter().filter_map(|grant| match grant {
        QueueGrant::SendTo(job) => Some(*job),
        _ => None,
    });
    let lists: [(&str, Vec<&str>); 4] = [
        ("Calls", grants.calls.iter().copied().collect()),
        ("Opens", grants.opens.iter().map(|name| name.as_str()).collect()),
        ("Keeps", grants.keeps.iter().map(|name| name.as_str()).collect()),
        ("Enqueues", jobs.collect()),
    ];
    for (verb, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
        words.push(verb.to_owned() + &names.into_iter().map(logical).collect::<String>());
    }
    let said = [
        ("Sends", grants.queues.contains(&QueueGrant::SendToAny)),
        ("WatchesQueues", row.watches_queues),
        ("ClearsDeadLetters", row.clears_dead_letters),
        ("Archives", row.archive == Some(ArchiveUse::Written)),
        ("ReadsArchive", row.archive == Some(ArchiveUse::Read)),
        ("Streams", matches!(row.trigger, Trigger::Stream { .. })),
    ];
    words.extend(said.into_iter().filter(|(_, is)| *is).map(|(word, _)| word.to_owned()));
    if words.is_empty() { "Logs".to_owned() } else { words.concat() }
}
