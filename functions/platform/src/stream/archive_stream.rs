use std::sync::Once;

use runtime::log::Line;
use runtime::stream::Record;
use runtime::{Ctx, System};
use serde_json::{Value, json};
use store::outbox::OutboxRow;

use crate::archive::Archive;
use crate::domain::chapter::{Published, of_batch};

/// A process without an archive says so once.
static TOLD: Once = Once::new();

/// Writes the batch to the archive. Safe to run twice: the same batch makes the same files. Where
/// one cannot be written the whole batch is named and comes again. A row that cannot be read would
/// fail for ever: it is left out, and the log says which.
pub async fn handle(ctx: Ctx<System>, records: Vec<Record>) -> Vec<String> {
    let Some(archive) = Archive::of(&ctx) else {
        TOLD.call_once(|| ctx.log(Line::warn("no archive is configured: events are not archived")));
        return Vec::new();
    };
    let batch: Vec<Published> = records.iter().filter_map(|record| read(&ctx, record)).collect();
    for chapter in of_batch(&batch) {
        if let Err(fault) = archive.put(&chapter).await {
            let line = Line::error("a file of the archive could not be written");
            ctx.log(line.with("file", chapter.name).with("reason", fault.to_string()));
            return records.into_iter().map(|record| record.sequence_number).collect();
        }
    }
    Vec::new()
}

fn read(ctx: &Ctx<System>, record: &Record) -> Option<Published> {
    let published = record.item.read::<OutboxRow>().ok().and_then(|row| {
        Some(Published {
            record_id: record.id.clone(),
            sequence_number: record.sequence_number.clone(),
            envelope: serde_json::from_str::<Value>(&row.envelope).ok()?,
            status: json!(row.status),
            published_at: row.published_at?,
            bell: json!(row.bell),
            replay_no: row.replay_no,
        })
    });
    if published.is_none() {
        let line = Line::error("a published event cannot be read and is not archived");
        ctx.log(line.with("sequence_number", record.sequence_number.as_str()));
    }
    published
}
