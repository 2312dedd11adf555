//! What all module tables together say about events, and what one program is told of it.

use interface::{EventSpec, Ordering};

use super::lane::{Lane, LaneError, Topic, queue_names};
use crate::module::collect::COLLECTOR;
use crate::module::collecting::Collecting;
use crate::module::listening::{Exhausted, Listening};
use crate::module::row::Row;
use crate::module::table::Module;
use crate::ports::backbone::{Backbone, CollectedFor, Hearing};

/// Subscribes the collector to everything that is collected in these modules, which are all there are.
/// Where nothing is, there is no collector.
#[must_use]
pub fn subscribe(mut modules: Vec<Module>) -> Vec<Module> {
    let rows = modules.iter().flat_map(|module| &module.rows);
    let collecting: Vec<Collecting> = rows.filter_map(|row| row.collects.clone()).collect();
    let mut heard: Vec<EventSpec> = Vec::new();
    for spec in collecting.iter().flat_map(|one| &one.events) {
        if !heard.iter().any(|known| known.name == spec.name) {
            heard.push(*spec);
        }
    }
    let mut accepts: Vec<u16> = collecting.iter().flat_map(|one| one.accepts.clone()).collect();
    accepts.sort_unstable();
    accepts.dedup();
    for module in &mut modules {
        module.rows.retain(|row| row.id != COLLECTOR || !heard.is_empty());
        let found = module.rows.iter_mut().find(|row| row.id == COLLECTOR);
        if let Some(listening) = found.and_then(Row::listening_mut) {
            (listening.events, listening.accepts) = (heard.clone(), accepts.clone());
        }
    }
    modules
}

impl Backbone {
    /// What these modules say; refuses a listener that cannot be subscribed.
    pub fn of(modules: &[Module]) -> Result<Self, LaneError> {
        let (mut listeners, mut collected) = (Vec::new(), Vec::new());
        for module in modules {
            for row in &module.rows {
                collected.extend(CollectedFor::of(row)?);
                let Some(lane) = Lane::of(module, row)? else { continue };
                listeners.extend(row.listening().map(|heard| Hearing::of(row, heard, &lane)));
            }
        }
        Ok(Self { listeners, collected })
    }
}

impl CollectedFor {
    fn of(row: &Row) -> Result<Option<Self>, LaneError> {
        let Some(collecting) = &row.collects else { return Ok(None) };
        if !collecting.is_valid() {
            return Err(LaneError::NotCollected { listener: row.id });
        }
        let (queue, dead_letter_queue) = queue_names(row.id, Topic::Standard);
        let hearing = Hearing {
            listener: row.id.to_owned(),
            types: collecting.types(),
            facets: Vec::new(),
            queue,
            dead_letter_queue,
            ordered: false,
            priority: interface::Priority::Normal.as_str().to_owned(),
            tries: collecting.tries,
            backoff_s: Vec::new(),
            on_exhausted: Exhausted::Park.as_str().to_owned(),
        };
        Ok(Some(Self { hearing, cadence: collecting.cadence.clone() }))
    }
}

impl Hearing {
    fn of(row: &Row, heard: &Listening, lane: &Lane) -> Self {
        Self {
            listener: row.id.to_owned(),
            types: heard.types(),
            facets: heard.facets.iter().map(|facet| (*facet).to_owned()).collect(),
            queue: lane.queue.clone(),
            dead_letter_queue: lane.dead_letter_queue.clone(),
            ordered: heard.ordering == Ordering::Aggregate,
            priority: heard.priority.as_str().to_owned(),
            tries: heard.tries,
            backoff_s: heard.backoff_s.clone(),
            on_exhausted: heard.on_exhausted.as_str().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use interface::Event;
    use interface::ops::{ACTION_PERFORMED, ActionPerformed, OUTBOX_STALLED};

    use super::*;
    use crate::call::event::{Outcome, Received};
    use crate::module::collect::{collect, collector};
    use crate::module::table::Group;
    use crate::ports::cadence::Cadence;

    fn modules(cadence: Cadence, batch: u32) -> Vec<Module> {
        let hears = |id, event: &Event<_>, cadence| {
            collect(id, event, cadence, |_, _: Vec<Received<ActionPerformed>>| async {
                Ok(Outcome::Done)
            })
        };
        let counts = hears("stats.on_registered", &ACTION_PERFORMED, cadence).batch(batch);
        let again = hears("stats.on_newcomer", &ACTION_PERFORMED, Cadence::Minutes(60));
        let collector = collector(|_, _| async { Ok(Outcome::Done) });
        vec![
            Module::new("stats", Group::Engagement, "Counts.", [counts, again]),
            Module::new("platform", Group::Engagement, "Carries.", [collector]),
        ]
    }

    #[test]
    fn the_collector_hears_whatever_is_collected_and_is_gone_where_nothing_is() {
        let modules = subscribe(modules(Cadence::Minutes(5), 100));
        let platform = modules.iter().find(|module| module.name == "platform").unwrap();
        let lane = Lane::of(platform, platform.row(COLLECTOR).unwrap()).unwrap().unwrap();
        assert_eq!(lane.filter, serde_json::json!({ "type": ["ops.action.performed"] }));
        let backbone = Backbone::of(&modules).unwrap();
        assert_eq!(backbone.collecting("ops.action.performed").count(), 2);
        assert_eq!(backbone.collecting(OUTBOX_STALLED.spec.name).count(), 0);
        let queues: Vec<&str> = backbone.listeners.iter().map(|one| one.queue.as_str()).collect();
        assert_eq!(queues, ["platform-on_scheduled_event"]);
        let without = subscribe(modules.into_iter().filter(|one| one.name != "stats").collect());
        assert!(without.iter().all(|module| module.rows.is_empty()));
        assert_eq!(Backbone::of(&without), Ok(Backbone::default()));
    }

    #[test]
    fn a_cadence_or_batch_that_is_none_is_refused() {
        let listener = "stats.on_registered";
        let rows = [
            (Cadence::Minutes(0), 100),
            (Cadence::cron("0 6 * * ?", "UTC"), 100),
            (Cadence::Minutes(5), 0),
            (Cadence::Minutes(5), 501),
        ];
        for (cadence, batch) in rows {
            let refused = Backbone::of(&modules(cadence, batch));
            assert_eq!(refused, Err(LaneError::NotCollected { listener }));
        }
    }
}
