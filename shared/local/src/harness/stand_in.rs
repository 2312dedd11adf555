//! A module that stands in for what a test leaves out: the authorizer, and the relay of the outbox.

use runtime::authorizer::{Evidence, Inquiry, Standing};
use runtime::module::{authorize, stream};
use runtime::relay::Relay;
use runtime::stream::{Births, Record};
use runtime::{Ctx, Group, Module, System, Trigger};
use store::OUTBOX;
use store::outbox::Bell;

use super::caller::Claims;

/// These modules, and beside them the stand-in for what none of them does.
pub(super) fn beside(mut modules: Vec<Module>) -> Vec<Module> {
    let rows = || modules.iter().flat_map(|module| &module.rows);
    let proves = rows().any(|row| matches!(row.trigger, Trigger::Authorizer));
    let relays = rows().any(|row| match row.trigger {
        Trigger::Stream { births, .. } => matches!(births, Births::Outbox),
        _ => false,
    });
    let mut stand_in = Module::new("stand_in", Group::Identity, "Only in tests.", []);
    if !proves {
        stand_in.rows.push(authorize("stand_in.authorizer", gather));
    }
    if !relays {
        let row = stream("stand_in.relay", OUTBOX, Births::Outbox, relay);
        stand_in.rows.push(row.writes([OUTBOX]).publishes());
    }
    modules.push(stand_in);
    modules
}

/// Believes every [`Caller`](super::Caller), and nobody else.
pub async fn gather(_: Ctx<System>, inquiry: Inquiry) -> Evidence {
    let sent = inquiry.authorization.first();
    let Some(token) = sent.and_then(|value| value.strip_prefix("Bearer ")) else {
        return Evidence::without(Standing::None, "none");
    };
    match Claims::open(token).and_then(Claims::proof) {
        Some(proof) => Evidence::valid(proof),
        None => Evidence::without(Standing::Invalid, "unknown"),
    }
}

/// Publishes what was committed and left behind.
pub async fn relay(ctx: Ctx<System>, records: Vec<Record>) -> Vec<String> {
    let mut relay = Relay::of(&ctx, Bell::Stream);
    for key in records.iter().filter_map(|record| record.item.key()) {
        // What fails here is published by the doorbell of a later step of the test.
        let _ = relay.carry(std::slice::from_ref(&key)).await;
    }
    Vec::new()
}
