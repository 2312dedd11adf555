//! How operators name events and plans: with tenant and mode, because every key starts with them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use kernel::{EntityRef, EventId, TenantId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One event of one tenant and mode. Written `<tenant>/<l|t>/<event id>`, or
/// `<tenant>/<l|t>/<entity type>/<entity id>/<sequence>`, which is found without a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventAddress {
    pub tenant_id: TenantId,
    pub livemode: bool,
    pub place: Place,
}

/// Which of the tenant's events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Id(EventId),
    /// The n-th event of an entity.
    Nth(EntityRef, u64),
}

/// One scheduled event: written `<tenant>/<l|t>/<module>/<key>`; the key may hold slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleAddress {
    pub tenant_id: TenantId,
    pub livemode: bool,
    /// The module that planned it.
    pub module: String,
    /// The name it gave it.
    pub key: String,
}

/// Text that names no scheduled event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a scheduled event is written <tenant>/<l|t>/<module>/<key>")]
pub struct NotASchedule;

/// Text that names no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an event is written <tenant>/<l|t>/<event id>, or \
     <tenant>/<l|t>/<entity type>/<entity id>/<sequence>"
)]
pub struct NotAnAddress;

impl EventAddress {
    /// The event of this id.
    pub const fn of_id(tenant_id: TenantId, livemode: bool, event: EventId) -> Self {
        Self { tenant_id, livemode, place: Place::Id(event) }
    }

    /// The n-th event of an entity.
    pub const fn nth(
        tenant_id: TenantId,
        livemode: bool,
        subject: EntityRef,
        sequence: u64,
    ) -> Self {
        Self { tenant_id, livemode, place: Place::Nth(subject, sequence) }
    }
}

impl fmt::Display for EventAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/", self.tenant_id, mode(self.livemode))?;
        match &self.place {
            Place::Id(event) => event.fmt(f),
            Place::Nth(subject, sequence) => write!(f, "{subject}/{sequence}"),
        }
    }
}

/// Tenant and mode at the start of an address, and what follows.
fn owner(text: &str) -> Option<(TenantId, bool, &str)> {
    let (tenant, rest) = text.split_once('/')?;
    let (mode, rest) = rest.split_once('/')?;
    let livemode = match mode {
        "l" => true,
        "t" => false,
        _ => return None,
    };
    Some((tenant.parse().ok()?, livemode, rest))
}

const fn mode(livemode: bool) -> char {
    if livemode { 'l' } else { 't' }
}

impl fmt::Display for ScheduleAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenant_id, livemode, module, key } = self;
        write!(f, "{tenant_id}/{}/{module}/{key}", mode(*livemode))
    }
}

impl FromStr for ScheduleAddress {
    type Err = NotASchedule;

    fn from_str(text: &str) -> Result<Self, NotASchedule> {
        let (tenant_id, livemode, rest) = owner(text).ok_or(NotASchedule)?;
        let (module, key) = rest.split_once('/').ok_or(NotASchedule)?;
        if module.is_empty() || key.is_empty() {
            return Err(NotASchedule);
        }
        Ok(Self { tenant_id, livemode, module: module.to_owned(), key: key.to_owned() })
    }
}

impl FromStr for EventAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let (tenant_id, livemode, rest) = owner(text).ok_or(NotAnAddress)?;
        let place = match rest.rsplit_once('/') {
            None => Place::Id(rest.parse().map_err(|_| NotAnAddress)?),
            Some((subject, sequence)) => {
                let subject = subject.parse().map_err(|_| NotAnAddress)?;
                Place::Nth(subject, sequence.parse().map_err(|_| NotAnAddress)?)
            }
        };
        Ok(Self { tenant_id, livemode, place })
    }
}

macro_rules! as_text {
    ($($address:ident)+) => {
        $(impl Serialize for $address {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $address {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        })+
    };
}

as_text! { EventAddress ScheduleAddress }

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "cli_01jd6gr000200r40m30r2gc1g0";
    const EVENT: &str = "evt_01jd6gr000200r40m30r2gc1g0";

    #[test]
    fn addresses_round_trip() {
        for rest in [format!("l/{EVENT}"), format!("t/{EVENT}"), "l/payment/pay_1/12".to_owned()] {
            let text = format!("{TENANT}/{rest}");
            assert_eq!(text.parse::<EventAddress>().map(|one| one.to_string()), Ok(text));
        }
        let schedule = format!("{TENANT}/t/subscription/renewal/sub_1");
        assert_eq!(schedule.parse::<ScheduleAddress>().map(|one| one.to_string()), Ok(schedule));
    }

    #[test]
    fn what_names_no_event_is_refused() {
        let wrong = [
            EVENT.to_owned(),
            format!("{TENANT}/{EVENT}"),
            format!("{TENANT}/x/{EVENT}"),
            format!("{TENANT}/l/"),
            format!("{TENANT}/l/usr_01jd6gr000200r40m30r2gc1g0"),
            format!("{TENANT}/l/payment/pay_1"),
            format!("{TENANT}/l/payment/pay_1/first"),
            format!("{TENANT}/l/spaceship/1/1"),
            format!("acme/l/{EVENT}"),
        ];
        for text in wrong {
            assert_eq!(text.parse::<EventAddress>(), Err(NotAnAddress), "{text}");
        }
        for text in ["", "a/b", &format!("{TENANT}/l/billing"), &format!("{TENANT}/l//key")] {
            assert_eq!(text.parse::<ScheduleAddress>(), Err(NotASchedule), "{text}");
        }
    }
}
