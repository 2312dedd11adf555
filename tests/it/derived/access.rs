//! Who comes in and who does not: the first success of every endpoint is asked for again by every kind of
//! caller, on the real path with the real ids; and by the owner of another tenant, to whom the ids
//! of this one must look like ids that nobody has.

use std::net::Ipv4Addr;
use std::time::Duration;

use contracts::{Access, Method, Spec};
use kernel::{SystemRole, TenantId};
use local::harness::{Answer, Ask};
use local::lambda::Invoked;
use local::seed::DEMO_TENANT;
use serde_json::json;

use super::recording::{Performance, all};
use super::scene::{endpoints, header, is_success, journey_of, refuses_with, row, text};
use crate::talaria::{PASSWORD, Session, Talaria};

/// Who knocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Credential {
    None,
    Garbled,
    UnknownScheme,
    Twice,
    Revoked,
    Expired,
    Member,
    Administrator,
}

impl Credential {
    const ALL: [Self; 8] = [
        Self::None,
        Self::Garbled,
        Self::UnknownScheme,
        Self::Twice,
        Self::Revoked,
        Self::Expired,
        Self::Member,
        Self::Administrator,
    ];
}

/// What the answer must be: a refusal, or anything that got past the door.
#[derive(Debug, PartialEq, Eq)]
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
        (C::Expired, _) => Expected::Refused(401, "credential_expired"),
        (C::Twice, _) => Expected::Refused(400, "multiple_credentials"),
        (C::Member, Access::Permission(_)) => Expected::Refused(403, "permission_denied"),
        (C::Member | C::Administrator, _) => Expected::Admitted,
    }
}

/// One caller at one endpoint.
pub struct Visit {
    spec: Spec,
    credential: Credential,
    answer: Answer,
}

/// The owner of another tenant at one endpoint: with the recorded ids, and with ids nobody has.
pub struct Stranger {
    spec: Spec,
    with_ids: Answer,
    with_unknown: Answer,
    /// The recorded ids and those that stood in for them.
    ids: Vec<(String, String)>,
}

/// A recorded request, to be sent by others.
struct Request {
    spec: Spec,
    tenant: TenantId,
    target: String,
    media: String,
    tag: String,
    body: String,
}

impl Request {
    fn of(spec: Spec, invoked: &Invoked) -> Self {
        let event = &invoked.event;
        let query = text(event, "/rawQueryString");
        let path = text(event, "/rawPath");
        let body = text(event, "/body");
        let tenant = text(event, "/requestContext/authorizer/lambda/tenant_id");
        Self {
            spec,
            tenant: tenant.parse().unwrap_or(DEMO_TENANT),
            target: if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") },
            media: header(event, "content-type").to_owned(),
            tag: header(event, "if-match").to_owned(),
            body: match event["isBase64Encoded"] == true {
                true => String::from_utf8(decoded(body)).expect("a form"),
                false => body.to_owned(),
            },
        }
    }

    fn ask<'a>(&self, talaria: &'a Talaria, network: &mut Networks) -> Ask<'a> {
        let method = self.spec.method.as_str().parse().expect("a method");
        let mut ask = talaria.ask(method, &self.target).from(network.next());
        for (name, value) in [("content-type", &self.media), ("if-match", &self.tag)] {
            if !value.is_empty() {
                ask = ask.header(name, value);
            }
        }
        ask.body(self.body.clone())
    }

    /// The ids of the request, each with one of its kind that nobody has.
    fn ids(&self) -> Vec<(String, String)> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let words = self.target.split(|c| !is_word(c)).chain(self.body.split(|c| !is_word(c)));
        let mut ids: Vec<(String, String)> = words
            .filter_map(|word| {
                let (prefix, body) = word.split_once('_')?;
                let id: kernel::AnyId = word.parse().ok()?;
                let unknown = TenantId::from_bytes([7; 16]).body();
                (id.to_string() == word && body.len() == unknown.len())
                    .then(|| (word.to_owned(), format!("{prefix}_{unknown}")))
            })
            .collect();
        ids.sort();
        ids.dedup();
        ids
    }

    fn with(&self, ids: &[(String, String)]) -> Self {
        let renamed = |text: &str| {
            ids.iter().fold(text.to_owned(), |text, (id, unknown)| text.replace(id, unknown))
        };
        Self {
            target: renamed(&self.target),
            body: renamed(&self.body),
            media: self.media.clone(),
            tag: self.tag.clone(),
            ..*self
        }
    }
}

