//! Whatever is sent, the answer is clear, nothing is lost and nothing breaks.

use http::Method;
use serde_json::json;

use crate::talaria::Talaria;

#[tokio::test]
async fn what_is_no_request_is_refused_before_anything_happens() {
    let talaria = Talaria::start().await;
    let deep = format!("{}1{}", "{\"a\":".repeat(40), "}".repeat(40));
    let wide =
        format!("{{{}}}", (0..1_100).map(|n| format!("\"m{n}\":1")).collect::<Vec<_>>().join(","));
    let large = format!("{{\"name\":\"{}\"}}", "a".repeat(17_000));
    let bodies: [(&[u8], u16, &str); 12] = [
        (b"", 422, "validation_failed"),
        (b"{", 400, "malformed_request"),
        (b"[]", 400, "malformed_request"),
        (b"null", 400, "malformed_request"),
        (b"{\"tenant\":1}", 400, "malformed_request"),
        (b"{\"colour\":\"red\"}", 400, "malformed_request"),
        (b"{\"tenant\":\"demo\",\"tenant\":\"demo\"}", 400, "malformed_request"),
        (b"{\"tenant\":\"\xff\"}", 400, "malformed_request"),
        (b"{\"tenant\":1e999}", 400, "malformed_request"),
        (deep.as_bytes(), 400, "malformed_request"),
        (wide.as_bytes(), 400, "malformed_request"),
        (large.as_bytes(), 413, "body_too_large"),
    ];
    for (body, status, code) in bodies {
        let call = talaria.ask(Method::POST, "/v1/auth/register");
        let call = call.header("content-type", "application/json").body(body.to_vec());
        call.send().await.refused(status, code);
    }
}

#[tokio::test]
async fn every_fault_of_a_request_is_told_at_once() {
    let talaria = Talaria::start().await;
    let body = json!({ "tenant": "demo", "email": "nobody", "password": "short", "name": "", "locale": "!" });
    let answer = talaria.post("/v1/auth/register", body).send().await;
    let faults = answer.refused(422, "validation_failed").json["errors"].clone();
    let at: Vec<&str> =
        faults.as_array().unwrap().iter().filter_map(|one| one["param"].as_str()).collect();
    assert!(["/email", "/name", "/locale"].iter().all(|param| at.contains(param)), "{faults}");
}

#[tokio::test]
async fn only_json_is_read() {
    let talaria = Talaria::start().await;
    for media in ["text/plain", "application/xml", "application/json; charset=latin1", ""] {
        let call = talaria.ask(Method::POST, "/v1/auth/login").header("content-type", media);
        call.body("{}").send().await.refused(415, "unsupported_media_type");
    }
}

#[tokio::test]
async fn unknown_routes_and_methods_are_told_apart() {
    let talaria = Talaria::start().await;
    talaria.get("/v1/nothing").send().await.refused(404, "route_not_found");
    let answer = talaria.ask(Method::DELETE, "/v1/profile").send().await;
    assert_eq!(answer.refused(405, "method_not_allowed").header("allow"), "GET, PATCH");
}

#[tokio::test]
async fn broken_queries_and_ids_are_refused() {
    let talaria = Talaria::start().await;
    let member = talaria.sign_up("member@example.com").await;
    let cases = [
        ("/v1/inbox?limit=%zz", 400, "malformed_request"),
        ("/v1/inbox?limit=%ff", 400, "malformed_request"),
        ("/v1/inbox?limit=many", 400, "malformed_request"),
        ("/v1/inbox?colour=red", 400, "malformed_request"),
        ("/v1/profiles/usr_1", 404, "not_found"),
        ("/v1/profiles/%2e%2e%2f", 404, "not_found"),
    ];
    for (path, status, code) in cases {
        talaria.get(path).by(&member).send().await.refused(status, code);
    }
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused() {
    let talaria = Talaria::start().await;
    let foreign = "https://evil.example";
    let call = talaria.post("/v1/auth/login", json!({})).header("origin", foreign);
    let answer = call.send().await;
    assert_eq!(answer.refused(403, "origin_not_allowed").header("access-control-allow-origin"), "");
    let jwks = talaria.get("/.well-known/jwks.json").header("origin", foreign).send().await;
    assert_eq!(jwks.expect(200).header("access-control-allow-origin"), "*");
    let preflight =
        talaria.ask(Method::OPTIONS, "/v1/profile").header("origin", foreign).send().await;
    assert_eq!(preflight.expect(204).header("access-control-allow-methods"), "");
}

#[tokio::test]
async fn a_flood_of_sign_ins_is_slowed_down() {
    let talaria = Talaria::start().await;
    let mut last = talaria.login("nobody@example.com", "not the password at all").await;
    for _ in 0..30 {
        last = talaria.login("nobody@example.com", "not the password at all").await;
    }
    last.refused(429, "rate_limited");
    let wait: u64 = last.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert!(
        last.header("ratelimit").contains("\"credential\";r=0"),
        "{}",
        last.header("ratelimit")
    );
    talaria.clock().advance(120_000);
    let later = talaria.login("nobody@example.com", "not the password at all").await;
    later.refused(401, "invalid_credentials");
}
