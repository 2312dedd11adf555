//! Speed, as ratios within one run: cold start and warm calls of a real artefact against a bare
//! `lambda_runtime` function, requests per second of the local cloud, time to ready, sizes.
//!
//! `cargo bench` builds the release artefacts first (several minutes on two cores) and asserts nothing.

#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

mod runtime_api;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

use self::runtime_api::{Measured, RuntimeApi};

/// The environment variable that makes this program the bare function.
const BARE: &str = "TALARIA_BENCH_BARE";
const COLD_STARTS: usize = 20;
const WARM_CALLS: usize = 2_000;
const LOCAL_REQUESTS: u32 = 3_000;

fn main() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
    if std::env::var_os(BARE).is_some() {
        let bare = service_fn(async |event: LambdaEvent<Value>| {
            Ok::<_, std::convert::Infallible>(event.payload)
        });
        runtime.block_on(lambda_runtime::run(bare)).expect("the bare function runs");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned();
    build(&root);
    println!("{:<44} {:>12}", "what", "measured");
    artefacts(&root);
    functions(&root);
    runtime.block_on(local_requests());
    boot(&root);
}

fn report(what: &str, measured: impl std::fmt::Display) {
    println!("{what:<44} {measured:>12}");
}

fn build(root: &Path) {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "--workspace", "--bins"])
        .current_dir(root)
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the release artefacts build");
}

fn binary(root: &Path, name: &str) -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("release").join(name)
}

fn artefacts(root: &Path) {
    for module in catalog::modules() {
        let size = std::fs::metadata(binary(root, module.name)).map_or(0, |file| file.len());
        report(&format!("artefact {} (KiB, stripped)", module.name), size / 1_024);
    }
}

/// Cold and warm calls of one function: `gateway.status` needs no data, so what is measured is ours.
fn functions(root: &Path) {
    let event =
        std::fs::read_to_string(root.join("events/http/gateway.status.json")).expect("a sample");
    let ours = || {
        let mut command = Command::new(binary(root, "gateway"));
        command.env("_HANDLER", "gateway.status").env("TALARIA_ISSUER", "http://127.0.0.1:8080");
        command
    };
    let bare = || {
        let mut command = Command::new(std::env::current_exe().expect("our own path"));
        command.env(BARE, "1");
        command
    };
    let (bare, ours) = (measure(bare, &event), measure(ours, &event));
    for (name, measured) in [("bare lambda_runtime", bare), ("gateway.status", ours)] {
        report(&format!("cold start, {name} (µs wall)"), measured.cold.as_micros());
        report(&format!("cold start, {name} (µs CPU)"), measured.cold_cpu.as_micros());
        report(&format!("warm call, {name} (µs CPU)"), measured.warm_cpu.as_micros());
    }
    report("cold start, ours / bare (CPU, %)", percent(ours.cold_cpu, bare.cold_cpu));
    report("warm call, ours / bare (CPU, %)", percent(ours.warm_cpu, bare.warm_cpu));
}

fn measure(command: impl Fn() -> Command, event: &str) -> Measured {
    let mut runs: Vec<Measured> = (0..COLD_STARTS)
        .map(|_| RuntimeApi::start().measure(command(), event, WARM_CALLS / COLD_STARTS))
        .collect();
    runs.sort_unstable_by_key(|run| run.cold_cpu);
    runs.swap_remove(COLD_STARTS / 2)
}

fn percent(ours: Duration, theirs: Duration) -> u128 {
    ours.as_nanos() * 100 / theirs.as_nanos().max(1)
}

async fn local_requests() {
    let platform =
        local::Platform::in_memory(catalog::modules()).await.expect("the platform starts");
    for (name, path) in [
        ("a trivial route", "/v1/gateway/status"),
        ("a route behind the authorizer", "/v1/profile"),
    ] {
        let started = Instant::now();
        for _ in 0..LOCAL_REQUESTS {
            let request =
                http::Request::builder().uri(path).body(bytes::Bytes::new()).expect("a request");
            platform.request(request).await;
        }
        let rate = u128::from(LOCAL_REQUESTS) * 1_000_000 / started.elapsed().as_micros().max(1);
        report(&format!("local requests per second, {name}"), rate);
    }
}

fn boot(root: &Path) {
    let mut ready = Vec::new();
    for _ in 0..5 {
        let mut local = Command::new(binary(root, "talaria"))
            .args(["local", "--memory", "--port", "0", "--json"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("the local cloud starts");
        let mut line = String::new();
        let output = local.stdout.take().expect("its output");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line)
            .expect("a line");
        let json: Value = serde_json::from_str(&line).expect("JSON");
        ready.extend(json["ready_ms"].as_u64());
        local.kill().expect("it stops");
        local.wait().expect("it stopped");
    }
    ready.sort_unstable();
    report("time to ready, --memory (ms)", ready.get(ready.len() / 2).copied().unwrap_or_default());
}
