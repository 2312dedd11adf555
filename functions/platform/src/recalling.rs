//! A replay's events out of the archive: one file after the other, in bounded steps.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::{Error, EventId};
use runtime::log::Line;
use runtime::{Ctx, System};

use crate::archive::Archive;
use crate::domain::archived::{self, Reading, Wanted};
use crate::domain::chunk::{Chunk, Kept};
use crate::domain::replay::CHUNK;
use crate::domain::walk::{InArchive, Position};
use crate::store::replay_row::ReplayRow;

/// Files one chunk opens.
const FILES_MAX: usize = 25;
/// Lists one chunk asks for: days without a file cost one each.
const LISTS_MAX: usize = 40;
/// A chunk opens no more files once it has lasted so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// The next events: up to so many wanted ones, or as many files as one chunk opens. An event that
/// stands there twice may be found again by a later chunk: the listener's inbox absorbs it.
pub async fn chunk(
    ctx: &Ctx<System>,
    archive: &Archive,
    replay: &ReplayRow,
    from: &InArchive,
) -> Result<Chunk, Error> {
    let mut recall = Recall {
        ctx,
        archive,
        wanted: Wanted {
            tenant: replay.tenant_id,
            livemode: replay.livemode,
            types: &replay.types,
            ids: replay.range.ids_archived(from),
        },
        at: from.clone(),
        files: 0,
        events: BTreeMap::new(),
        seen: 0,
        unreadable: 0,
    };
    let started = ctx.now();
    let is_late = || ctx.now().since(started) >= PATIENCE;
    for _ in 0..LISTS_MAX {
        let most = FILES_MAX.saturating_sub(recall.files);
        let (day, after) = (recall.at.day.day(), recall.at.after_file.clone());
        let page = archive.names(&day, after.as_deref(), most).await?;
        for name in page.names {
            let has_ended = recall.open(name).await?;
            if !has_ended || recall.events.len() >= CHUNK || is_late() {
                return Ok(recall.so_far());
            }
        }
        if recall.files >= FILES_MAX || is_late() {
            break;
        }
        if page.more {
            continue;
        }
        match replay.range.next_day(&recall.at) {
            Some(Position::Archive(day)) => recall.at = day,
            end => return Ok(recall.up_to(end)),
        }
    }
    Ok(recall.so_far())
}

/// One chunk in the making.
struct Recall<'a> {
    ctx: &'a Ctx<System>,
    archive: &'a Archive,
    wanted: Wanted<'a>,
    at: InArchive,
    files: usize,
    /// By id: a chunk has each event once, oldest first.
    events: BTreeMap<EventId, Kept>,
    seen: u64,
    unreadable: u64,
}

impl Recall<'_> {
    /// Takes what is wanted of a file, as far as the chunk has room; says whether the file is done
    /// with.
    async fn open(&mut self, name: String) -> Result<bool, Error> {
        self.files += 1;
        let room = CHUNK.saturating_sub(self.events.len());
        let reading = match self.archive.get(&name).await? {
            Ok(file) => archived::read(&file, self.at.line, &self.wanted, room),
            Err(why) => Reading::of_nothing(why),
        };
        for (line, why) in &reading.unreadable {
            let told = Line::error("the archive holds something that cannot be read");
            let told = told.with("file", name.as_str()).with("line", *line);
            self.ctx.log(told.with("reason", why.as_str()));
        }
        self.unreadable += u64::try_from(reading.unreadable.len()).unwrap_or(u64::MAX);
        self.seen += reading.seen;
        self.events.extend(reading.events.into_iter().map(|event| (event.id, event)));
        match reading.ended {
            true => (self.at.after_file, self.at.line) = (Some(name), 0),
            false => self.at.line = reading.line,
        }
        Ok(reading.ended)
    }

    /// The chunk; the next goes on here.
    fn so_far(self) -> Chunk {
        let here = Position::Archive(self.at.clone());
        self.up_to(Some(here))
    }

    /// The chunk; the next begins there.
    fn up_to(self, next: Option<Position>) -> Chunk {
        let events = self.events.into_values().collect();
        Chunk { events, seen: self.seen, unreadable: self.unreadable, next }
    }
}
