//! Events about the running of the platform. Module `platform` announces them, whatever their names
//! begin with; [`LISTENER_BLOCKED`] comes from the event batches of any module, in its name.

use kernel::{EntityKind, EntityRef, EventId, ReplayId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::envelope::SUBJECT_MAX;
use crate::largest::ASCII;
use crate::{Event, Fact, events};

/// The module of these events.
const ANNOUNCER: &str = "platform";

events! {
    /// Announced events wait too long to be published.
    OUTBOX_STALLED: Event<OutboxStalled> =
        Event::new("ops.outbox.stalled", EntityKind::Operation)
            .announced_by(ANNOUNCER)
            .urgent()
            .nth(1);

    /// A listener gave up on an event in order: later events of the same entity wait for an operator.
    LISTENER_BLOCKED: Event<ListenerBlocked> =
        Event::new("ops.listener.blocked", EntityKind::Operation)
            .announced_by(ANNOUNCER)
            .urgent()
            .nth(1);

    /// An operator changed something by hand.
    ACTION_PERFORMED: Event<ActionPerformed> =
        Event::new("ops.action.performed", EntityKind::Operation).announced_by(ANNOUNCER).nth(1);
}

/// Data of [`OUTBOX_STALLED`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct OutboxStalled {
    /// How long the oldest has waited, in seconds.
    #[schemars(extend("x-pii" = "fact"))]
    pub oldest_age_s: u32,
    /// How many wait.
    #[schemars(extend("x-pii" = "fact"))]
    pub pending: u32,
}

impl Fact for OutboxStalled {
    fn sample() -> Self {
        Self { oldest_age_s: 180, pending: 42 }
    }
}

/// Data of [`LISTENER_BLOCKED`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ListenerBlocked {
    /// The listener's id.
    #[schemars(length(max = 64), extend("x-pii" = "fact"))]
    pub listener: String,
    /// The event it gave up on.
    pub event_id: EventId,
    /// The entity whose events wait.
    #[schemars(length(max = SUBJECT_MAX))]
    pub aggregate: EntityRef,
    /// Why it gave up.
    #[schemars(length(max = 64), extend("x-pii" = "fact"))]
    pub error_code: String,
}

impl Fact for ListenerBlocked {
    fn sample() -> Self {
        let event_id = EventId::from_bytes(SAMPLE);
        Self {
            listener: "webhook.on_ordered_public_event".to_owned(),
            event_id,
            aggregate: EntityRef::new(EntityKind::Payment, "pay_01jd6gr000200r40m30r2gc1g0"),
            error_code: "dependency_unavailable".to_owned(),
        }
    }
}

/// Data of [`ACTION_PERFORMED`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ActionPerformed {
    /// The function that was called.
    #[schemars(length(max = 64), extend("x-pii" = "fact"))]
    pub action: String,
    /// Who called it, as the cloud names them.
    #[schemars(length(max = 256), extend("x-pii" = "fact"))]
    pub operator: String,
    #[schemars(length(min = 3, max = 500), extend("x-pii" = "fact"))]
    pub reason: String,
    /// What it was done to: ids, entities and event types, at most 100.
    #[schemars(
        length(max = 100),
        inner(length(max = SUBJECT_MAX), regex(pattern = ASCII)),
        extend("x-pii" = "fact")
    )]
    pub targets: Vec<String>,
    /// The replay it started or ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ReplayId")]
    pub replay_id: Option<ReplayId>,
}

impl Fact for ActionPerformed {
    fn sample() -> Self {
        Self {
            action: "platform.event_replay".to_owned(),
            operator: "operator".to_owned(),
            reason: "the receiver was down".to_owned(),
            targets: vec![EventId::from_bytes(SAMPLE).to_string()],
            replay_id: Some(ReplayId::from_bytes(SAMPLE)),
        }
    }
}

const SAMPLE: [u8; 16] = [1, 147, 77, 12, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
