use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::FutureExt;

use super::*;
use crate::aws::dynamodb::TableSpec;
use crate::connector::{Call, Invocation};
use crate::fault::{Faults, Schedule};
use crate::testing;

/// Writes each body it is given as an item, within an invocation of its own.
struct Writer {
    client: aws_sdk_dynamodb::Client,
    runs: Mutex<u64>,
}

impl Invoker for Writer {
    fn invoke(
        &self,
        function: &str,
        event: Value,
    ) -> BoxFuture<'static, Result<Value, InvokeError>> {
        let client = self.client.clone();
        let mut runs = self.runs.lock().unwrap();
        *runs += 1;
        let invocation = Invocation::new(function, format!("run-{runs}"));
        async move {
            let records = event["Records"].as_array().unwrap().clone();
            let work = async {
                for record in records {
                    let text = |value: &str| AttributeValue::S(value.to_owned());
                    let put = client.put_item().table_name("talaria-effects");
                    let put = put.item("pk", text(record["body"].as_str().unwrap()));
                    let put = put.item("sk", text("1")).send().await;
                    put.map_err(|error| InvokeError::Failed(error.to_string()))?;
                }
                Ok(Value::Null)
            };
            invocation.run(work).await.unwrap_or(Err(InvokeError::Crashed))
        }
        .boxed()
    }
}

/// What every call did, how many effects there are, and which faults happened.
type Run = (Vec<String>, i32, Schedule);

/// Handles 200 messages under the faults that `inject` plans, until all effects are there.
async fn run(inject: impl FnOnce(&Faults)) -> Run {
    let cloud = testing::cloud();
    cloud.tables().ensure(&TableSpec::named("talaria-effects")).unwrap();
    cloud.queues().ensure("jobs", []).unwrap();
    let client = testing::dynamodb(&cloud);
    let trace = Arc::new(Mutex::new(Vec::new()));
    cloud.observe({
        let trace = trace.clone();
        Arc::new(move |call: &Call| trace.lock().unwrap().push(format!("{call:?}")))
    });
    inject(cloud.faults());
    let mappings =
        Mappings::new(&cloud, Arc::new(Writer { client: client.clone(), runs: Mutex::new(0) }));
    mappings
        .map_queue(QueueMapping {
            queue: "jobs".to_owned(),
            function: "effects.write".to_owned(),
            batch_size: 3,
            maximum_concurrency: 4,
            partial_failures: false,
        })
        .unwrap();
    for number in 0..200 {
        let body = format!("job-{number}");
        let message = crate::aws::sqs::NewMessage { body, ..Default::default() };
        cloud.queues().send("jobs", message).unwrap();
    }
    mappings.quiesce().await;
    cloud.faults().stop();
    while cloud.queues().depth("jobs").unwrap() != Default::default() {
        cloud.clock().advance(30_000);
        mappings.quiesce().await;
    }
    let effects = client.scan().table_name("talaria-effects").send().await.unwrap().count;
    let trace = trace.lock().unwrap().clone();
    (trace, effects, cloud.faults().schedule())
}

#[tokio::test(start_paused = true)]
async fn one_seed_or_its_schedule_gives_one_trace_and_once_faults_stop_every_effect_is_there() {
    let mut happened = (0, 0);
    for seed in 1..=5 {
        let first = run(|faults| faults.chaos(seed)).await;
        assert_eq!(first.1, 200, "seed {seed}");
        happened.0 += first.2.calls.len();
        happened.1 += first.2.deliveries.len();
        assert_eq!(run(|faults| faults.chaos(seed)).await, first, "seed {seed}");
        assert_eq!(
            run(|faults| faults.replay(&first.2)).await,
            first,
            "seed {seed}, by its schedule"
        );
    }
    assert!(happened.0 > 5 && happened.1 > 2, "{happened:?}");
    assert_ne!(run(|faults| faults.chaos(1)).await.0, run(|faults| faults.chaos(2)).await.0);
}
