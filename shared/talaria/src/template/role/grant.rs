//! What a function may do with each table: what its row declares, and what the pipeline does for it.

use contracts::Idempotency;
use events::Ordering;
use runtime::rate::CELLS;
use runtime::{Module, Row, Trigger};
use store::{AUDIT, IDEMPOTENCY, INBOX, OUTBOX, PLATFORM, PLATFORM_TABLES, Table};

use crate::template::acting;
use crate::template::function::counts_networks;

/// What who reads a table may do with it.
pub const READS: &[&str] = &["BatchGetItem", "GetItem", "Query"];
/// What who writes a table may do with it.
pub const WRITES: &[&str] = &[
    "BatchGetItem",
    "ConditionCheckItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "UpdateItem",
];

/// What a function may do with one table.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    pub table: Table,
    /// Operations of DynamoDB, in alphabetical order, each once.
    pub operations: Vec<&'static str>,
    /// Whether only keys that belong to a tenant may be touched.
    pub tenants_only: bool,
}

/// What the function does with each table, by table name: for its own row, for the inline listeners it
/// runs and for the reactors that join its transactions.
pub fn grants(module: &Module, row: &Row) -> Vec<Grant> {
    let acting = acting::rows(module, row);
    let mut grants: Vec<Grant> = Vec::new();
    let mut grant = |table: Table, operations: &[&'static str]| {
        let tenants_only = is_kept_to_tenants(row, &table);
        let at = grants.iter().position(|one| one.table == table);
        let mut one = at
            .map_or(Grant { table, operations: vec![], tenants_only }, |at| grants.swap_remove(at));
        one.operations.extend(operations);
        one.operations.sort_unstable();
        one.operations.dedup();
        grants.push(one);
    };
    for one in &acting {
        one.reads.iter().for_each(|table| grant(*table, READS));
        one.writes.iter().for_each(|table| grant(*table, WRITES));
    }
    for reactor in acting::reactors(module, &acting) {
        reactor.tables.iter().for_each(|table| grant(*table, WRITES));
    }
    if counts_networks(row) || matches!(row.trigger, Trigger::Authorizer) {
        grant(CELLS, &["GetItem", "UpdateItem"]);
    }
    if let Some(spec) = row.http() {
        if spec.idempotency == Idempotency::Key {
            grant(IDEMPOTENCY, &["GetItem", "PutItem"]);
        }
        if spec.audit.action().is_some() {
            grant(AUDIT, &["PutItem"]);
        }
    }
    for heard in acting.iter().filter_map(|one| one.listening()) {
        grant(INBOX, &["BatchGetItem", "GetItem", "PutItem", "UpdateItem"]);
        // What is handed over again later waits among the platform's timers.
        grant(PLATFORM, &["BatchGetItem", "DeleteItem", "PutItem"]);
        if heard.debounce.is_some() {
            grant(PLATFORM, &["GetItem"]);
        }
        if heard.ordering == Ordering::Aggregate {
            grant(INBOX, &["ConditionCheckItem", "DeleteItem", "Query"]);
            // Gaps are looked up; a block is announced.
            grant(OUTBOX, &["GetItem", "PutItem", "Query", "UpdateItem"]);
        }
    }
    if acting.iter().any(|one| !one.emits.is_empty()) {
        grant(OUTBOX, &["GetItem", "PutItem", "Query", "UpdateItem"]);
    }
    grants.sort_by_key(|one| one.table.name());
    grants
}

/// A static role cannot name one tenant, but it can keep a function that serves tenants away from the
/// directory and from rows of the platform itself.
fn is_kept_to_tenants(row: &Row, table: &Table) -> bool {
    let serves_tenants = match &row.trigger {
        // Before a stranger's tenant is known, its own tables are searched through the directory.
        Trigger::Http(spec) => spec.access.needs_credential() || PLATFORM_TABLES.contains(table),
        Trigger::Listener(_) | Trigger::Call(_) => true,
        // A batch is one tenant's.
        Trigger::Job => row.collects.is_some(),
        Trigger::Authorizer
        | Trigger::Operator(_)
        | Trigger::Stream { .. }
        | Trigger::Schedule(_)
        | Trigger::Socket(_) => false,
    };
    table.is_guarded() && serves_tenants
}
