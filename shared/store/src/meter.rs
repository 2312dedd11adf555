//! What the requests of one call cost: counted where they are sent, read by the pipeline for the
//! log line, the cost headers and the budget tests.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use aws_sdk_dynamodb::types::ConsumedCapacity;

/// One kind of request, as the budget column of the specs counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `g`: one GetItem.
    Get,
    /// `b`: one BatchGetItem or TransactGetItems.
    BatchGet,
    /// `q`: one Query page.
    Query,
    /// `w`: one single conditional write.
    Write,
    /// `t`: one TransactWriteItems.
    Transaction,
}

const OPERATIONS: usize = 5;

/// Counts the requests, capacity and items of one call. Shared by every clone of its store.
#[derive(Debug, Default)]
pub struct Meter {
    requests: [AtomicU32; OPERATIONS],
    read_tenths: AtomicU64,
    write_tenths: AtomicU64,
    items_read: AtomicU32,
    items_written: AtomicU32,
}

/// The counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// GetItem requests, retries included, as in the following four.
    pub gets: u32,
    /// BatchGetItem and TransactGetItems requests.
    pub batch_gets: u32,
    /// Query requests.
    pub queries: u32,
    /// Single writes.
    pub writes: u32,
    /// TransactWriteItems requests.
    pub transactions: u32,
    /// Read capacity in tenths of a unit.
    pub read_tenths: u64,
    /// Write capacity in tenths of a unit.
    pub write_tenths: u64,
    /// Items read.
    pub items_read: u32,
    /// Items written by acknowledged requests.
    pub items_written: u32,
}

impl Reading {
    /// All requests together.
    pub const fn requests(&self) -> u32 {
        self.gets + self.batch_gets + self.queries + self.writes + self.transactions
    }
}

impl Meter {
    /// The counts so far.
    pub fn reading(&self) -> Reading {
        let [gets, batch_gets, queries, writes, transactions] =
            self.requests.each_ref().map(|count| count.load(Ordering::Relaxed));
        Reading {
            gets,
            batch_gets,
            queries,
            writes,
            transactions,
            read_tenths: self.read_tenths.load(Ordering::Relaxed),
            write_tenths: self.write_tenths.load(Ordering::Relaxed),
            items_read: self.items_read.load(Ordering::Relaxed),
            items_written: self.items_written.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn sent(&self, operation: Operation) {
        let [gets, batch_gets, queries, writes, transactions] = &self.requests;
        let count = match operation {
            Operation::Get => gets,
            Operation::BatchGet => batch_gets,
            Operation::Query => queries,
            Operation::Write => writes,
            Operation::Transaction => transactions,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self, items: usize, capacity: &[ConsumedCapacity]) {
        add(&self.items_read, items);
        self.read_tenths.fetch_add(tenths(capacity), Ordering::Relaxed);
    }

    pub(crate) fn wrote(&self, items: usize, capacity: &[ConsumedCapacity]) {
        add(&self.items_written, items);
        self.write_tenths.fetch_add(tenths(capacity), Ordering::Relaxed);
    }
}

fn add(count: &AtomicU32, items: usize) {
    count.fetch_add(u32::try_from(items).unwrap_or(u32::MAX), Ordering::Relaxed);
}

/// Units come as halves; a negative number counts as 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn tenths(capacity: &[ConsumedCapacity]) -> u64 {
    let units: f64 = capacity.iter().filter_map(ConsumedCapacity::capacity_units).sum();
    (units * 10.0).round() as u64
}
