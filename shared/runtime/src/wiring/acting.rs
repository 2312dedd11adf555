//! Whose work a function does: its own row's, and that of the inline listeners it runs after its commits.

use crate::module::reactor::Reactor;
use crate::module::row::Row;
use crate::module::table::Module;

/// The row, and the inline listeners of the module that hear what it announces, or what they announce.
pub fn rows<'a>(module: &'a Module, row: &'a Row) -> Vec<&'a Row> {
    let mut acting = vec![row];
    let mut seen = 0;
    while let Some(announcer) = acting.get(seen).copied() {
        for listener in module.rows.iter().filter(|other| runs(announcer, other)) {
            if acting.iter().all(|known| known.id != listener.id) {
                acting.push(listener);
            }
        }
        seen += 1;
    }
    acting
}

fn runs(announcer: &Row, listener: &Row) -> bool {
    listener.listening().filter(|heard| heard.inline_ms.is_some()).is_some_and(|heard| {
        let types = heard.types();
        announcer.emits.iter().any(|spec| types.contains(&spec.topic_type()))
    })
}

/// The reactors that join the transactions of these rows.
pub fn reactors<'a>(module: &'a Module, rows: &[&Row]) -> Vec<&'a Reactor> {
    let announced = |reactor: &&Reactor| {
        let mut specs = rows.iter().flat_map(|row| &row.emits);
        specs.any(|spec| spec.topic_type() == reactor.event.topic_type())
    };
    module.reactors.iter().filter(announced).collect()
}
