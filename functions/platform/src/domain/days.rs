//! Under which day an event is found by its id alone.

use std::time::Duration;

use kernel::EventId;

/// A commit reads the clock before it makes the ids of its events: so far the two can be apart.
pub const CLOCK_GAP: Duration = Duration::from_secs(1);

/// The UTC days whose index can hold the event, likeliest first: the id carries its time.
pub fn of(event: EventId) -> Vec<String> {
    let at = event.created_at();
    let (day, before) = (at.day(), at.minus(CLOCK_GAP).day());
    if day == before { vec![day] } else { vec![day, before] }
}

#[cfg(test)]
mod tests {
    use kernel::Timestamp;

    use super::*;

    #[test]
    fn an_event_of_the_first_second_can_stand_under_the_day_before() {
        let midnight = Timestamp::from_ms(1_795_305_600_000);
        let table = [
            (midnight.minus(Duration::from_millis(1)), vec!["2026-11-21"]),
            (midnight, vec!["2026-11-22", "2026-11-21"]),
            (midnight.plus(CLOCK_GAP), vec!["2026-11-22"]),
        ];
        for (at, expected) in table {
            assert_eq!(of(EventId::new(at, [0; 10])), expected, "{at}");
        }
    }
}
