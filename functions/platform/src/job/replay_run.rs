use kernel::Error;
use runtime::{Ctx, System};
use store::planted::{self, Bug};

use crate::archive::Archive;
use crate::domain::chunk::Chunk;
use crate::domain::replay::pause_s;
use crate::domain::walk::Position;
use crate::recalling;
use crate::replaying::{NextChunk, ask};
use crate::resending::{Resending, Source};
use crate::store::day_index::DayIndex;
use crate::store::replay_row::ReplayRow;
use crate::store::replays::Replays;

/// Does one chunk of a replay: reads, sends, writes down that it is done, and asks for the next.
///
/// Safe to run twice: a chunk that is done, or of a replay that is over, is passed over; one that
/// is sent twice is absorbed by the inbox. Should the next chunk not be asked for, the replay is
/// stale and is started again.
pub async fn handle(ctx: Ctx<System>, message: NextChunk) -> Result<(), Error> {
    let replays = Replays::of(ctx.store());
    let Some(row) = replays.get(message.replay_id).await? else { return Ok(()) };
    if row.state.is_over() || row.chunk != message.chunk {
        return Ok(());
    }
    let unread = row.range.unread_for(ctx.now());
    if !unread.is_zero() && !planted::is(Bug::StaleIndexTrusted) {
        let delay_s = u32::try_from(unread.as_secs() + 1).unwrap_or(u32::MAX);
        return ask(&ctx, &row, delay_s).await;
    }
    let (chunk, source) = chunk(&ctx, &row).await?;
    let sent = match ctx.backbone().listener(&row.listener) {
        Some(listener) => {
            let resending = Resending { ctx: &ctx, row: &row, listener, source };
            resending.send(&chunk.events).await?
        }
        None => 0,
    };
    match replays.advance(&row, &chunk, sent, ctx.now()).await? {
        Some(after) if !after.state.is_over() => {
            ask(&ctx, &after, pause_s(sent, row.rate_per_s)).await
        }
        _ => Ok(()),
    }
}

/// The next events, and where they were kept.
async fn chunk(ctx: &Ctx<System>, row: &ReplayRow) -> Result<(Chunk, Source), Error> {
    let (archive, position) = (Archive::of(ctx), row.position.clone());
    let position = match archive {
        Some(_) => row.range.resumed(position, ctx.now()),
        None => position,
    };
    match (position, archive) {
        (Position::Index(at), _) => {
            Ok((DayIndex::of(ctx.store(), row).chunk(at).await?, Source::Outbox))
        }
        (Position::Archive(at), Some(archive)) => {
            Ok((recalling::chunk(ctx, &archive, row, &at).await?, Source::Archive))
        }
        (Position::Archive(_), None) => {
            Err(Error::internal("a replay needs the archive, and none is configured any more"))
        }
    }
}
