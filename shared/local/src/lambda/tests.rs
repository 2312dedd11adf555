use super::*;
use crate::platform::Platform;
use crate::seed::DEMO_TENANT;
use aws_sdk_lambda::primitives::Blob;

async fn platform() -> Platform {
    Platform::in_memory(vec![crate::echo::module()]).await.unwrap()
}

fn call(request: Value) -> Value {
    typed_call(DEMO_TENANT, true, request)
}

#[tokio::test(start_paused = true)]
async fn a_function_answers_fails_or_is_ended_at_its_timeout() {
    let platform = platform().await;
    let answer = platform.invoke("echo.twice", call(json!({ "word": "ab" }))).await.unwrap();
    assert_eq!(answer["ok"], json!({ "word": "abab", "tenant": DEMO_TENANT }));
    let panicked = platform.invoke("echo.twice", call(json!({ "word": "panic" }))).await;
    assert!(matches!(panicked, Err(InvokeError::Failed(why)) if why.contains("panicked")));
    let started_ms = platform.clock().now_ms();
    let slow = platform.invoke("echo.slow", call(json!({}))).await;
    assert_eq!(slow, Err(InvokeError::TimedOut));
    assert!(platform.logs().iter().any(|line| line.contains("the function timed out")));
    assert_eq!(platform.clock().now_ms() - started_ms, 3_000);
    let unknown = platform.invoke("echo.nothing", json!({})).await;
    assert_eq!(unknown, Err(InvokeError::Failed("there is no function echo.nothing".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn the_lambda_api_invokes_by_name_arn_and_id() {
    let platform = platform().await;
    let lambda = &platform.ports().lambda;
    let payload = || Blob::new(call(json!({ "word": "x" })).to_string());
    for name in [
        "talaria-local-echo-twice",
        "arn:aws:lambda:us-east-1:000000000000:function:talaria-local-echo-twice",
        "echo.twice",
    ] {
        let answer = lambda.invoke().function_name(name).payload(payload()).send().await.unwrap();
        assert_eq!(answer.function_error(), None);
        let body: Value = serde_json::from_slice(answer.payload().unwrap().as_ref()).unwrap();
        assert_eq!(body["ok"]["word"], "xx");
    }
    let nobody = lambda.invoke().function_name("talaria-local-none").send().await.unwrap_err();
    assert!(nobody.into_service_error().is_resource_not_found_exception());
    let garbled = lambda.invoke().function_name("echo.twice").payload(Blob::new("{"));
    let garbled = garbled.send().await.unwrap_err().into_service_error();
    assert!(garbled.is_invalid_request_content_exception());
    let failing = Blob::new(call(json!({ "word": "panic" })).to_string());
    let failing =
        lambda.invoke().function_name("echo.twice").payload(failing).send().await.unwrap();
    assert_eq!(failing.function_error(), Some("Unhandled"));
    let event = lambda.invoke().function_name("echo.tick").payload(Blob::new("{}"));
    let event = event.invocation_type(aws_sdk_lambda::types::InvocationType::Event);
    assert_eq!(event.send().await.unwrap().status_code(), 202);
    platform.settle().await;
    assert_eq!(platform.mailbox().mails().len(), 1);
}

#[test]
fn the_tenant_of_an_event_is_its_callers_or_that_of_all_its_messages() {
    let record = |tenant: &str| json!({ "body": json!({ "tenantid": tenant }).to_string() });
    let rows = [
        (
            json!({ "requestContext": { "authorizer": { "lambda": { "tenant_id": "cli_1" } } } }),
            Some("cli_1"),
        ),
        (json!({ "tenant": "cli_2", "request": {} }), Some("cli_2")),
        (json!({ "Records": [record("cli_3"), record("cli_3")] }), Some("cli_3")),
        (json!({ "Records": [record("cli_3"), record("cli_4")] }), None),
        (json!({ "Records": [record("cli_3"), { "body": "no event" }] }), None),
        (json!({ "Records": [] }), None),
        (json!({ "requestContext": {} }), None),
        (json!(null), None),
    ];
    for (event, expected) in rows {
        assert_eq!(tenant(&event).as_deref(), expected, "{event}");
    }
}

#[test]
fn chance_of_one_seed_repeats() {
    use runtime::clock::Entropy;
    let draw = |seed| {
        let mut bytes = [0; 11];
        SeededEntropy::new(seed).fill(&mut bytes);
        bytes
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}
