use kernel::Error;
use runtime::{Ctx, Outcome, Received, Uncommitted, Worker};
use serde_json::Value;

use super::person;
use crate::domain::binding;
use crate::domain::plan::{self, Snapshot};
use crate::store::contacts::Contacts;
use crate::store::plans::{EXPLAINED, Occasion, Plans};

/// Plans what an event means for the person it is about.
///
/// Whether `on_contact_changed` ran before does not matter: where no contact is remembered yet, the
/// account itself is asked. That is a read without effect, and both ways give the same facts. Twice
/// the same event is one plan: its inbox row and the guard of its dedupe key are in the plan's
/// transaction.
pub async fn handle(ctx: Ctx<Worker>, event: Received<Value>) -> Result<Outcome, Error> {
    let Received { envelope, data } = event;
    let Some(binding) = binding::of(&envelope.kind) else { return Ok(Outcome::Skip("unbound")) };
    let (plans, contacts) = (Plans::of(&ctx), Contacts::of(&ctx));
    let mut occasion = Occasion {
        binding,
        event_id: envelope.id,
        entity: envelope.subject,
        user: person(&data)?,
        payload: data.to_string(),
        locale: None,
    };
    let (known, guarded) = plans.snapshot(&occasion).await?;
    let contact = match known {
        Some(contact) => contact,
        None => match contacts.account(occasion.user).await? {
            Some(account) => contacts.contact(&account),
            None => return Ok(Outcome::Skip("account_gone")),
        },
    };
    occasion.locale = contact.locale;
    let plan = plan::decide(binding, &Snapshot { mail: contact.mail, guarded });
    match ctx.try_apply(plans.save(&occasion, plan)).await {
        Ok(()) | Err(Uncommitted::Refused { label: EXPLAINED, .. }) => Ok(Outcome::Done),
        Err(other) => Err(other.into()),
    }
}
