//! What a function may do outside itself: derived once from what its row declares and what the house
//! does for it. The templates write it down as a role, the local cloud refuses everything else.

use std::collections::BTreeSet;

use interface::{Idempotency, Ordering, Rate};
use store::{AUDIT, IDEMPOTENCY, INBOX, OUTBOX, PLATFORM, PLATFORM_TABLES, Table};

use super::acting;
use crate::module::row::{ArchiveUse, Row, Trigger};
use crate::module::table::Module;
use crate::ports::rate::CELLS;
use crate::ports::secrets::SecretName;

/// Operations of whoever reads a table.
pub const READS: &[&str] = &["BatchGetItem", "GetItem", "Query"];
/// Operations of whoever writes a table.
pub const WRITES: &[&str] = &[
    "BatchGetItem",
    "ConditionCheckItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "UpdateItem",
];

/// Everything one function may do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grants {
    /// By table name.
    pub tables: Vec<TableGrant>,
    /// Whether it publishes to the topic of events without order, and to that of ordered ones.
    pub topic: bool,
    pub fifo_topic: bool,
    pub queues: Vec<QueueGrant>,
    /// Secrets it reads.
    pub opens: BTreeSet<SecretName>,
    /// Secrets it makes, reads and changes.
    pub keeps: BTreeSet<SecretName>,
    /// Functions it calls.
    pub calls: BTreeSet<&'static str>,
    pub archive: Option<ArchiveUse>,
}

/// What a function may do with one table.
#[derive(Clone, Debug, PartialEq)]
pub struct TableGrant {
    pub table: Table,
    /// Operations of DynamoDB as IAM names them: a transaction needs those of its parts.
    pub operations: BTreeSet<&'static str>,
    /// Whether only keys that belong to a tenant may be touched.
    pub tenants_only: bool,
}

/// What a function may do with queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueGrant {
    /// Works through its own queue and its dead-letter queue.
    Own,
    /// Sends to the queue of this job.
    SendTo(&'static str),
    /// Sends to any queue of the stack: a policy has no room for the name of every listener.
    SendToAny,
    /// Reads the depth of any queue.
    Watch,
    /// Takes messages out of any dead-letter queue.
    Clear,
}

impl Grants {
    /// What this row's function may do: for the row itself, for the inline listeners it runs, for the
    /// reactors that join its transactions, and for the pipeline around it.
    pub fn of(module: &Module, row: &Row) -> Self {
        let acting = acting::rows(module, row);
        let in_order = |one: &&&Row| {
            one.publishes || one.emits.iter().any(|spec| spec.ordering() == Ordering::Aggregate)
        };
        Self {
            tables: tables(module, row, &acting),
            // A blocked aggregate is announced on its own, without order.
            topic: acting.iter().any(|one| one.rings()),
            fifo_topic: acting.iter().any(|one| in_order(&one)),
            queues: queues(row, &acting),
            opens: acting.iter().flat_map(|one| one.secrets.iter().copied()).collect(),
            keeps: acting.iter().flat_map(|one| one.keeps.iter().copied()).collect(),
            calls: acting.iter().flat_map(|one| one.calls.iter().copied()).collect(),
            archive: row.archive,
        }
    }

    /// What it may do with this table.
    pub fn table(&self, name: &str) -> Option<&TableGrant> {
        self.tables.iter().find(|grant| grant.table.name() == name)
    }
}

fn tables(module: &Module, row: &Row, acting: &[&Row]) -> Vec<TableGrant> {
    let mut grants: Vec<TableGrant> = Vec::new();
    let mut grant = |table: Table, operations: &[&'static str]| {
        let at = grants.iter().position(|one| one.table == table);
        let mut one = at.map_or_else(
            || TableGrant {
                table,
                operations: BTreeSet::new(),
                tenants_only: is_kept_to_tenants(row, &table),
            },
            |at| grants.swap_remove(at),
        );
        one.operations.extend(operations);
        grants.push(one);
    };
    for one in acting {
        one.reads.iter().for_each(|table| grant(*table, READS));
        one.writes.iter().for_each(|table| grant(*table, WRITES));
    }
    for reactor in acting::reactors(module, acting) {
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

/// Whether the pipeline of a function counts callers by network.
fn counts_networks(row: &Row) -> bool {
    row.http().is_some_and(|spec| spec.rate != Rate::Unlimited)
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

fn queues(row: &Row, acting: &[&Row]) -> Vec<QueueGrant> {
    let mut grants = Vec::new();
    if row.listening().is_some() || matches!(row.trigger, Trigger::Job) {
        grants.push(QueueGrant::Own);
    }
    // Its own queue is granted above.
    let jobs: BTreeSet<&'static str> = acting
        .iter()
        .flat_map(|one| one.jobs.iter().copied())
        .filter(|job| *job != row.id)
        .collect();
    grants.extend(jobs.into_iter().map(QueueGrant::SendTo));
    if acting.iter().any(|one| one.sends) {
        grants.push(QueueGrant::SendToAny);
    }
    if row.watches_queues {
        grants.push(QueueGrant::Watch);
    }
    if row.clears_dead_letters {
        grants.push(QueueGrant::Clear);
    }
    grants
}