fn decoded(body: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(body).expect("base64")
}

/// A network of its own for every request: limits count by network.
#[derive(Default)]
struct Networks(u32);

impl Networks {
    fn next(&mut self) -> Ipv4Addr {
        self.0 += 1;
        let [_, _, high, low] = self.0.to_be_bytes();
        Ipv4Addr::new(10, high, low, 1)
    }
}

/// People of a tenant who can prove themselves, and some who cannot any more.
struct People<'a> {
    talaria: &'a Talaria,
    networks: Networks,
}

impl People<'_> {
    /// Somebody with this role, signed in.
    async fn sign_in(&mut self, tenant: TenantId, role: Option<SystemRole>) -> Session {
        let email = format!("visitor-{}@example.com", self.networks.0);
        self.talaria.account(tenant, &email, role).await;
        let body = json!({ "tenant": tenant, "email": email, "password": PASSWORD });
        let login = self.talaria.post("/v1/auth/login", body).from(self.networks.next());
        Session::of(login.send().await.expect(200))
    }
}

/// Asks for the first success of each endpoint of the journey's module by everybody.
pub async fn knock(talaria: &Talaria, performance: &Performance) -> (Vec<Visit>, Vec<Stranger>) {
    let requests = requests(performance);
    let mut people = People { talaria, networks: Networks::default() };
    let mut visits = Vec::new();
    let elsewhere = talaria.found("elsewhere").await;
    let expired = people.sign_in(DEMO_TENANT, None).await;
    // Access tokens live for ten minutes.
    talaria.pass(Duration::from_secs(660)).await;
    let revoked = people.sign_in(DEMO_TENANT, None).await;
    let logout = talaria.ask(http::Method::POST, "/v1/auth/logout").by(&revoked);
    logout.send().await.expect(204);
    let stranger = people.sign_in(elsewhere, Some(SystemRole::TenantOwner)).await;

    // Those who are refused leave everything as it was; whoever is admitted comes last.
    let mut admitted = Vec::new();
    let mut strangers = Vec::new();
    for request in &requests {
        for credential in Credential::ALL {
            if matches!(credential, Credential::Member | Credential::Administrator) {
                continue;
            }
            let ask = request.ask(talaria, &mut people.networks);
            let ask = match credential {
                Credential::Garbled => ask.by("not.a.token"),
                Credential::UnknownScheme => ask.header("authorization", "Basic dXNlcjpwYXNz"),
                Credential::Twice => ask.by(&revoked).header("x-api-key", "sk_live_tal"),
                Credential::Revoked => ask.by(&revoked),
                Credential::Expired => ask.by(&expired),
                Credential::None | Credential::Member | Credential::Administrator => ask,
            };
            visits.push(Visit { spec: request.spec, credential, answer: ask.send().await });
        }
        let ids = request.ids();
        if !ids.is_empty() && request.spec.access.needs_credential() {
            let ask = |request: &Request, networks: &mut Networks| {
                request.ask(talaria, networks).by(&stranger).send()
            };
            let with_ids = ask(request, &mut people.networks).await;
            let with_unknown = ask(&request.with(&ids), &mut people.networks).await;
            strangers.push(Stranger { spec: request.spec, with_ids, with_unknown, ids });
        }
        if request.spec.access.wants_evidence() {
            let member = people.sign_in(request.tenant, None).await;
            let all = Some(SystemRole::PlatformAdmin);
            let administrator = people.sign_in(request.tenant, all).await;
            admitted.push((request, Credential::Member, member));
            admitted.push((request, Credential::Administrator, administrator));
        }
    }
    for (request, credential, session) in admitted {
        let ask = request.ask(talaria, &mut people.networks).by(&session);
        visits.push(Visit { spec: request.spec, credential, answer: ask.send().await });
    }
    (visits, strangers)
}

