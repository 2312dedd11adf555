//! The name of a role that several functions share: what it allows.

use runtime::module::ArchiveUse;
use runtime::rate::CELLS;
use runtime::{Module, Row, Trigger};
use store::{AUDIT, IDEMPOTENCY, INBOX, OUTBOX};

use super::grant::{Grant, READS, WRITES, grants};
use crate::template::acting;
use crate::template::intrinsic::logical;

/// What a row is allowed in words: `ReadsProfileCounts`, or `Logs` where it is nothing else.
pub fn of_row(module: &Module, row: &Row) -> String {
    let acting = acting::rows(module, row);
    let mut words: Vec<String> = Vec::new();
    let all = grants(module, row);
    let of = |verb: &str, wanted: &dyn Fn(&Grant) -> bool| -> Option<String> {
        let names: String =
            all.iter().filter(|one| wanted(one)).map(|one| logical(one.table.name())).collect();
        (!names.is_empty()).then(|| format!("{verb}{names}"))
    };
    let writes = |one: &Grant| WRITES.iter().all(|operation| one.operations.contains(operation));
    let reads = |one: &Grant| READS.iter().all(|operation| one.operations.contains(operation));
    words.extend(of("Reads", &|one| reads(one) && !writes(one)));
    words.extend(of("Writes", &writes));
    // What the pipeline does besides is less than either.
    let besides = [("Replays", IDEMPOTENCY), ("Audits", AUDIT), ("Announces", OUTBOX)];
    let besides = besides.into_iter().chain([("Hears", INBOX), ("Counts", CELLS)]);
    for (word, table) in besides {
        let partly = |one: &Grant| one.operations != READS && !writes(one);
        if all.iter().any(|one| one.table == table && partly(one)) {
            words.push(word.to_owned());
        }
    }
    let lists = [
        ("Calls", acting::declared(&acting, |row| &row.calls)),
        ("Opens", acting::declared(&acting, |row| &row.secrets)),
        ("Keeps", acting::declared(&acting, |row| &row.keeps)),
        ("Enqueues", acting::declared(&acting, |row| &row.jobs)),
    ];
    for (verb, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
        words.push(verb.to_owned() + &names.into_iter().map(logical).collect::<String>());
    }
    let said = [
        ("Sends", acting.iter().any(|row| row.sends)),
        ("WatchesQueues", row.watches_queues),
        ("ClearsDeadLetters", row.clears_dead_letters),
        ("Archives", row.archive == Some(ArchiveUse::Written)),
        ("ReadsArchive", row.archive == Some(ArchiveUse::Read)),
        ("Streams", matches!(row.trigger, Trigger::Stream { .. })),
    ];
    words.extend(said.into_iter().filter(|(_, is)| *is).map(|(word, _)| word.to_owned()));
    if words.is_empty() { "Logs".to_owned() } else { words.concat() }
}
