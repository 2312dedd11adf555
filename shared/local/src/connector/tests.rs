mod batches;

use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Put, ReturnConsumedCapacity, TransactWriteItem,
};

use super::*;
use crate::Cloud;
use crate::aws::dynamodb::TableSpec;
use crate::fault::FaultPlan;
use crate::testing;

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn orders() -> (Cloud, aws_sdk_dynamodb::Client) {
    let cloud = testing::cloud();
    cloud.tables().ensure(&TableSpec::named("talaria-orders")).unwrap();
    let client = testing::dynamodb(&cloud);
    (cloud, client)
}

async fn put(client: &aws_sdk_dynamodb::Client, pk: &str) -> Result<(), String> {
    let request = client.put_item().table_name("talaria-orders");
    let request = request.item("pk", text(pk)).item("sk", text("1"));
    match request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await {
        Ok(_) => Ok(()),
        Err(error) => Err(match error.as_service_error() {
            Some(service) => service.meta().code().unwrap_or("no code").to_owned(),
            None => "no answer".to_owned(),
        }),
    }
}

async fn exists(client: &aws_sdk_dynamodb::Client, pk: &str) -> bool {
    let request = client.get_item().table_name("talaria-orders");
    let answer = request.key("pk", text(pk)).key("sk", text("1")).send().await.unwrap();
    answer.item.is_some()
}

#[tokio::test]
async fn every_call_of_an_invocation_is_logged_with_keys_units_and_round() {
    let (cloud, client) = orders();
    let seen = Arc::new(Mutex::new(Vec::new()));
    cloud.observe(Arc::new({
        let seen = seen.clone();
        move |call: &Call| seen.lock().unwrap().push(call.operation.clone())
    }));
    let invocation = Invocation::new("order.create", "req-1").for_tenant("acme");
    let log = invocation.log();
    invocation
        .run(async {
            put(&client, "T#acme#1").await.unwrap();
            tokio::join!(exists(&client, "T#acme#1"), exists(&client, "T#acme#2"));
        })
        .await
        .unwrap();
    let calls = log.calls();
    let lines: Vec<_> = calls
        .iter()
        .map(|c| (c.index, c.operation.as_str(), c.targets.join(","), c.keys.join(","), c.round))
        .collect();
    let table = || "talaria-orders".to_owned();
    assert_eq!(lines[0], (1, "PutItem", table(), "T#acme#1".to_owned(), 1));
    assert_eq!(lines.len(), 3);
    assert_eq!(log.depth(), 2, "two calls made together are one round");
    assert_eq!((log.read_units(), log.write_units()), (0.0, 1.0));
    assert!(calls.iter().all(|call| call.outcome == Outcome::Ok && call.request_id == "req-1"));
    assert_eq!(*seen.lock().unwrap(), ["PutItem", "GetItem", "GetItem"]);
    assert!(put(&client, "anything").await.is_ok(), "outside an invocation nothing is checked");
    assert_eq!(log.calls().len(), 3);
}

#[tokio::test]
async fn a_stray_key_is_recorded_and_in_strict_mode_refused() {
    let (cloud, client) = orders();
    let run = |tenant: Option<&'static str>, pk: &'static str| {
        let client = client.clone();
        async move {
            let invocation = Invocation::new("order.create", "req-1");
            let invocation = match tenant {
                Some(tenant) => invocation.for_tenant(tenant),
                None => invocation,
            };
            invocation.run(async move { put(&client, pk).await }).await.unwrap()
        }
    };
    assert_eq!(run(Some("acme"), "T#other#1").await, Ok(()));
    assert_eq!(cloud.violations().len(), 1);
    cloud.refuse_strays(true);
    for (tenant, pk, refused) in [
        (Some("acme"), "T#acme#1", false),
        (Some("acme"), "DIR#email", false),
        (Some("acme"), "SYS#lease", false),
        (Some("acme"), "T#acmecorp#1", true),
        (None, "T#other#1", false),
    ] {
        let answer = run(tenant, pk).await;
        assert_eq!(answer == Err("AccessDeniedException".to_owned()), refused, "{tenant:?} {pk}");
    }
    let scan = Invocation::new("order.list", "req-2");
    let scanned = scan
        .run(async { client.scan().table_name("talaria-orders").send().await.is_ok() })
        .await
        .unwrap();
    assert!(!scanned, "a scan inside an invocation is always a violation");
    let last = cloud.violations().pop().unwrap();
    assert_eq!((last.function.as_str(), last.operation.as_str()), ("order.list", "Scan"));
}

