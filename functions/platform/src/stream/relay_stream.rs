use runtime::relay::Relay;
use runtime::stream::Record;
use runtime::{Ctx, System};
use store::Key;
use store::outbox::Bell;

/// Rings for every new outbox row. Where the rows cannot be read or settled, the whole batch is
/// named and comes again; the table still says `pending`, so giving up costs one sweeper period.
pub async fn handle(ctx: Ctx<System>, records: Vec<Record>) -> Vec<String> {
    let keys: Vec<Key> = records.iter().filter_map(|record| record.item.key()).collect();
    match Relay::of(&ctx, Bell::Stream).carry(&keys).await {
        Ok(_) => Vec::new(),
        Err(_) => records.into_iter().map(|record| record.sequence_number).collect(),
    }
}
