//! Sessions: how long they live, and how many a person may have.

use std::time::Duration;

use kernel::{SessionId, TenantId, Timestamp};

/// Sessions a person may have over all tenants.
pub const MAX_SESSIONS: usize = 50;

/// Sessions a person may have in one tenant, where the tenant says nothing else.
pub const TENANT_SESSIONS: usize = 20;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// How long the sessions of a tenant live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    idle: Duration,
    absolute: Duration,
}

impl Lifetimes {
    /// The usual lifetimes: 14 days without use, 90 days in all.
    pub const DEFAULT: Self = Self {
        idle: Duration::from_secs(14 * 24 * 3600),
        absolute: Duration::from_secs(90 * 24 * 3600),
    };

    /// The lifetimes of a login without "remember me": 12 hours without use, one day in all.
    pub const NOT_REMEMBERED: Self =
        Self { idle: Duration::from_secs(12 * 3600), absolute: Duration::from_secs(24 * 3600) };

    /// A tenant's lifetimes, brought into their limits: idle 1 hour – 90 days, absolute at most 365
    /// days and never below idle.
    pub fn new(idle: Duration, absolute: Duration) -> Self {
        let idle = idle.clamp(HOUR, DAY * 90);
        Self { idle, absolute: absolute.clamp(idle, DAY * 365) }
    }

    /// The lifetimes of one login: without "remember me" the shorter of each.
    pub fn of_login(self, remember: bool) -> Self {
        if remember {
            return self;
        }
        let short = Self::NOT_REMEMBERED;
        Self { idle: self.idle.min(short.idle), absolute: self.absolute.min(short.absolute) }
    }

    /// When a session of these lifetimes ends for good, started now.
    pub fn absolute_end(self, now: Timestamp) -> Timestamp {
        now.plus(self.absolute)
    }

    /// When a session ends if it is not used from now on; never after its absolute end.
    pub fn idle_end(self, now: Timestamp, absolute_end: Timestamp) -> Timestamp {
        now.plus(self.idle).min(absolute_end)
    }

    /// Idle lifetime, as kept with the session.
    pub fn idle(self) -> Duration {
        self.idle
    }
}

/// When an access token issued now ends: after its life, never after the session.
pub fn access_token_end(now: Timestamp, life: Duration, session_end: Timestamp) -> Timestamp {
    now.plus(life).min(session_end)
}

/// A session in the list kept with the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The session.
    pub id: SessionId,
    /// The tenant it is in.
    pub tenant: TenantId,
    /// When it ends for good.
    pub expires_at: Timestamp,
}

/// What must leave the list before one session more is entered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Ended by themselves: dropped from the list.
    pub expired: Vec<SessionId>,
    /// The oldest ones above a limit: revoked.
    pub revoked: Vec<SessionId>,
}