#[tokio::test(start_paused = true)]
async fn each_fault_does_what_its_name_says() {
    // (fault, the caller sees, the item is there, the invocation crashed)
    let cases = [
        (Fault::ErrorBefore, Some("InternalServerError"), false, false),
        (Fault::ReplyLost, Some("no answer"), true, false),
        (Fault::Throttle, Some("ProvisionedThroughputExceededException"), false, false),
        (Fault::Conflict, Some("TransactionConflictException"), false, false),
        (Fault::CrashBefore, None, false, true),
        (Fault::CrashAfter, None, true, true),
        (Fault::Delay(5_000), None, true, false),
        (Fault::Duplicate, None, true, false),
        (Fault::StaleIndex, None, true, false),
        (Fault::EntryRefused(1), None, true, false),
    ];
    for (fault, error, applied, crashed) in cases {
        let (cloud, client) = orders();
        cloud.faults().inject(FaultPlan::Nth { n: 1, fault });
        let invocation = Invocation::new("order.create", "req-1");
        let log = invocation.log();
        let result = invocation.run(async { put(&client, "T#acme#1").await }).await;
        assert_eq!(result.is_err(), crashed, "{fault:?}");
        if let Ok(answer) = result {
            assert_eq!(answer.err().as_deref(), error, "{fault:?}");
        }
        assert_eq!(exists(&client, "T#acme#1").await, applied, "{fault:?}");
        let call = log.calls().remove(0);
        assert_eq!(call.fault, Some(fault));
        assert_eq!(call.outcome == Outcome::Crashed, crashed, "{fault:?}");
        assert_eq!(cloud.faults().fired().len(), 1);
    }
}

#[tokio::test]
async fn a_conflict_cancels_a_transaction_with_a_reason_per_action() {
    let (cloud, client) = orders();
    let nothing = Put::builder().table_name("talaria-orders");
    let nothing = nothing.item("pk", text("T#a#1")).item("sk", text("1")).build().unwrap();
    let check = ConditionCheck::builder()
        .table_name("talaria-orders")
        .key("pk", text("T#a#2"))
        .key("sk", text("1"))
        .condition_expression("attribute_not_exists(pk)")
        .build()
        .unwrap();
    cloud.faults().inject(FaultPlan::NthOf {
        function: "order.create".to_owned(),
        n: 1,
        fault: Fault::Conflict,
    });
    let answer = Invocation::new("order.create", "req-1")
        .run(
            client
                .transact_write_items()
                .transact_items(TransactWriteItem::builder().put(nothing).build())
                .transact_items(TransactWriteItem::builder().condition_check(check).build())
                .send(),
        )
        .await
        .unwrap();
    let error = answer.unwrap_err().into_service_error();
    let reasons = match &error {
        aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(canceled) => canceled.cancellation_reasons(),
        other => panic!("{other:?}"),
    };
    let codes: Vec<_> = reasons.iter().map(|r| r.code().unwrap()).collect();
    assert_eq!(codes, ["TransactionConflict", "None"]);
    assert!(!exists(&client, "T#a#1").await);
}

#[tokio::test]
async fn a_crashed_invocation_reaches_no_service_any_more() {
    let (cloud, client) = orders();
    cloud.faults().inject(FaultPlan::Nth { n: 1, fault: Fault::CrashBefore });
    let invocation = Invocation::new("order.create", "req-1");
    let log = invocation.log();
    let later = async {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        put(&client, "T#acme#2").await
    };
    let both = async { tokio::join!(put(&client, "T#acme#1"), later) };
    assert_eq!(invocation.run(both).await, Err(Crashed));
    let outcomes: Vec<_> = log.calls().into_iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, [Outcome::Crashed]);
    assert!(!exists(&client, "T#acme#1").await && !exists(&client, "T#acme#2").await);
}

