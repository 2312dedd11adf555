//! What announced events bring with them in their own module: reactions inside the transaction, the
//! inline doorbell and the inline listeners after it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use interface::EventSpec;
use kernel::Error;
use serde_json::Value;
use store::Change;
use store::outbox::Birth;

use super::{listener, relay};
use crate::call::ctx::{Call, Consequences};
use crate::module::reactor;
use crate::module::table::Module;

impl Consequences for Module {
    fn announces(&self, function: &str, event: &EventSpec) -> bool {
        let same = |one: &EventSpec| (one.name, one.major) == (event.name, event.major);
        self.row(function).is_some_and(|row| row.emits.iter().any(same))
    }

    fn reactions(&self, birth: &Birth, snapshot: Option<&Value>) -> Result<Change, Error> {
        reactor::reactions(&self.reactors, birth, snapshot)
    }

    fn ring<'a>(&self, call: &'a Call, births: &'a [Birth]) -> BoxFuture<'a, ()> {
        relay::ring_inline(call, births)
    }

    fn run_inline<'a>(
        self: Arc<Self>,
        call: &'a Arc<Call>,
        births: &'a [Birth],
    ) -> BoxFuture<'a, ()> {
        listener::run_inline(self, call, births)
    }
}
