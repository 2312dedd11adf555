//! What all module tables together say about events: who hears what, and which ordered events also go to
//! the standard topic. A program holds one module; this is how it knows the others.

use std::sync::LazyLock;

use interface::Ordering;
use serde::{Deserialize, Serialize};

use crate::collect::Cadence;
use crate::listening::{Exhausted, Listening};
use crate::module::{Module, Row, Trigger};
use crate::wiring::{JOB_RECEIVES, Lane, LaneError, Topic, queue_names, topic_of};

/// A backbone that is read once it is asked for: few functions ever do.
pub type Unread = LazyLock<Backbone, Box<dyn FnOnce() -> Backbone + Send>>;

/// The listeners of the whole platform.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Backbone {
    pub listeners: Vec<Hearing>,
    /// Whom events are collected for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collected: Vec<CollectedFor>,
    /// The queues of other jobs, which hear no event: what they give up is seen with all else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<Hearing>,
}

/// One listener that events are collected for, as the collector and operators have to know it: its queue
/// takes hand-outs, and events that are to be collected again.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct CollectedFor {
    #[serde(flatten)]
    pub hearing: Hearing,
    pub cadence: Cadence,
}

/// One listener, as others have to know it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Hearing {
    pub listener: String,
    /// Values of the message attribute `type`.
    pub types: Vec<String>,
    /// Values of the attribute `facet`; empty takes all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facets: Vec<String>,
    /// Name of its queue after the stage's prefix.
    pub queue: String,
    pub dead_letter_queue: String,
    pub ordered: bool,
    pub priority: String,
    pub tries: u32,
    pub backoff_s: Vec<u32>,
    /// `block`, `skip` or `park`.
    pub on_exhausted: String,
}

impl Backbone {
    /// What these modules say; refuses a listener that cannot be subscribed.
    pub fn of(modules: &[Module]) -> Result<Self, LaneError> {
        let (mut listeners, mut collected, mut jobs) = (Vec::new(), Vec::new(), Vec::new());
        for module in modules {
            for row in &module.rows {
                collected.extend(CollectedFor::of(row)?);
                jobs.extend(Hearing::of_job(row));
                let Some(lane) = Lane::of(module, row)? else { continue };
                listeners.extend(row.listening().map(|heard| Hearing::of(row, heard, &lane)));
            }
        }
        Ok(Self { listeners, collected, jobs })
    }

    /// What was generated when a program was built; empty where the text is none.
    pub fn read(generated: &str) -> Self {
        serde_json::from_str(generated).unwrap_or_default()
    }

    /// Whether an ordered event of this topic type also goes to the standard topic, because a listener
    /// that does not ask for order hears it.
    pub fn is_mirrored(&self, topic_type: &str) -> bool {
        self.hearing(topic_type).any(|one| !one.ordered)
    }

    /// Who hears events of this topic type.
    pub fn hearing(&self, topic_type: &str) -> impl Iterator<Item = &Hearing> {
        self.listeners.iter().filter(move |one| one.types.iter().any(|own| own == topic_type))
    }

    /// Whom events of this topic type are collected for.
    pub fn collecting(&self, topic_type: &str) -> impl Iterator<Item = &CollectedFor> {
        self.collected
            .iter()
            .filter(move |one| one.hearing.types.iter().any(|own| own == topic_type))
    }

    /// Who takes events back that were given up under this id: a listener, or one that events are
    /// collected for.
    pub fn addressee(&self, id: &str) -> Option<&Hearing> {
        let collected = self.collected.iter().map(|one| &one.hearing);
        self.listeners.iter().chain(collected).find(|one| one.listener == id)
    }

    /// The listener of this id.
    pub fn listener(&self, id: &str) -> Option<&Hearing> {
        self.listeners.iter().find(|one| one.listener == id)
    }
}

impl CollectedFor {
    fn of(row: &Row) -> Result<Option<Self>, LaneError> {
        let Some(collecting) = &row.collects else { return Ok(None) };
        if !collecting.is_valid() {
            return Err(LaneError::NotCollected { listener: row.id });
        }
        let hearing = Hearing {
            types: collecting.types(),
            tries: collecting.tries,
            ..Hearing::of_queue(row)
        };
        Ok(Some(Self { hearing, cadence: collecting.cadence.clone() }))
    }
}

impl Hearing {
    /// A queue that hears no event yet.
    fn of_queue(row: &Row) -> Self {
        let (queue, dead_letter_queue) = queue_names(row.id, Topic::Standard);
        Self {
            listener: row.id.to_owned(),
            types: Vec::new(),
            facets: Vec::new(),
            queue,
            dead_letter_queue,
            ordered: false,
            priority: interface::Priority::Normal.as_str().to_owned(),
            tries: JOB_RECEIVES,
            backoff_s: Vec::new(),
            on_exhausted: Exhausted::Park.as_str().to_owned(),
        }
    }

    fn of_job(row: &Row) -> Option<Self> {
        let is_job = matches!(row.trigger, Trigger::Job) && row.collects.is_none();
        is_job.then(|| Self::of_queue(row))
    }

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

impl Exhausted {
    /// The word in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Skip => "skip",
            Self::Park => "park",
        }
    }
}

/// The names of a listener's queue and dead-letter queue after the stage's prefix.
pub(crate) fn queues_of(row: &Row) -> Option<(String, String)> {
    let topic = topic_of(row, row.listening()?).unwrap_or(Topic::Standard);
    Some(queue_names(row.id, topic))
}
