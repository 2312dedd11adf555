//! Listeners that the committing function runs itself, right after the commit: the caller then reads its
//! own write. The queued copy finds them done.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use interface::Envelope;
use lambda_http::aws_lambda_events::sqs::SqsMessage;
use store::outbox::Birth;

use super::item::Item;
use crate::call::ctx::Call;
use crate::events::relay::RESERVE;
use crate::module::function::{Function, Meta};
use crate::module::handler::Handler;
use crate::module::listening::Listening;
use crate::module::table::Module;

/// Runs the module's own inline listeners of what was just committed, each within its time and under a
/// claim. The result is ignored: the queue follows.
///
/// Boxed, because a listener that commits may run others in its turn.
pub(crate) fn run_inline<'a>(
    module: Arc<Module>,
    call: &'a Arc<Call>,
    births: &'a [Birth],
) -> BoxFuture<'a, ()> {
    Box::pin(async move { run(&module, call, births).await })
}

async fn run(module: &Arc<Module>, call: &Arc<Call>, births: &[Birth]) {
    for row in &module.rows {
        let (Some(heard), Handler::Listener(handler)) = (row.listening(), &*row.handler) else {
            continue;
        };
        let Some(span_ms) = heard.inline_ms else { continue };
        for birth in births.iter().filter(|birth| hears(heard, birth)) {
            let function = Function::new(module.clone(), row.clone(), call.ports.clone());
            let message = message(birth);
            let listening = Listening { claims: true, ..heard.clone() };
            let item =
                Item { function: &function, listening: &listening, handler, message: &message };
            let Ok(event) = Envelope::parse(&birth.envelope) else { continue };
            let now = call.ports.clock.now();
            let left = call.deadline.since(now).saturating_sub(RESERVE);
            let span = Duration::from_millis(span_ms.into()).min(left);
            if span.is_zero() {
                return;
            }
            let deadline = now.plus(span);
            let meta = Meta { deadline, trace: call.traceparent.clone(), cold: false };
            let _ = tokio::time::timeout(span, item.attempt(&meta, &event)).await;
        }
    }
}

fn hears(heard: &Listening, birth: &Birth) -> bool {
    let facet = birth.facet.as_deref();
    let wanted =
        heard.facets.is_empty() || facet.is_some_and(|facet| heard.facets.contains(&facet));
    wanted && heard.types().contains(&birth.topic_type())
}

/// The event as its queue will bring it.
fn message(birth: &Birth) -> SqsMessage {
    let mut message = SqsMessage::default();
    message.body = Some(birth.envelope.clone());
    message.message_attributes = HashMap::new();
    message
}
