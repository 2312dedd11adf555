//! What a typed call refuses with reaches the client of its caller; what nobody declared does not.

use interface::{Call, Empty, Endpoint, Granted};
use kernel::problem::{STATE_CONFLICT, VALIDATION_FAILED};
use kernel::{Error, FaultCode, Refusal, UserId, problems};
use runtime::module::{answer, serve};
use runtime::{Ctx, Group, Principal, Reply, Worker};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::*;
use crate::harness::{Caller, Harness};

problems! {
    /// The shop is closed.
    SHOP_CLOSED: Forbidden = "shop_closed", "come back in the morning";
}

static BUY: Granted<Wish, Empty> = Endpoint::post("shop.buy", "/v1/shop")
    .any_principal()
    .refuses(&[&SHOP_CLOSED, &VALIDATION_FAILED]);
static PEEK: Granted<Wish, Empty> = Endpoint::post("shop.peek", "/v1/shop/peek").any_principal();
static ORDER: Call<Wish, Wish> =
    Call::new("shop.order").refuses(&[&SHOP_CLOSED, &VALIDATION_FAILED]);

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Wish {
    what: String,
}

fn shop() -> Module {
    let rows =
        [serve(&BUY, buy).calls(&ORDER), serve(&PEEK, buy).calls(&ORDER), answer(&ORDER, order)];
    Module::new("shop", Group::Identity, "A test.", rows)
}

async fn buy(ctx: Ctx<Principal>, wish: Wish) -> Result<Reply<Empty>, Error> {
    ctx.call(&ORDER, &wish).await?;
    Ok(Reply::empty())
}

async fn order(_: Ctx<Worker>, wish: Wish) -> Result<Wish, Error> {
    match wish.what.as_str() {
        "late" => Err(SHOP_CLOSED.because("come back at nine").at("/what")),
        "odd" => {
            let refusal = Refusal::new(FaultCode::NotAllowed, "we have no such thing");
            Err(Error::validation(vec![refusal.at("/what")]))
        }
        "unsaid" => Err(STATE_CONFLICT.error()),
        _ => Ok(wish),
    }
}

async fn asks(harness: &Harness, path: &str, what: &str) -> (u16, Value) {
    let somebody = Caller::person(UserId::from_bytes([7; 16]));
    let answer = harness.post(path, json!({ "what": what })).by(&somebody).send().await;
    (answer.status, answer.json)
}

#[tokio::test(start_paused = true)]
async fn what_a_typed_call_refuses_with_passes_through_as_it_is() {
    let shop = Harness::of(vec![shop()]).await;
    assert_eq!(asks(&shop, "/v1/shop", "bread").await.0, 200);

    let (status, problem) = asks(&shop, "/v1/shop", "late").await;
    let error = json!({
        "type": "permission_error",
        "code": "shop_closed",
        "message": "come back at nine",
        "param": "/what",
    });
    assert_eq!((status, &problem["title"]), (403, &json!("The shop is closed")));
    assert_eq!(problem["error"], error);

    let (status, problem) = asks(&shop, "/v1/shop", "odd").await;
    let faults =
        json!([{ "code": "not_allowed", "message": "we have no such thing", "param": "/what" }]);
    assert_eq!((status, &problem["errors"]), (422, &faults));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_nobody_declared_is_our_own_fault_and_named() {
    let shop = Harness::of(vec![shop()]).await;
    let told = |of: &str| shop.logs().iter().any(|line| line.contains(of));
    // The call does not say so: its caller hears nothing of it.
    let (status, problem) = asks(&shop, "/v1/shop", "unsaid").await;
    assert_eq!((status, &problem["error"]["code"]), (503, &json!("dependency_unavailable")));
    assert!(told("shop.order refuses with state_conflict, and its contract does not say so"));
    // The call says so, the endpoint does not.
    let (status, problem) = asks(&shop, "/v1/shop/peek", "late").await;
    assert_eq!((status, &problem["error"]["code"]), (500, &json!("internal_error")));
    assert!(told("shop.peek refuses with shop_closed, and its contract does not say so"));
}
