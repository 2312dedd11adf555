//! The embedded engine: how it is opened, and its operations by wire name.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use dynoxide::{Database, DynoxideError};
use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::VirtualClock;

/// Without it the engine reads every stream record ever written at each write, because it keeps all
/// of them in one unindexed table.
const STREAM_INDEX: &str = "CREATE INDEX IF NOT EXISTS _talaria_stream_position \
     ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";

/// DynamoDB keeps stream records for 24 hours (Developer Guide, "Change data capture for DynamoDB
/// Streams").
const STREAM_RETENTION_S: i64 = 24 * 60 * 60;

/// Name of the shared in-memory database that new in-memory engines are copied from.
const TEMPLATE: &str = "file:talaria-engine-template?mode=memory&cache=shared";

/// Opens an engine that keeps nothing.
pub(super) fn open_memory(clock: &VirtualClock) -> Result<Database, DynoxideError> {
    let database = Database::memory_with_clock(Arc::new(clock.clone()))?;
    let template = template()?;
    let held = template.lock().unwrap_or_else(PoisonError::into_inner);
    database.restore_from(TEMPLATE)?;
    drop(held);
    Ok(database)
}

/// Opens the engine's file, made if missing. Writes are in the file when they are answered, so
/// they survive `kill -9`; a power cut may lose the last moments (`synchronous = NORMAL`).
pub(super) fn open_file(path: &str, clock: &VirtualClock) -> Result<Database, DynoxideError> {
    let database = Database::new(path)?;
    let connection = Connection::open(path)?;
    connection.execute_batch(STREAM_INDEX)?;
    connection.execute(
        "DELETE FROM _stream_records WHERE created_at < ?1",
        [clock.now_ms() / 1000 - STREAM_RETENTION_S],
    )?;
    // The only public way to `synchronous = NORMAL`; the other settings it restores are defaults.
    database.disable_bulk_loading()?;
    Ok(database)
}

/// The template lives as long as one connection to it, hence for the whole process.
fn template() -> Result<&'static Mutex<Connection>, DynoxideError> {
    static HELD: OnceLock<Mutex<Connection>> = OnceLock::new();
    static MAKING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(held) = HELD.get() {
        return Ok(held);
    }
    let connection = Connection::open(TEMPLATE)?;
    Database::memory()?.vacuum_into(TEMPLATE)?;
    connection.execute_batch(STREAM_INDEX)?;
    Ok(HELD.get_or_init(|| Mutex::new(connection)))
}

/// Runs one operation by its wire name on a JSON body and returns the JSON answer.
pub(super) fn call(db: &Database, operation: &str, body: &str) -> Result<String, DynoxideError> {
    match operation {
        "GetItem" => run(body, |r| db.get_item(r)),
        "PutItem" => run(body, |r| db.put_item(r)),
        "UpdateItem" => run(body, |r| db.update_item(r)),
        "DeleteItem" => run(body, |r| db.delete_item(r)),
        "Query" => run(body, |r| db.query(r)),
        "Scan" => run(body, |r| db.scan(r)),
        "BatchGetItem" => run(body, |r| db.batch_get_item(r)),
        "BatchWriteItem" => run(body, |r| db.batch_write_item(r)),
        "TransactWriteItems" => run(body, |r| db.transact_write_items(r)),
        "TransactGetItems" => run(body, |r| db.transact_get_items(r)),
        "CreateTable" => run(body, |r| db.create_table(r)),
        "DeleteTable" => run(body, |r| db.delete_table(r)),
        "DescribeTable" => run(body, |r| db.describe_table(r)),
        "ListTables" => run(body, |r| db.list_tables(r)),
        "UpdateTable" => run(body, |r| db.update_table(r)),
        "UpdateTimeToLive" => run(body, |r| db.update_time_to_live(r)),
        "DescribeTimeToLive" => run(body, |r| db.describe_time_to_live(r)),
        "ListStreams" => run(body, |r| db.list_streams(r)),
        "DescribeStream" => run(body, |r| db.describe_stream(r)),
        "GetShardIterator" => run(body, |r| db.get_shard_iterator(r)),
        "GetRecords" => run(body, |r| db.get_records(r)),
        "ExecuteStatement" => run(body, |r| db.execute_statement(r)),
        "ExecuteTransaction" => run(body, |r| db.execute_transaction(r)),
        "BatchExecuteStatement" => run(body, |r| db.batch_execute_statement(r)),
        "TagResource" => run(body, |r| db.tag_resource(r)),
        "UntagResource" => run(body, |r| db.untag_resource(r)),
        "ListTagsOfResource" => run(body, |r| db.list_tags_of_resource(r)),
        other => Err(DynoxideError::ValidationException(format!(
            "the local cloud does not offer the DynamoDB operation {other}"
        ))),
    }
}

fn run<Request: DeserializeOwned, Response: Serialize>(
    body: &str,
    operation: impl FnOnce(Request) -> Result<Response, DynoxideError>,
) -> Result<String, DynoxideError> {
    let request = serde_json::from_str(body).map_err(|error| unreadable(&error.to_string()))?;
    let response = operation(request)?;
    serde_json::to_string(&response)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The engine's request types say in a prefix which error DynamoDB answers with; the engine's own
/// server reads them in private code, so this repeats its reading.
fn unreadable(message: &str) -> DynoxideError {
    let message = message.split(" at line ").next().unwrap_or(message);
    for prefix in ["VALIDATION:", "VALIDATION_REQUEST:", "VALIDATION_AS_READ:"] {
        if let Some(text) = message.strip_prefix(prefix) {
            return DynoxideError::ValidationException(text.to_owned());
        }
    }
    for prefix in ["SERIALIZATION:", "SERIALIZATION_AS_READ:"] {
        if let Some(text) = message.strip_prefix(prefix) {
            return DynoxideError::SerializationException(text.to_owned());
        }
    }
    let about_the_value = ["missing field", "unknown variant", "Supplied AttributeValue"];
    if about_the_value.iter().any(|part| message.contains(part)) {
        return DynoxideError::ValidationException(message.to_owned());
    }
    DynoxideError::SerializationException(message.to_owned())
}
