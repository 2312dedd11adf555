//! Typed calls of other modules, and orders of operators.

use interface::operation::{Order, Report};
use interface::{Call, Operation};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Harness;
use crate::lambda::typed_call;
use crate::mapping::InvokeError;

/// Who gives the orders of a test.
const OPERATOR: &str = "ada";
/// Why, where a test gives no other reason.
const REASON: &str = "a test wants it";

/// Why a typed call or an order was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// `not_found`, the code of the refusal, or what became of the function.
    pub code: String,
}

/// An order that is being given.
#[must_use = "an order is nothing until it is sent"]
pub struct Ordered<'a, S> {
    harness: &'a Harness,
    function: &'static str,
    order: Order,
    answer: std::marker::PhantomData<fn() -> S>,
}

impl Harness {
    /// Makes a typed call as a function of another module would, in the tenant it plays in.
    ///
    /// # Errors
    /// The refusal, or that the function failed.
    pub async fn call<Q: Serialize, S: DeserializeOwned>(
        &self,
        call: &Call<Q, S>,
        request: &Q,
    ) -> Result<S, Refused> {
        let event = typed_call(self.tenant, self.livemode, request);
        let answer = self.invoke(call.spec.id, event).await?;
        match answer.get("ok") {
            Some(value) => Ok(serde_json::from_value(value.clone()).expect("the declared answer")),
            None => {
                let refusal = answer.pointer("/refused/code").and_then(Value::as_str);
                Err(Refused { code: refusal.unwrap_or("not_found").to_owned() })
            }
        }
    }

    /// An operator's order: a look, or the dry run of a change, until it is confirmed.
    pub fn operate<Q, S>(&self, operation: &Operation<Q, S>, request: Value) -> Ordered<'_, S> {
        let reason = operation.spec.changes.then(|| REASON.to_owned());
        let (operator, key) = (OPERATOR.to_owned(), format!("{} {request}", operation.spec.id));
        Ordered {
            harness: self,
            function: operation.spec.id,
            order: Order { operator, reason, confirmed: false, key, request },
            answer: std::marker::PhantomData,
        }
    }
}

impl From<InvokeError> for Refused {
    fn from(error: InvokeError) -> Self {
        Self { code: error.to_string() }
    }
}

impl<S: DeserializeOwned> Ordered<'_, S> {
    /// For this reason, or for none.
    pub fn because(mut self, reason: Option<&str>) -> Self {
        self.order.reason = reason.map(str::to_owned);
        self
    }

    /// To be carried out.
    pub fn confirmed(mut self) -> Self {
        self.order.confirmed = true;
        self
    }

    /// Under this name: sent again under it, it is carried out once.
    pub fn key(mut self, key: &str) -> Self {
        key.clone_into(&mut self.order.key);
        self
    }

    /// Gives the order and waits for the report.
    ///
    /// # Errors
    /// The refusal, or that the function failed.
    pub async fn send(self) -> Result<S, Refused> {
        let order = serde_json::to_value(&self.order).expect("an order is JSON");
        let answer = self.harness.invoke(self.function, order).await?;
        match serde_json::from_value(answer).expect("a report") {
            Report::Done(value) => Ok(serde_json::from_value(value).expect("the declared answer")),
            Report::Refused { code, .. } => Err(Refused { code }),
        }
    }
}
