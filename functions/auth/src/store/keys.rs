//! The table of the module and every key shape in it.

use kernel::{LinkId, SessionId, UserId};
use store::{Index, Key, PartitionKey, Scope, SortKey, Table, shard_of};

use crate::domain::address::Lookup;

/// Accounts nobody verified yet, oldest first: what the sweeper looks at.
pub const PENDING: Index = Index::new("pending", "pending_pk", "pending_sk").keys_only();

/// Accounts, sessions, links, counters and the public halves of signing keys.
pub const AUTH: Table = Table::new("auth").indexes(&[PENDING]).expires("expires_at");

/// Pending accounts are spread over so many partitions of their index.
const PENDING_SHARDS: u64 = 8;

/// Credentials, by address: found before anybody is signed in.
pub fn address(lookup: &Lookup) -> Key {
    let parts = (lookup.pepper_id.to_string(), lookup.digest.clone());
    Key::alone(Scope::directory().partition("EM", parts))
}

/// The security state of an account, in its home tenant.
pub fn subject(home: &Scope, user: UserId) -> Key {
    Key::new(home.partition("U", &user), "SEC")
}

/// A session, in the tenant it is for.
pub fn session(tenant: &Scope, session: SessionId) -> Key {
    Key::alone(tenant.partition("S", &session))
}

/// A session in the list of its owner, in the tenant it is for.
pub fn session_of(tenant: &Scope, user: UserId, session: SessionId) -> Key {
    Key::new(tenant.partition("U", &user), SortKey::of("S", &session))
}

/// A mailed link.
pub fn link(tenant: &Scope, link: LinkId) -> Key {
    Key::alone(tenant.partition("LNK", &link))
}

/// The counter of failed sign-ins of an address (by its look-up digest) or of a device (by its id).
pub fn counter(tenant: &Scope, subject: &str) -> Key {
    Key::alone(tenant.partition("LOCK", subject))
}

/// The public half of a signing key.
pub fn signing_key(kid: &str) -> Key {
    Key::new(signing_keys(), kid)
}

/// All public halves.
pub fn signing_keys() -> PartitionKey {
    Scope::directory().partition("KEYS", ())
}

/// Where a pending account is in [`PENDING`].
pub fn pending(user: UserId) -> PartitionKey {
    let shard = shard_of(&user.to_string(), PENDING_SHARDS);
    Scope::system().partition("PENDING", &shard)
}

#[cfg(test)]
mod tests {
    use kernel::TenantId;

    use super::*;

    #[test]
    fn keys_have_the_shapes_of_the_specification() {
        let home = Scope::tenant(TenantId::from_bytes([0; 16]));
        let zero = "00000000000000000000000000";
        let lookup = Lookup { pepper_id: 1, digest: "abc".to_owned() };
        let (user, ses) = (UserId::from_bytes([0; 16]), SessionId::from_bytes([0; 16]));
        let tenant = format!("T#cli_{zero}");
        let table = [
            (address(&lookup), "DIR#EM#1#abc".to_owned(), "-".to_owned()),
            (subject(&home, user), format!("{tenant}#U#usr_{zero}"), "SEC".to_owned()),
            (session(&home, ses), format!("{tenant}#S#ses_{zero}"), "-".to_owned()),
            (
                session_of(&home, user, ses),
                format!("{tenant}#U#usr_{zero}"),
                format!("S#ses_{zero}"),
            ),
            (
                link(&home, LinkId::from_bytes([0; 16])),
                format!("{tenant}#LNK#lnk_{zero}"),
                "-".to_owned(),
            ),
            (counter(&home, "abc"), format!("{tenant}#LOCK#abc"), "-".to_owned()),
            (signing_key("kid"), "DIR#KEYS".to_owned(), "kid".to_owned()),
        ];
        for (key, pk, sk) in table {
            assert_eq!(key.texts(), Ok((pk.as_str(), sk.as_str())));
        }
        assert!(pending(user).text().unwrap().starts_with("SYS#PENDING#"));
    }
}
