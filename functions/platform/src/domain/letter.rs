//! What the key of an inbox row says: whose event it is, at which listener, in which replay.

use contracts::platform::EventAddress;
use kernel::{EventId, TenantId};

/// An event at a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub tenant_id: TenantId,
    pub livemode: bool,
    pub listener: String,
    pub event: EventId,
    /// A replay's id, where the event was handled apart from its first delivery.
    pub part: Option<String>,
}

impl Letter {
    /// Reads `T#<tenant>#<l|t>#INB#<listener>#<event>[#<part>]`; nothing where it is no such key.
    pub fn parse(partition: &str) -> Option<Self> {
        let parts: Vec<&str> = partition.split('#').collect();
        let (tenant, mode, listener, event, part) = match parts.as_slice() {
            ["T", tenant, mode, "INB", listener, event] => (tenant, mode, listener, event, None),
            ["T", tenant, mode, "INB", listener, event, part] => {
                (tenant, mode, listener, event, Some((*part).to_owned()))
            }
            _ => return None,
        };
        let livemode = match *mode {
            "l" => true,
            "t" => false,
            _ => return None,
        };
        Some(Self {
            tenant_id: tenant.parse().ok()?,
            livemode,
            listener: (*listener).to_owned(),
            event: event.parse().ok()?,
            part,
        })
    }

    /// The event's name.
    pub fn address(&self) -> EventAddress {
        EventAddress::of_id(self.tenant_id, self.livemode, self.event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_whole_or_not_at_all() {
        const TENANT: &str = "cli_01jd6gr000200r40m30r2gc1g0";
        const EVENT: &str = "evt_01jd6gr000200r40m30r2gc1g0";
        let start = format!("T#{TENANT}#t#INB#a.on_b#{EVENT}");
        let letter = Letter::parse(&start).unwrap();
        assert_eq!((letter.livemode, letter.listener.as_str()), (false, "a.on_b"));
        assert_eq!(letter.address().to_string(), format!("{TENANT}/t/{EVENT}"));
        let part = Letter::parse(&format!("{start}#rpl_1")).unwrap().part;
        assert_eq!(part.as_deref(), Some("rpl_1"));
        let wrong = [
            "",
            "SYS#DEAD#a.on_b",
            &format!("T#{TENANT}#INB#a.on_b#{EVENT}"),
            &format!("T#{TENANT}#x#INB#a.on_b#{EVENT}"),
            &format!("T#{TENANT}#l#CUR#a.on_b#{EVENT}"),
            &format!("T#{TENANT}#l#INB#a.on_b#evt_1"),
        ];
        for key in wrong {
            assert_eq!(Letter::parse(key), None, "{key}");
        }
    }
}
