use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::*;
use crate::boot::Options;
use crate::clock::VirtualClock;
use crate::harness::Caller;
use crate::lambda::typed_call;
use crate::platform::Platform;
use crate::seed::DEMO_TENANT;
use crate::testing::Folder;

/// The program of the test module: this test binary, told to run the one test that serves it.
const PROGRAM: &str = "lambda::processes::tests::this_binary_is_the_program_of_the_test_module";

#[test]
fn this_binary_is_the_program_of_the_test_module() {
    if std::env::var_os("_HANDLER").is_some() {
        runtime::run(crate::echo::module(), "{}");
    }
}

fn programs() -> Folder {
    let folder = Folder::new("programs");
    let program = folder.0.join("echo");
    let binary = std::env::current_exe().unwrap();
    let script = format!("#!/bin/sh\nexec '{}' --exact {PROGRAM} --nocapture\n", binary.display());
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn options(programs: &Folder) -> Options {
    Options {
        clock: VirtualClock::from_system(),
        port: Some(0),
        processes: Some(programs.0.clone()),
        ..Options::in_memory()
    }
}

fn call(request: Value) -> Value {
    typed_call(DEMO_TENANT, true, request)
}

fn process_of(platform: &Platform, function: &str) -> Option<u32> {
    platform.processes().into_iter().find(|(id, _)| *id == function).map(|(_, process)| process)
}

#[tokio::test]
async fn real_programs_serve_requests_events_calls_and_mail_and_are_kept_warm() {
    let programs = programs();
    let platform = Platform::start(vec![crate::echo::module()], options(&programs)).await.unwrap();
    let caller = Caller::person(kernel::UserId::from_bytes([7; 16]));
    for word in ["ab", "cd"] {
        let request = http::Request::post(format!("/v1/echo/{word}"));
        let request = request.header("authorization", format!("Bearer {}", caller.as_ref()));
        let response = platform.request(request.body(bytes::Bytes::new()).unwrap()).await;
        assert_eq!(response.status().as_u16(), 200, "{:?}", response.body());
        platform.settle().await;
    }
    let mut subjects: Vec<_> =
        platform.mailbox().mails().into_iter().map(|mail| mail.subject).collect();
    subjects.sort();
    assert_eq!(subjects, ["abab", "cdcd"]);
    let posts = platform.processes().into_iter().filter(|(id, _)| *id == "echo.post");
    assert_eq!(posts.count(), 1);
    assert!(platform.logs().iter().any(|line| line.contains("\"call\":\"echo.post\"")));
    platform.stop().await;
    assert_eq!(platform.processes(), []);
}

#[tokio::test]
async fn a_process_that_dies_fails_its_call_and_the_next_call_gets_a_new_one() {
    let programs = programs();
    let platform = Platform::start(vec![crate::echo::module()], options(&programs)).await.unwrap();
    let twice = || platform.invoke("echo.twice", call(json!({ "word": "x" })));
    assert_eq!(twice().await.unwrap()["ok"]["word"], "xx");
    let first = process_of(&platform, "echo.twice").unwrap();
    let killed = std::process::Command::new("kill").args(["-9", &first.to_string()]).status();
    assert!(killed.unwrap().success());
    // The dead process may be noticed by the call, or before it.
    let answer = match twice().await {
        Err(InvokeError::Crashed) => twice().await,
        other => other,
    };
    assert_eq!(answer.unwrap()["ok"]["word"], "xx");
    assert_ne!(process_of(&platform, "echo.twice"), Some(first));
}

#[tokio::test]
async fn a_process_is_killed_at_its_functions_timeout() {
    let programs = programs();
    let platform = Platform::start(vec![crate::echo::module()], options(&programs)).await.unwrap();
    let slow = platform.invoke("echo.slow", call(json!({})));
    let time_passes = async {
        while process_of(&platform, "echo.slow").is_none() {
            tokio::task::yield_now().await;
        }
        platform.clock().advance(3_000);
    };
    let (slow, ()) = tokio::join!(slow, time_passes);
    assert_eq!(slow, Err(InvokeError::TimedOut));
    assert_eq!(process_of(&platform, "echo.slow"), None);
}

#[tokio::test]
async fn a_module_that_is_not_built_is_named() {
    let empty = Folder::new("no-programs");
    let refused =
        Platform::start(vec![crate::echo::module()], options(&empty)).await.err().unwrap();
    assert!(
        refused.to_string().ends_with("build it with: cargo build --package echo"),
        "{refused}"
    );
}
