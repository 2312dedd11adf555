//! What functions do with the time they have.

use interface::{Call, Empty, Nothing};
use kernel::{Error, UserId};
use runtime::module::{answer, job, listen};
use runtime::{Commit, Ctx, Group, Module, Outcome, Received, System, Worker};
use store::{Consistency, Key, PLATFORM, Scope};

use super::*;
use crate::echo::{UPDATED, Updated};
use crate::fault::{Fault, FaultPlan};
use crate::seed::DEMO_TENANT;

static ACT: Call<Nothing, Empty> = Call::new("clock.act");

fn module() -> Module {
    Module::new(
        "clock",
        Group::Identity,
        "A test.",
        [
            answer(&ACT, act).emits([UPDATED.spec]).timeout(3),
            listen("clock.on_updated", &UPDATED, hang).read_your_writes(),
            job("clock.work", work),
        ],
    )
}

async fn act(ctx: Ctx<Worker>, _: Nothing) -> Result<Empty, Error> {
    let user_id: UserId = ctx.new_id();
    let data = Updated { word: String::new() };
    let commit = Commit::new().announcing_of(user_id, &UPDATED, &data);
    ctx.apply(commit).await.map(|()| Empty {})
}

async fn hang(_: Ctx<Worker>, _: Received<Updated>) -> Result<Outcome, Error> {
    std::future::pending().await
}

/// Twenty requests.
async fn work(ctx: Ctx<System>, _: Nothing) -> Result<(), Error> {
    let key = Key::alone(Scope::system().partition("WORK", ()));
    for _ in 0..20 {
        ctx.store().get_item(&PLATFORM, &key, Consistency::Strong).await?;
    }
    Ok(())
}

/// The function has three seconds, and so has the listener.
#[tokio::test(start_paused = true)]
async fn an_inline_listener_that_hangs_leaves_time_for_the_answer() {
    let platform = Platform::in_memory(vec![module()]).await.unwrap();
    platform.mappings().enable("clock.on_updated", false);
    let call = json!({
        "tenant": DEMO_TENANT, "livemode": true, "actor": null, "correlation": "test",
        "causation": null, "traceparent": null, "request": {},
    });
    let started_ms = platform.clock().now_ms();
    assert_eq!(platform.invoke("clock.act", call).await, Ok(json!({ "ok": {} })));
    assert_eq!(platform.clock().now_ms() - started_ms, 2_000);
}

/// Each takes 10 of the function's 30 seconds.
#[tokio::test(start_paused = true)]
async fn jobs_there_is_no_time_for_come_back() {
    let platform = Platform::in_memory(vec![module()]).await.unwrap();
    let faults = vec![Fault::Delay(500)];
    platform.cloud().faults().inject(FaultPlan::Random { seed: 1, per_mille: 1_000, faults });
    let message = |n: u8| json!({ "messageId": format!("m{n}"), "body": "{}" });
    let batch = json!({ "Records": [message(1), message(2), message(3), message(4)] });
    let answer = platform.invoke("clock.work", batch).await.unwrap();
    let back = |n: u8| json!({ "itemIdentifier": format!("m{n}") });
    assert_eq!(answer, json!({ "batchItemFailures": [back(3), back(4)] }));
}
