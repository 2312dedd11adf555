//! Every key of table `notification`.

use events::notification::Queued;
use kernel::{EventId, NotificationId, TenantId, UserId};
use runtime::digest::hex_sha256;
use store::{DUE, Index, Key, PartitionKey, Scope, SortKey, Table, shard_of};

use crate::domain::channel::Channel;

/// A person's notifications, oldest first.
pub const BY_USER: Index = Index::new("by_user", "user_pk", "notification_id");
/// A tenant's notifications of a UTC day, oldest first.
pub const BY_DAY: Index = Index::new("by_day", "day_pk", "notification_id");

/// Notifications, their rows, contacts and inboxes.
pub const NOTIFICATION: Table =
    Table::new("notification").indexes(&[BY_USER, BY_DAY, DUE]).expires("expires_at").guarded();

/// Partitions the due index is spread over.
pub const DUE_SHARDS: u64 = 16;

/// One row of a notification, whoever's it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowName {
    pub notification: NotificationId,
    pub channel: Channel,
    pub number: u32,
}

impl RowName {
    /// The row an event names; nothing where its channel has no dispatcher.
    pub fn of(queued: &Queued) -> Option<Self> {
        let channel = Channel::parse(queued.channel.as_str())?;
        Some(Self { notification: queued.notification_id, channel, number: queued.number })
    }
}

/// `<t>#N#<notification>` / `META`.
pub fn parent(scope: &Scope, notification: NotificationId) -> Key {
    Key::new(scope.partition("N", &notification), "META")
}

/// `<t>#N#<notification>` / `CH#<channel>#<number>`.
pub fn row(scope: &Scope, name: &RowName) -> Key {
    let sort = SortKey::of("CH", (name.channel.as_str(), name.number));
    Key::new(scope.partition("N", &name.notification), sort)
}

/// Reads a row's key back, as the due index hands it out: whose row, in which mode, which one.
pub fn read_row(key: &Key) -> Option<(TenantId, bool, RowName)> {
    let (partition, sort) = key.texts().ok()?;
    let parts: Vec<&str> = partition.split('#').collect();
    let ["T", tenant, mode, "N", notification] = parts.as_slice() else { return None };
    let livemode = match *mode {
        "l" => true,
        "t" => false,
        _ => return None,
    };
    let (channel, number) = sort.strip_prefix("CH#")?.split_once('#')?;
    let name = RowName {
        notification: notification.parse().ok()?,
        channel: Channel::parse(channel)?,
        number: number.parse().ok()?,
    };
    Some((tenant.parse().ok()?, livemode, name))
}

/// `<t>#WE#<event>` / `<user>`: why an event led to what it led to.
pub fn why(scope: &Scope, event: EventId, user: UserId) -> Key {
    Key::new(scope.partition("WE", &event), user.to_string())
}

/// `<t>#DK#<hash of dedupe key and recipient>`: planned before.
pub fn plan_guard(scope: &Scope, dedupe_key: &str, user: UserId) -> Key {
    let hash = hex_sha256(&[dedupe_key.as_bytes(), user.to_string().as_bytes()]);
    Key::alone(scope.partition("DK", &hash))
}

/// `<t>#HO#<hash of dedupe key, channel and recipient>`: handed over before.
pub fn hand_off_guard(scope: &Scope, dedupe_key: &str, channel: Channel, user: UserId) -> Key {
    let user = user.to_string();
    let hash = hex_sha256(&[dedupe_key.as_bytes(), channel.as_str().as_bytes(), user.as_bytes()]);
    Key::alone(scope.partition("HO", &hash))
}

/// `<t>#U#<user>` / `CONTACT`.
pub fn contact(scope: &Scope, user: UserId) -> Key {
    Key::new(of_user(scope, user), "CONTACT")
}

/// `<t>#U#<user>`: also the partition of [`BY_USER`].
pub fn of_user(scope: &Scope, user: UserId) -> PartitionKey {
    scope.partition("U", &user)
}

/// `<t>#DAY#<date>`: the partition of [`BY_DAY`].
pub fn of_day(scope: &Scope, day: &str) -> PartitionKey {
    scope.partition("DAY", day)
}

/// `<t>#IN#<user>`: an inbox.
pub fn inbox(scope: &Scope, user: UserId) -> PartitionKey {
    scope.partition("IN", &user)
}

/// `<t>#IN#<user>` / `META`: its counters.
pub fn inbox_meta(scope: &Scope, user: UserId) -> Key {
    Key::new(inbox(scope, user), "META")
}

/// `<t>#IN#<user>` / `S#<12 digits>`: one item.
pub fn inbox_item(scope: &Scope, user: UserId, seq: u64) -> Key {
    Key::new(inbox(scope, user), item_sort(seq))
}

/// `S#<12 digits>`, so that text order is number order.
pub fn item_sort(seq: u64) -> String {
    format!("S#{seq:012}")
}

/// `SYS#DUE#<00…15>`: the shard of the due index a row is in.
pub fn due_of(row: &Key) -> PartitionKey {
    let text = row.pk.text().unwrap_or_default();
    due_shard(shard_of(text, DUE_SHARDS))
}

/// One shard of the due index.
pub fn due_shard(shard: u64) -> PartitionKey {
    Scope::system().partition("DUE", &format!("{shard:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_key_reads_back_as_it_was_written() {
        let tenant = TenantId::from_bytes([1; 16]);
        for livemode in [true, false] {
            for channel in Channel::ALL {
                let notification = NotificationId::from_bytes([2; 16]);
                let name = RowName { notification, channel, number: 3 };
                let key = row(&Scope::tenant(tenant).mode(livemode), &name);
                assert_eq!(read_row(&key), Some((tenant, livemode, name)));
            }
        }
        let scope = Scope::tenant(tenant).mode(true);
        assert_eq!(read_row(&parent(&scope, NotificationId::from_bytes([2; 16]))), None);
        assert_eq!(read_row(&contact(&scope, UserId::from_bytes([3; 16]))), None);
    }

    #[test]
    fn guards_tell_keys_channels_and_people_apart() {
        let scope = Scope::tenant(TenantId::from_bytes([1; 16])).mode(true);
        let [ada, eve] = [3, 4].map(|byte| UserId::from_bytes([byte; 16]));
        let all = [
            hand_off_guard(&scope, "a", Channel::Mail, ada),
            hand_off_guard(&scope, "a", Channel::Mail, eve),
            hand_off_guard(&scope, "a", Channel::Database, ada),
            hand_off_guard(&scope, "b", Channel::Mail, ada),
            plan_guard(&scope, "a", ada),
            plan_guard(&scope, "a", eve),
            plan_guard(&scope, "b", ada),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(one.texts().is_ok() && !all[..at].contains(one), "{at}");
        }
    }

    #[test]
    fn item_keys_sort_as_their_numbers() {
        assert_eq!(item_sort(7), "S#000000000007");
        assert!(item_sort(9) < item_sort(10) && item_sort(999) < item_sort(1_000));
    }
}
