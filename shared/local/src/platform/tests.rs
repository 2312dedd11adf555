use std::net::SocketAddr;

use http::Method;
use store::Consistency;

use super::*;
use crate::Storage;
use crate::echo;
use crate::fault::Fault;
use crate::harness::{Answer, Caller, Harness};
use crate::seed::{DEMO_TENANT, PLATFORM_TENANT};
use crate::testing::Folder;

async fn platform() -> Harness {
    Harness::of(vec![echo::module()]).await
}

fn somebody() -> Caller {
    Caller::person(kernel::UserId::from_bytes([7; 16]))
}

/// Somebody asks for an echo.
async fn asks(platform: &Harness) -> Answer {
    platform.ask(Method::POST, "/v1/echo/ab").by(&somebody()).send().await
}

fn subjects(platform: &Platform) -> Vec<String> {
    platform.mailbox().mails().into_iter().map(|mail| mail.subject).collect()
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_through_authorizer_function_relay_queue_listener_and_typed_call() {
    let platform = platform().await;
    let answer = asks(&platform).await;
    assert_eq!(answer.expect(200).json, json!({ "word": "ab", "tenant": DEMO_TENANT }));
    platform.settle().await;
    assert_eq!(subjects(&platform), ["abab"]);
    assert_eq!(platform.cloud().violations(), []);
    assert!(!platform.lines_of("echo.post").is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_gateway_answers_itself_where_no_function_does() {
    let platform = platform().await;
    let rows = [
        ("/v1/echo/x", "blocked", 403, "Forbidden"),
        ("/v1/echo/x", "nobody", 401, ""),
        ("/nowhere", "nobody", 404, ""),
    ];
    for (path, token, status, message) in rows {
        let answer = platform.ask(Method::POST, path).by(token).send().await;
        assert_eq!(answer.expect(status).text_at("/message"), message);
        assert_ne!(answer.header("apigw-requestid"), "");
    }
    let echo = || platform.ask(Method::POST, "/v1/echo/x");
    echo().header("x-long", &"a".repeat(10_240)).send().await.expect(431);
    echo().body(vec![b' '; 10 * 1024 * 1024 + 1]).send().await.expect(413);
}

#[tokio::test(start_paused = true)]
async fn a_failed_hand_over_is_tried_again_when_the_clock_gets_there() {
    let platform = platform().await;
    platform.mailbox().refuse_next(runtime::mail::MailError::Transient);
    asks(&platform).await;
    platform.settle().await;
    assert_eq!(subjects(&platform), [""; 0]);
    platform.mappings().enable("echo.tick", false);
    platform.clock().advance(40_000);
    platform.settle().await;
    assert_eq!(subjects(&platform), ["abab"]);
}

#[tokio::test(start_paused = true)]
async fn the_stream_carries_what_a_crashed_function_left_behind() {
    let platform = platform().await;
    // Call 1 of the function is its transaction; it dies before the inline doorbell.
    platform.breaks("echo.post", 1, Fault::CrashAfter);
    let answer = asks(&platform).await;
    assert_eq!(answer.expect(500).json, json!({ "message": "Internal Server Error" }));
    platform.settle().await;
    assert_eq!(subjects(&platform), ["abab"]);
}

#[tokio::test(start_paused = true)]
async fn a_row_of_another_tenant_cannot_be_written_and_is_reported() {
    let platform = platform().await;
    let answer = platform.ask(Method::POST, "/v1/stray").by(&somebody()).send().await;
    assert!(answer.status >= 500, "{}", answer.text);
    assert_eq!(platform.cloud().violations().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn schedules_and_expiry_run_when_the_clock_is_moved_and_told_to_tick() {
    let platform = platform().await;
    asks(&platform).await;
    platform.settle().await;
    platform.tick().await;
    assert_eq!(subjects(&platform), ["abab"]);
    assert_eq!(platform.dump().naming("ECHO#ab").count(), 1);
    platform.pass(Duration::from_secs(3_600)).await;
    assert_eq!(subjects(&platform), ["tick", "abab"], "an hour late is still one run");
    assert_eq!(platform.dump().naming("ECHO#ab").count(), 0);
}

#[tokio::test(start_paused = true)]
async fn two_runs_are_the_same() {
    let run = || async {
        let platform = platform().await;
        let answer = asks(&platform).await;
        platform.settle().await;
        (format!("{:?}", answer.headers), platform.logs(), platform.dump())
    };
    assert_eq!(run().await, run().await);
}

#[tokio::test]
async fn data_and_tenants_are_there_after_a_restart_and_the_ports_answer() {
    let folder = Folder::new("platform");
    let start = || async {
        let options = Options::on_port(Storage::Folder(folder.0.clone()), 0);
        Platform::start(vec![echo::module()], options).await.unwrap()
    };
    let platform = start().await;
    let head = runtime::access::TenantHead::key_of(PLATFORM_TENANT);
    let head: Option<runtime::access::TenantHead> =
        platform.ports().store.get(&head, Consistency::Strong).await.unwrap();
    assert_eq!(head.map(|head| (head.slug, head.platform)), Some(("platform".to_owned(), true)));
    let at = platform.addresses().unwrap();
    let answer = ask(at.http, "GET /_local/mailbox.json HTTP/1.1").await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with(r#"{"data":[]}"#),
        "{answer}"
    );
    let taken = Options { port: Some(at.http.port()), ..Options::in_memory() };
    let refused = Platform::start(vec![echo::module()], taken).await.err().unwrap();
    assert!(matches!(refused, BootError::PortInUse { .. }), "{refused}");
    let again = Options::on_port(Storage::Folder(folder.0.clone()), 0);
    let refused = Platform::start(vec![echo::module()], again).await.err().unwrap();
    assert!(refused.to_string().contains("--data"), "{refused}");
    platform.stop().await;
    drop(platform);
    start().await.stop().await;
}

async fn ask(address: SocketAddr, line: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("{line}\r\nhost: x\r\nconnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}
