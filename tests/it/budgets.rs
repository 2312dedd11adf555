//! No endpoint makes more DynamoDB requests than its contract allows. Counted where operators see them:
//! in the log line of the call.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use crate::talaria::{Session, Talaria};

/// A tour that succeeds at every endpoint.
async fn tour(talaria: &Talaria) {
    let ada = talaria.sign_up("ada@example.com").await;
    talaria.get("/v1/auth/links/verify?token=any").send().await.expect(200);
    let resend = json!({ "tenant": "demo", "email": "bob@example.com" });
    talaria.post("/v1/auth/email/verify/resend", resend).send().await.expect(202);
    let name = json!({ "display_name": "Ada" });
    talaria
        .patch("/v1/profile", name)
        .header("idempotency-key", "1")
        .bearer(&ada)
        .send()
        .await
        .expect(200);
    let inbox = json!({ "seen_upto": 1 });
    talaria.post("/v1/inbox/marks", inbox).bearer(&ada).send().await.expect(200);
    let item = json!({ "read": true });
    talaria.patch("/v1/inbox/1", item).bearer(&ada).send().await.expect(200);
    let own = format!("/v1/profiles/{}", ada.user_id);
    for path in ["/v1/profile", "/v1/auth/me", "/v1/inbox", "/v1/inbox/head", own.as_str()] {
        talaria.get(path).bearer(&ada).send().await.expect(200);
    }
    let owner = talaria.platform_owner().await;
    for path in ["/v1/gateway/modules", "/v1/gateway/modules/auth", "/v1/gateway/health"] {
        talaria.get(path).bearer(&owner).send().await.expect(200);
    }
    let documents = [
        "/v1/gateway/status",
        "/v1/openapi.json",
        "/.well-known/jwks.json",
        "/.well-known/openid-configuration",
    ];
    for path in documents {
        talaria.get(path).send().await.expect(200);
    }
    talaria.call(Method::OPTIONS, "/v1/profile").send().await.expect(204);
    let refresh = json!({ "refresh_token": ada.refresh });
    let ada = Session::of(talaria.post("/v1/auth/token/refresh", refresh).send().await.expect(200));
    talaria.call(Method::POST, "/v1/auth/logout").bearer(&ada).send().await.expect(204);
}

#[tokio::test]
async fn no_endpoint_exceeds_its_budget_of_requests() {
    let talaria = Talaria::start().await;
    tour(&talaria).await;
    let mut most: BTreeMap<String, u64> = BTreeMap::new();
    for line in talaria.platform.logs() {
        let line: Value = serde_json::from_str(&line).expect("a log line is JSON");
        let succeeded = line["status"].as_u64().is_some_and(|status| status < 400);
        if line["msg"] == "done" && succeeded {
            let requests = line["dynamodb_requests"].as_u64().unwrap_or(0);
            let call = line["call"].as_str().unwrap_or_default().to_owned();
            most.entry(call).and_modify(|seen| *seen = requests.max(*seen)).or_insert(requests);
        }
    }
    let rows = catalog::modules().into_iter().flat_map(|module| module.rows);
    for spec in rows.filter_map(|row| row.http().copied()).filter(|spec| spec.path != "$default") {
        let requests = most.get(spec.id);
        let requests = requests.unwrap_or_else(|| panic!("the tour leaves out {}", spec.id));
        assert!(*requests <= u64::from(spec.budget), "{}: {requests} > {}", spec.id, spec.budget);
    }
}
