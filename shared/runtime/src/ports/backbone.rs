//! What all module tables together say about events: who hears what, and which ordered events also go to
//! the standard topic. A program holds one module; this is how it knows the others.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::cadence::Cadence;

/// A backbone that is read once it is asked for: few functions ever do.
pub type Unread = LazyLock<Backbone, Box<dyn FnOnce() -> Backbone + Send>>;

/// The listeners of the whole platform.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Backbone {
    pub listeners: Vec<Hearing>,
    /// Whom events are collected for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collected: Vec<CollectedFor>,
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
