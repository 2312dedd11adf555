//! What every route owes every kind of caller, derived from the contracts: nobody lists routes here.

use contracts::{Access, Method as Verb, Spec};
use local::fault::{Fault, FaultPlan};
use runtime::access::{CLIENT, TenantHead};
use serde_json::json;

use crate::talaria::{Answer, Call, Session, Talaria};

/// Who knocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Credential {
    None,
    Garbled,
    UnknownScheme,
    Twice,
    Revoked,
    Member,
    Administrator,
}

impl Credential {
    const ALL: [Self; 7] = [
        Self::None,
        Self::Garbled,
        Self::UnknownScheme,
        Self::Twice,
        Self::Revoked,
        Self::Member,
        Self::Administrator,
    ];
}

/// What the answer must be: a refusal, or anything that got past the door.
#[derive(Debug)]
enum Expected {
    Refused(u16, &'static str),
    Admitted,
}

fn expected(access: Access, credential: Credential) -> Expected {
    use Credential as C;
    let needs = access.needs_credential();
    match (credential, access) {
        (_, _) if !needs => Expected::Admitted,
        (C::None, _) => Expected::Refused(401, "credential_missing"),
        (C::Garbled | C::UnknownScheme | C::Revoked, _) => {
            Expected::Refused(401, "credential_invalid")
        }
        (C::Twice, _) => Expected::Refused(400, "multiple_credentials"),
        (C::Member, Access::Permission(_)) => Expected::Refused(403, "permission_denied"),
        (C::Member | C::Administrator, _) => Expected::Admitted,
    }
}

struct Callers {
    member: Session,
    revoked: Session,
    administrator: Session,
}

fn request<'a>(talaria: &'a Talaria, spec: &Spec, who: Credential, callers: &Callers) -> Call<'a> {
    let method = spec.method.as_str().parse().expect("a method");
    let path = spec
        .path
        .replace("{user_id}", &callers.member.user_id)
        .replace("{seq}", "1")
        .replace("{module}", "auth")
        .replace("{purpose}", "verify?token=none");
    let call = talaria.call(method, &path);
    let call = if spec.method.has_body() { call.json(&json!({})) } else { call };
    match who {
        Credential::None => call,
        Credential::Garbled => call.header("authorization", "Bearer not.a.token"),
        Credential::UnknownScheme => call.header("authorization", "Basic dXNlcjpwYXNz"),
        Credential::Twice => call.bearer(&callers.member).header("x-api-key", "sk_live_tal"),
        Credential::Revoked => call.bearer(&callers.revoked),
        Credential::Member => call.bearer(&callers.member),
        Credential::Administrator => call.bearer(&callers.administrator),
    }
}

fn routes() -> Vec<Spec> {
    let rows = catalog::modules().into_iter().flat_map(|module| module.rows);
    let routes = rows.filter_map(|row| row.http().copied());
    routes.filter(|spec| !matches!(spec.method, Verb::Any | Verb::Options)).collect()
}

async fn callers(talaria: &Talaria) -> Callers {
    let member = talaria.sign_up("member@example.com").await;
    let revoked = talaria.sign_up("gone@example.com").await;
    let logout = talaria.call(http::Method::POST, "/v1/auth/logout").bearer(&revoked);
    logout.send().await.expect(204);
    Callers { member, revoked, administrator: talaria.platform_owner().await }
}

#[tokio::test]
async fn every_route_answers_every_credential_as_declared() {
    let talaria = Talaria::start().await;
    let callers = callers(&talaria).await;
    for spec in routes() {
        for credential in Credential::ALL {
            let ends_session = spec.id == "auth.logout";
            if ends_session && matches!(credential, Credential::Member | Credential::Administrator)
            {
                continue;
            }
            let answer = request(&talaria, &spec, credential, &callers).send().await;
            let told = format!("{} as {credential:?}: {} {}", spec.id, answer.status, answer.text);
            match expected(spec.access, credential) {
                Expected::Refused(status, code) => {
                    assert_eq!((answer.status, answer.code()), (status, code), "{told}");
                    let challenged = !answer.header("www-authenticate").is_empty();
                    assert_eq!(
                        challenged,
                        status == 401 || code == "multiple_credentials",
                        "{told}"
                    );
                }
                Expected::Admitted => assert!(got_past_the_door(&answer), "{told}"),
            }
            assert!(answer.header("request-id").starts_with("req_"), "{told}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{told}");
        }
    }
    assert_eq!(talaria.platform.cloud().violations(), []);
}

fn got_past_the_door(answer: &Answer) -> bool {
    let refused =
        ["credential_missing", "credential_invalid", "credential_expired", "permission_denied"];
    answer.status < 500 && !refused.contains(&answer.code())
}

#[tokio::test]
async fn an_expired_token_is_told_from_a_broken_one() {
    let talaria = Talaria::start().await;
    let member = talaria.sign_up("member@example.com").await;
    talaria.get("/v1/profile").bearer(&member).send().await.expect(200);
    talaria.platform.clock().advance(606_000);
    let answer = talaria.get("/v1/profile").bearer(&member).send().await;
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
    let store = &talaria.platform.ports().store;
    let key = TenantHead::key_of(local::seed::DEMO_TENANT);
    let update = store::Update::of(CLIENT, key).set("status", "suspended");
    let _ = store.update(update).await.expect("the tenant is suspended");
    talaria.get("/v1/profile").bearer(&member).send().await.refused(403, "tenant_suspended");
    talaria
        .login("member@example.com", crate::talaria::PASSWORD)
        .await
        .refused(403, "tenant_suspended");
}

#[tokio::test]
async fn a_fault_behind_the_authorizer_is_a_clean_503() {
    let talaria = Talaria::start().await;
    let member = talaria.sign_up("member@example.com").await;
    talaria.platform.cloud().faults().inject(FaultPlan::Random {
        seed: 1,
        per_mille: 1_000,
        faults: vec![Fault::ErrorBefore],
    });
    let answer = talaria.get("/v1/profile").bearer(&member).send().await;
    assert_eq!(answer.refused(503, "auth_unavailable").header("retry-after"), "1");
    talaria.platform.cloud().faults().stop();
    talaria.get("/v1/profile").bearer(&member).send().await.expect(200);
}

#[tokio::test]
async fn one_person_never_sees_the_tenant_of_another() {
    let talaria = Talaria::start().await;
    let member = talaria.sign_up("member@example.com").await;
    let owner = talaria.platform_owner().await;
    let path = format!("/v1/profiles/{}", owner.user_id);
    talaria.get(&path).bearer(&member).send().await.refused(404, "not_found");
    let hinted = talaria.get("/v1/profile").bearer(&member).header("x-tenant", "cli_0");
    hinted.send().await.refused(403, "tenant_mismatch");
    assert_eq!(talaria.platform.cloud().violations(), []);
}
