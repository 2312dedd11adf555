//! Events for tests: one of two majors, and a plain one.

use kernel::{EntityKind, EventId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::Superseded;
use crate::{Event, Fact, events};

events! {
    /// A payment began.
    CREATED: Event<Created> = Event::new("payment.created", EntityKind::Payment).major(2).public();

    /// The same with its amount as one text.
    CREATED_1: Event<Created1> = Event::before(&CREATED);

    /// An account was opened.
    ACCOUNT_OPENED: Event<AccountOpened> =
        Event::new("auth.account.opened", EntityKind::Account).public();
}

/// Data of [`ACCOUNT_OPENED`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct AccountOpened {
    pub user_id: UserId,
}

impl Fact for AccountOpened {
    fn sample() -> Self {
        Self { user_id: UserId::from_bytes([7; 16]) }
    }
}

/// Data of [`CREATED`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Created {
    pub payment_id: EventId,
    #[schemars(length(max = 12), extend("x-pii" = "fact"))]
    pub minor: String,
    #[schemars(length(max = 3), extend("x-pii" = "fact"))]
    pub currency: String,
}

impl Fact for Created {
    fn sample() -> Self {
        let payment_id = EventId::from_bytes([7; 16]);
        Self { payment_id, minor: "1250".to_owned(), currency: "eur".to_owned() }
    }
}

/// Data of [`CREATED_1`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Created1 {
    pub payment_id: EventId,
    #[schemars(length(max = 16), extend("x-pii" = "fact"))]
    pub amount: String,
}

impl Fact for Created1 {
    fn sample() -> Self {
        Self::downgrade(Created::sample())
    }
}

impl Superseded for Created1 {
    type By = Created;

    fn downgrade(newer: Created) -> Self {
        let amount = format!("{} {}", newer.minor, newer.currency);
        Self { payment_id: newer.payment_id, amount }
    }
}