/// Makes room for a session in `tenant`: at most `tenant_limit` there (brought into 1–50) and
/// `MAX_SESSIONS` over all tenants. The oldest go first; ids sort by age.
pub fn make_room(list: &[Entry], tenant: TenantId, tenant_limit: usize, now: Timestamp) -> Room {
    let tenant_limit = tenant_limit.clamp(1, MAX_SESSIONS);
    let (mut alive, expired): (Vec<&Entry>, Vec<&Entry>) =
        list.iter().partition(|entry| now < entry.expires_at);
    alive.sort_unstable_by_key(|entry| entry.id);

    let here = alive.iter().filter(|entry| entry.tenant == tenant).count();
    let above_here = (here + 1).saturating_sub(tenant_limit);
    let mut revoked: Vec<SessionId> = alive
        .iter()
        .filter(|entry| entry.tenant == tenant)
        .take(above_here)
        .map(|entry| entry.id)
        .collect();
    let above_all = (alive.len() + 1).saturating_sub(revoked.len() + MAX_SESSIONS);
    let also: Vec<SessionId> = alive
        .iter()
        .map(|entry| entry.id)
        .filter(|id| !revoked.contains(id))
        .take(above_all)
        .collect();
    revoked.extend(also);
    Room { expired: expired.into_iter().map(|entry| entry.id).collect(), revoked }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn tenant(number: u8) -> TenantId {
        TenantId::from_bytes([number; 16])
    }

    fn session(number: u8) -> SessionId {
        SessionId::new(Timestamp::from_ms(i64::from(number)), [0; 10])
    }

    fn entry(number: u8, in_tenant: u8) -> Entry {
        Entry { id: session(number), tenant: tenant(in_tenant), expires_at: NOW.plus(HOUR) }
    }

    #[test]
    fn lifetimes_stay_within_their_limits() {
        let table = [
            ((DAY * 14, DAY * 90), (DAY * 14, DAY * 90)),
            ((Duration::ZERO, Duration::ZERO), (HOUR, HOUR)),
            ((DAY * 91, DAY * 400), (DAY * 90, DAY * 365)),
            ((DAY * 10, DAY), (DAY * 10, DAY * 10)),
        ];
        for ((idle, absolute), expected) in table {
            let lifetimes = Lifetimes::new(idle, absolute);
            assert_eq!((lifetimes.idle, lifetimes.absolute), expected);
        }
    }

    #[test]
    fn without_remember_me_a_session_is_short_and_never_longer_than_the_tenant_allows() {
        let short = Lifetimes::DEFAULT.of_login(false);
        assert_eq!(short, Lifetimes::NOT_REMEMBERED);
        assert_eq!(Lifetimes::DEFAULT.of_login(true), Lifetimes::DEFAULT);
        let strict = Lifetimes::new(HOUR, HOUR * 2);
        assert_eq!(strict.of_login(false), strict);
    }

    #[test]
    fn neither_idle_end_nor_token_end_passes_the_absolute_end() {
        let end = Lifetimes::DEFAULT.absolute_end(NOW);
        assert_eq!(Lifetimes::DEFAULT.idle_end(NOW, end), NOW.plus(DAY * 14));
        assert_eq!(Lifetimes::DEFAULT.idle_end(end.minus(HOUR), end), end);
        let life = Duration::from_secs(600);
        assert_eq!(access_token_end(NOW, life, end), NOW.plus(life));
        assert_eq!(access_token_end(end.minus(HOUR / 60), life, end), end);
    }

    #[test]
    fn the_oldest_sessions_make_room() {
        let full_here: Vec<Entry> = (1..=20).rev().map(|number| entry(number, 1)).collect();
        let table = [
            (vec![], 20, vec![]),
            (full_here[1..].to_vec(), 20, vec![]),
            (full_here.clone(), 20, vec![session(1)]),
            (full_here.clone(), 18, vec![session(1), session(2), session(3)]),
            (full_here.clone(), 21, vec![]),
            (vec![entry(1, 1), entry(2, 2)], 1, vec![session(1)]),
            (vec![entry(1, 1), entry(2, 2)], 0, vec![session(1)]),
        ];
        for (list, limit, revoked) in table {
            assert_eq!(make_room(&list, tenant(1), limit, NOW).revoked, revoked);
        }
    }

    #[test]
    fn fifty_sessions_over_all_tenants_are_the_most() {
        let elsewhere: Vec<Entry> = (1..=50).map(|number| entry(number, 2)).collect();
        assert_eq!(make_room(&elsewhere, tenant(1), 20, NOW).revoked, [session(1)]);
        let mixed: Vec<Entry> =
            (1..=50).map(|number| entry(number, if number > 40 { 1 } else { 2 })).collect();
        assert_eq!(make_room(&mixed, tenant(1), 10, NOW).revoked, [session(41)]);
        assert_eq!(make_room(&mixed, tenant(1), 20, NOW).revoked, [session(1)]);
    }

    #[test]
    fn expired_sessions_leave_without_being_revoked() {
        let over = Entry { expires_at: NOW, ..entry(1, 1) };
        let room = make_room(&[over, entry(2, 1)], tenant(1), 2, NOW);
        assert_eq!(room, Room { expired: vec![session(1)], revoked: vec![] });
    }
}