fn requests(performance: &Performance) -> Vec<Request> {
    let mut requests: Vec<Request> = Vec::new();
    for invoked in &performance.invoked {
        let Some(row) = row(invoked.function) else { continue };
        let Some(spec) = row.http().copied().filter(is_a_route) else { continue };
        let own = row.id.split('.').next() == Some(performance.module);
        let known = requests.iter().any(|request| request.spec.id == spec.id);
        if own && !known && is_success(performance, row, invoked) {
            requests.push(Request::of(spec, invoked));
        }
    }
    requests
}

/// Browsers' questions and unknown routes are answered to everybody.
fn is_a_route(spec: &Spec) -> bool {
    !matches!(spec.method, Method::Any | Method::Options)
}

fn visits() -> impl Iterator<Item = &'static Visit> {
    all().into_iter().flat_map(|performance| &performance.visits)
}

#[test]
fn every_route_answers_every_credential_as_declared() {
    for spec in endpoints().filter(is_a_route) {
        let kinds = visits().filter(|visit| visit.spec.id == spec.id).count();
        let all = if spec.access.wants_evidence() { 8 } else { 6 };
        assert_eq!(kinds, all, "{} is never asked for: use it in {}", spec.id, journey_of(spec.id));
    }
    for Visit { spec, credential, answer } in visits() {
        let told = format!("{} as {credential:?}: {} {}", spec.id, answer.status, answer.text);
        let challenged = !answer.header("www-authenticate").is_empty();
        match expected(spec.access, *credential) {
            Expected::Refused(status, code) => {
                assert_eq!((answer.status, answer.code()), (status, code), "{told}");
                let challenges = status == 401 || code == "multiple_credentials";
                assert_eq!(challenged, challenges, "{told}");
            }
            Expected::Admitted => assert!(got_past_the_door(spec, answer), "{told}"),
        }
        assert!(answer.header("request-id").starts_with("req_"), "{told}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{told}");
    }
}

/// Whether the answer is that of the endpoint itself: a refusal too, where its contract names it.
fn got_past_the_door(spec: &Spec, answer: &Answer) -> bool {
    let at_the_door =
        ["credential_missing", "credential_invalid", "credential_expired", "permission_denied"];
    let code = answer.code();
    answer.status < 500 && (refuses_with(spec, code) || !at_the_door.contains(&code))
}

#[test]
fn a_bad_credential_counts_as_none_where_none_is_needed() {
    let open = |spec: &Spec| matches!(spec.access, Access::Open { .. });
    let mut compared = 0;
    for Visit { spec, credential, answer } in visits().filter(|visit| open(&visit.spec)) {
        if matches!(credential, Credential::Member | Credential::Administrator) {
            continue;
        }
        let none =
            visits().find(|visit| visit.spec.id == spec.id && visit.credential == Credential::None);
        let none = none.expect("a visit without a credential");
        assert_eq!(answer.json, none.answer.json, "{} as {credential:?}", spec.id);
        compared += 1;
    }
    assert!(compared >= 6 * endpoints().filter(open).count(), "{compared}");
}

#[test]
fn the_ids_of_another_tenant_look_like_ids_that_nobody_has() {
    let strangers: Vec<&Stranger> =
        all().into_iter().flat_map(|performance| &performance.strangers).collect();
    for spec in endpoints().filter(|spec| spec.path.contains("_id}")) {
        let tried = strangers.iter().any(|stranger| stranger.spec.id == spec.id);
        assert!(tried, "{} is never asked for: use it in {}", spec.id, journey_of(spec.id));
    }
    assert!(!strangers.is_empty());
    for Stranger { spec, with_ids, with_unknown, ids } in strangers {
        let (status, mut body, mut headers) = with_ids.as_seen();
        for (id, unknown) in ids {
            body = body.replace(id, unknown);
            headers.iter_mut().for_each(|(_, value)| *value = value.replace(id, unknown));
        }
        assert_eq!((status, body, headers), with_unknown.as_seen(), "{}", spec.id);
        assert!(status >= 400, "{} does something for a stranger: {}", spec.id, with_ids.text);
    }
}