#[tokio::test]
async fn a_stale_index_misses_the_last_item_of_a_page_and_the_table_does_not() {
    let (cloud, client) = orders();
    let index = crate::aws::dynamodb::IndexSpec {
        name: "by_day".to_owned(),
        partition_key: "day_pk".to_owned(),
        sort_key: None,
        projection: crate::aws::dynamodb::Projection::All,
    };
    let spec = TableSpec { indexes: vec![index], ..TableSpec::named("talaria-orders") };
    cloud.tables().ensure(&spec).unwrap();
    for sk in ["1", "2"] {
        let request = client.put_item().table_name("talaria-orders").item("pk", text("T#a"));
        request.item("sk", text(sk)).item("day_pk", text("T#a#d")).send().await.unwrap();
    }
    cloud.faults().inject(FaultPlan::Nth { n: 1, fault: Fault::StaleIndex });
    cloud.faults().inject(FaultPlan::Nth { n: 2, fault: Fault::StaleIndex });
    let query = |index: Option<&str>, name: &str, value: &str| {
        let request =
            client.query().table_name("talaria-orders").set_index_name(index.map(str::to_owned));
        let request = request.key_condition_expression(format!("{name} = :v"));
        request.expression_attribute_values(":v", text(value)).send()
    };
    let counts = Invocation::new("order.list", "r").run(async {
        let stale = query(Some("by_day"), "day_pk", "T#a#d").await.unwrap();
        let table = query(None, "pk", "T#a").await.unwrap();
        let fresh = query(Some("by_day"), "day_pk", "T#a#d").await.unwrap();
        [stale, table, fresh].map(|page| (page.count, page.items().len()))
    });
    assert_eq!(counts.await.unwrap(), [(1, 1), (2, 2), (2, 2)]);
}

struct Sockets;

impl Extension for Sockets {
    fn name(&self) -> &'static str {
        "execute-api"
    }

    fn claims(&self, parts: &http::request::Parts) -> bool {
        parts.uri.path().starts_with("/@connections/")
    }

    fn answer(
        &self,
        _: http::Request<Bytes>,
    ) -> futures_util::future::BoxFuture<'static, http::Response<Bytes>> {
        let mut gone = http::Response::new(Bytes::new());
        *gone.status_mut() = http::StatusCode::GONE;
        Box::pin(async { gone })
    }
}

#[tokio::test]
async fn an_extension_answers_what_it_claims_and_is_logged_like_a_service() {
    let cloud = testing::cloud();
    cloud.extend(Arc::new(Sockets));
    let connector = Connector {
        services: cloud.services().clone(),
        clock: cloud.clock().clone(),
        faults: cloud.faults().clone(),
        guard: Guard::default(),
        observers: Arc::default(),
    };
    let call = |path: &str| {
        let request = http::Request::post(format!("http://localhost{path}")).body(SdkBody::empty());
        connector.call(HttpRequest::try_from(request.unwrap()).unwrap())
    };
    let invocation = Invocation::new("chat.send", "r");
    let log = invocation.log();
    let statuses = invocation.run(async {
        let known = call("/@connections/abc").await.unwrap();
        let unknown = call("/elsewhere").await.unwrap();
        [known, unknown].map(|answer| answer.status().as_u16())
    });
    assert_eq!(statuses.await.unwrap(), [410, 404]);
    let lines: Vec<_> =
        log.calls().into_iter().map(|c| (c.service, c.operation, c.outcome)).collect();
    let gone = Outcome::Error("410".to_owned());
    assert_eq!(
        lines[0],
        (Service::Extension("execute-api"), "POST /@connections/abc".to_owned(), gone)
    );
}
