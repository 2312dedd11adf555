//! The store against the embedded engine, behind the real SDK.

mod batches;
mod commits;
mod engine;
mod folds;
mod outboxes;
mod reads;
mod rows;
mod timers;

use kernel::{TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Head, Index, Key, Places, Scope, Stored, Table, Update, Versioned};

/// Noon of 1 June 2030.
const NOON: Timestamp = Timestamp::from_ms(1_906_545_600_000);

const BY_STATUS: Index = Index::new("by_status", "status_pk", "status_sk");
const BY_AGE: Index = Index::new("by_age", "age_pk", "age").by_number();
const WALLETS: Table = Table::new("wallet").indexes(&[BY_STATUS, BY_AGE]);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wallet {
    id: String,
    #[serde(flatten)]
    head: Head,
    status: String,
    #[serde(with = "crate::big")]
    available: u128,
    note: Option<String>,
    age: i64,
}

impl Stored for Wallet {
    const TABLE: Table = WALLETS;

    fn key(&self) -> Key {
        key(&self.id)
    }

    fn index(&self, places: &mut Places) {
        places.put(&BY_STATUS, tenant().partition("STATUS", &self.status), &self.id);
        places.put(&BY_AGE, tenant().partition("AGES", ()), self.age);
    }
}

impl Versioned for Wallet {
    fn head(&self) -> Head {
        self.head
    }
}

fn tenant() -> Scope {
    Scope::tenant(TenantId::from_bytes([7; 16])).mode(true)
}

fn key(id: &str) -> Key {
    Key::alone(tenant().partition("W", id))
}

fn wallet(id: &str) -> Wallet {
    Wallet {
        id: id.to_owned(),
        head: Head::NEW,
        status: "open".to_owned(),
        available: 10_u128.pow(36),
        note: None,
        age: 1,
    }
}

/// Adds to a wallet's amount: not harmless to repeat.
fn credit(id: &str, amount: i128) -> Update {
    Update::of(WALLETS, key(id)).add("available", amount)
}
