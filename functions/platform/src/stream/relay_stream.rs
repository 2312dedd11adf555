use runtime::relay::Relay;
use runtime::stream::Record;
use runtime::{Ctx, System};
use store::outbox::Bell;

/// Rings for every new outbox row. A row that cannot be read back or settled is named, and comes again;
/// the table still says `pending`, so giving up costs one sweeper period.
pub async fn handle(ctx: Ctx<System>, records: Vec<Record>) -> Vec<String> {
    let relay = Relay::of(&ctx, Bell::Stream);
    let mut failed = Vec::new();
    for record in records {
        let carried = match record.item.key() {
            Some(key) => relay.carry(&key).await.is_ok(),
            None => true,
        };
        if !carried {
            failed.push(record.sequence_number);
        }
    }
    failed
}
