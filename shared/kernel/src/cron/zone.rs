//! Time zones by their IANA names, from the data this program carries: a Lambda image has none.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::NotCron;
use crate::time::Timestamp;

/// A time zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }

    /// The zone of an IANA name such as `Europe/Berlin`. Refuses a name nobody knows.
    pub fn parse(name: &str) -> Result<Self, NotCron> {
        let unknown =
            || NotCron(format!("{name} is no time zone: write a name like Europe/Berlin"));
        let zone = jiff::tz::db().get(name).map_err(|_| unknown())?;
        let name = zone.iana_name().ok_or_else(unknown)?.to_owned();
        Ok(Self { name, zone })
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What clocks of the zone show at this instant.
    pub(super) fn local(&self, at: Timestamp) -> Option<DateTime> {
        let at = jiff::Timestamp::from_millisecond(at.ms()).ok()?;
        Some(self.zone.to_datetime(at))
    }

    /// The instant at which clocks of the zone show this: the first of two, and where there is none,
    /// the first after the gap.
    pub(super) fn instant(&self, local: DateTime) -> Option<Timestamp> {
        let found = match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok()?,
            // `before` is the offset that holds first.
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).ok()?,
            AmbiguousOffset::Gap { after, .. } => {
                let earlier = after.to_timestamp(local).ok()?;
                self.zone.following(earlier).next()?.timestamp()
            }
        };
        Some(Timestamp::from_ms(found.as_millisecond()))
    }
}
