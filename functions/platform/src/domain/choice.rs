//! Which rows an order is about: named ones, or all of a type.

use contracts::platform::{EventAddress, IDS_MAX, OutboxChoice, TOO_MANY_IDS};
use kernel::Error;
use kernel::problem::VALIDATION_FAILED;

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    Events(Vec<EventAddress>),
    /// The oldest failed ones of this type, canonical or alias.
    Kind(String),
}

/// Why nothing was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("name at most {IDS_MAX} events at once")]
    TooMany,
    #[error("name events or a type, and not both")]
    NotOne,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let problem = match refusal {
            Refusal::TooMany => &TOO_MANY_IDS,
            Refusal::NotOne => &VALIDATION_FAILED,
        };
        problem.because(refusal.to_string())
    }
}

/// The rows of an outbox order.
pub fn decide(asked: OutboxChoice) -> Result<Choice, Refusal> {
    few(&asked.events)?;
    match (asked.events.is_empty(), asked.kind) {
        (false, None) => Ok(Choice::Events(asked.events)),
        (true, Some(kind)) => Ok(Choice::Kind(kind)),
        (true, None) | (false, Some(_)) => Err(Refusal::NotOne),
    }
}

/// Refuses a list that is too long for one order.
pub fn few(events: &[EventAddress]) -> Result<(), Refusal> {
    if events.len() > IDS_MAX { Err(Refusal::TooMany) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use kernel::{EventId, TenantId};

    use super::*;

    #[test]
    fn an_order_names_events_or_a_type() {
        let event =
            EventAddress::of_id(TenantId::from_bytes([0; 16]), true, EventId::from_bytes([1; 16]));
        let asked = |count, kind: Option<&str>| OutboxChoice {
            events: vec![event.clone(); count],
            kind: kind.map(str::to_owned),
        };
        let table = [
            (asked(101, None), Err(Refusal::TooMany)),
            (asked(101, Some("a.b")), Err(Refusal::TooMany)),
            (asked(0, None), Err(Refusal::NotOne)),
            (asked(1, Some("a.b")), Err(Refusal::NotOne)),
            (asked(100, None), Ok(Choice::Events(vec![event.clone(); 100]))),
            (asked(0, Some("a.b")), Ok(Choice::Kind("a.b".to_owned()))),
        ];
        for (asked, expected) in table {
            assert_eq!(decide(asked), expected);
        }
    }
}
