//! What is told about credentials that prove too little, and what becomes of those that proved enough.

use local::fault::{Fault, FaultPlan};
use runtime::access::{CLIENT, TenantHead};

use crate::talaria::{PASSWORD, Talaria};

#[tokio::test]
async fn an_expired_token_is_told_from_a_broken_one() {
    let talaria = Talaria::start().await;
    let member = talaria.sign_up("member@example.com").await;
    talaria.get("/v1/profile").by(&member).send().await.expect(200);
    talaria.clock().advance(606_000);
    let answer = talaria.get("/v1/profile").by(&member).send().await;
    let challenge = answer.refused(401, "credential_expired").header("www-authenticate").to_owned();
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
}

#[tokio::test]
async fn a_token_with_another_signature_or_payload_proves_nothing() {
    let talaria = Talaria::start().await;
    let member = talaria.sign_up("member@example.com").await;
    let parts: Vec<&str> = member.access.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let forged = [
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
        format!("{header}.{payload}.{signature}.{signature}"),
        format!("{header}.{payload}.{}", signature.chars().rev().collect::<String>()),
        format!("{header}.{header}.{signature}"),
        format!("eyJhbGciOiJub25lIn0.{payload}."),
        format!(" {header}.{payload}.{signature}"),
        member.refresh.clone(),
    ];
    for token in forged {
        let call = talaria.get("/v1/profile").header("authorization", &format!("Bearer {token}"));
        call.send().await.refused(401, "credential_invalid");
    }
}

#[tokio::test]
async fn a_suspended_tenant_is_shut_with_the_next_request() {
    let talaria = Talaria::start().await;
    let member = talaria.sign_up("member@example.com").await;
    let store = &talaria.ports().store;
    let key = TenantHead::key_of(local::seed::DEMO_TENANT);
    let update = store::Update::of(CLIENT, key).set("status", "suspended");
    let _ = store.update(update).await.expect("the tenant is suspended");
    talaria.get("/v1/profile").by(&member).send().await.refused(403, "tenant_suspended");
    talaria.login("member@example.com", PASSWORD).await.refused(403, "tenant_suspended");
}

#[tokio::test]
async fn a_fault_behind_the_authorizer_is_a_clean_503() {
    let talaria = Talaria::start().await;
    let member = talaria.sign_up("member@example.com").await;
    talaria.cloud().faults().inject(FaultPlan::Random {
        seed: 1,
        per_mille: 1_000,
        faults: vec![Fault::ErrorBefore],
    });
    let answer = talaria.get("/v1/profile").by(&member).send().await;
    assert_eq!(answer.refused(503, "auth_unavailable").header("retry-after"), "1");
    talaria.cloud().faults().stop();
    talaria.get("/v1/profile").by(&member).send().await.expect(200);
}

#[tokio::test]
async fn one_person_never_sees_the_tenant_of_another() {
    let talaria = Talaria::start().await;
    let member = talaria.sign_up("member@example.com").await;
    let owner = talaria.platform_owner().await;
    let path = format!("/v1/profiles/{}", owner.user_id);
    talaria.get(&path).by(&member).send().await.refused(404, "not_found");
    let hinted = talaria.get("/v1/profile").by(&member).header("x-tenant", "cli_0");
    hinted.send().await.refused(403, "tenant_mismatch");
    assert_eq!(talaria.cloud().violations(), []);
}
