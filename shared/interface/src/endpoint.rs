//! One HTTP endpoint as a value: what it is called, who may call it, what goes in and comes out.
//!
//! An endpoint starts [`Undecided`]. Only a decided one can be served, so a route without an access
//! decision does not compile.

use std::marker::PhantomData;

use kernel::{List, Page, Permission, Problem};

use crate::access::{Access, Anyone, Holder, Owner, Undecided, Visitor};

/// An endpoint nobody needs a credential for.
pub type Public<Request, Answer> = Endpoint<Request, Answer, Anyone>;
/// An endpoint for a person, acting on rows of their own.
pub type Own<Request, Answer> = Endpoint<Request, Answer, Owner>;
/// An endpoint for any principal, or for those who hold a permission.
pub type Granted<Request, Answer> = Endpoint<Request, Answer, Holder>;
/// An endpoint that answers strangers and says more to those who prove themselves.
pub type Open<Request, Answer> = Endpoint<Request, Answer, Visitor>;

/// An HTTP method; `Any` is the fallback of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Options,
    Any,
}

impl Method {
    /// The method as it stands on the wire; `ANY` for the fallback.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Any => "ANY",
        }
    }

    /// Whether a request of this method carries its parameters in a body.
    pub const fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }
}

/// The rate class a call is counted in. Numbers per class: `runtime::rate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Calls that try a password, a code or a link: counted by network.
    Credential,
    /// Token endpoints: counted by session, application and network.
    Token,
    /// Costly work: counted by principal, over an hour.
    Expensive,
    /// Everything that changes something.
    Write,
    /// Everything that only reads.
    Read,
    /// Public documents: counted by network.
    PublicDocument,
    /// Never refused; the answer is cached for a few seconds.
    Unlimited,
}

/// What sending the same call twice does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// Reads only.
    Safe,
    /// A second identical call finds the work done and answers alike.
    Natural,
    /// Honours `Idempotency-Key`: the first answer is stored and replayed.
    Key,
    /// Consumes a one-time token: the second call is refused.
    OneTime,
    /// Each call acts; the answer is never stored.
    EachActs,
}

/// The status of success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Success {
    Ok,
    Created,
    Accepted,
    NoContent,
    Found,
}

impl Success {
    /// The status code (RFC 9110 section 15).
    pub const fn status(self) -> u16 {
        match self {
            Self::Ok => 200,
            Self::Created => 201,
            Self::Accepted => 202,
            Self::NoContent => 204,
            Self::Found => 302,
        }
    }
}

/// Whether a call must say which version it changes (`If-Match`, RFC 9110 section 13.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// The header is ignored.
    None,
    /// Checked when sent.
    Optional,
    /// Missing is refused with 428.
    Required,
}

/// What stands in the body of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    Json,
    /// JSON that the handler has as text: sent as it is, neither read nor written again.
    JsonText,
    Html,
}

impl Media {
    /// Whether the body is JSON.
    pub const fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::JsonText)
    }
}

/// What is kept of a change for the auditor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audit {
    /// Not decided: right for what only reads.
    Undecided,
    /// A row of this action, in the transaction of the change.
    Action(&'static str),
    /// Nothing, for this reason.
    Unaudited { reason: &'static str },
}

impl Audit {
    /// The action of the row, where there is one.
    pub const fn action(self) -> Option<&'static str> {
        match self {
            Self::Action(action) => Some(action),
            Self::Undecided | Self::Unaudited { .. } => None,
        }
    }
}

/// Everything about an endpoint but its types.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// `module.verb`: also the handler name, the OpenAPI operation and the log field.
    pub id: &'static str,
    pub method: Method,
    /// The path with its parameters in braces.
    pub path: &'static str,
    /// Other paths that reach the same function.
    pub aliases: &'static [&'static str],
    /// The public documentation: first line the summary, the rest the description.
    pub docs: &'static str,
    pub access: Access,
    pub rate: Rate,
    pub idempotency: Idempotency,
    pub success: Success,
    pub precondition: Precondition,
    pub media: Media,
    /// The page a browser goes on to after it posted the request as an HTML form; `None` where only
    /// JSON is taken.
    pub form: Option<&'static str>,
    /// Largest accepted body, in bytes.
    pub body_limit_bytes: usize,
    /// The oldest sign-in this call accepts, in seconds.
    pub max_auth_age_s: Option<u32>,
    /// `Cache-Control` of a success; `no-store` unless stated.
    pub cache_control: &'static str,
    /// Whether any web page may read the answer (public documents only).
    pub any_origin: bool,
    /// What it refuses with beside what follows from the rest.
    pub refuses: &'static [&'static Problem],
    /// What is kept of a change for the auditor.
    pub audit: Audit,
    /// Whether it answers pages of a list, and so opens and seals cursors.
    pub pages: bool,
    /// Most DynamoDB requests of a success, without authorizer and rate cells.
    pub budget: u32,
}

impl Spec {
    /// The module: the first part of the id.
    pub fn module(&self) -> &'static str {
        self.id.split_once('.').map_or(self.id, |(module, _)| module)
    }

    /// Whether this endpoint is behind a route of the gateway: `GET /v1/profile`, an alias of it, or
    /// `$default` for the fallback.
    pub fn serves(&self, route_key: &str) -> bool {
        if self.path == "$default" {
            return route_key == self.path;
        }
        let Some((method, path)) = route_key.split_once(' ') else { return false };
        method == self.method.as_str() && (path == self.path || self.aliases.contains(&path))
    }
}

/// Largest body where a contract names no other: 256 KiB.
pub const BODY_LIMIT_BYTES: usize = 256 * 1024;

/// An endpoint with the types of its request and its answer, and its access decision.
pub struct Endpoint<Request, Answer, A = Undecided> {
    pub spec: Spec,
    types: PhantomData<fn(Request) -> (Answer, A)>,
}

impl<Request, Answer> Endpoint<Request, Answer, Undecided> {
    const fn new(id: &'static str, method: Method, path: &'static str) -> Self {
        let reads = matches!(method, Method::Get | Method::Options);
        let spec = Spec {
            id,
            method,
            path,
            aliases: &[],
            docs: "",
            access: Access::Undecided,
            rate: if reads { Rate::Read } else { Rate::Write },
            idempotency: if reads { Idempotency::Safe } else { Idempotency::EachActs },
            success: Success::Ok,
            precondition: Precondition::None,
            media: Media::Json,
            form: None,
            body_limit_bytes: BODY_LIMIT_BYTES,
            max_auth_age_s: None,
            cache_control: "no-store",
            any_origin: false,
            refuses: &[],
            audit: Audit::Undecided,
            pages: false,
            budget: 0,
        };
        Self { spec, types: PhantomData }
    }

    /// A reading endpoint: parameters in path and query.
    pub const fn get(id: &'static str, path: &'static str) -> Self {
        Self::new(id, Method::Get, path)
    }

    /// An acting endpoint: parameters in path and body.
    pub const fn post(id: &'static str, path: &'static str) -> Self {
        Self::new(id, Method::Post, path)
    }

    /// An endpoint that sets a whole document.
    pub const fn put(id: &'static str, path: &'static str) -> Self {
        Self::new(id, Method::Put, path)
    }

    /// An endpoint that changes members of a document (RFC 5789, RFC 7396).
    pub const fn patch(id: &'static str, path: &'static str) -> Self {
        Self::new(id, Method::Patch, path)
    }

    /// An endpoint that removes something: parameters in path and query.
    pub const fn delete(id: &'static str, path: &'static str) -> Self {
        Self::new(id, Method::Delete, path)
    }

    /// The answer to `OPTIONS`, for browsers.
    pub const fn options(id: &'static str, path: &'static str) -> Self {
        Self::new(id, Method::Options, path)
    }

    /// What answers where no route fits.
    pub const fn fallback(id: &'static str) -> Self {
        Self::new(id, Method::Any, "$default")
    }

    /// Needs no credential, because of `reason`, which must not be empty.
    pub const fn public(self, reason: &'static str) -> Public<Request, Answer> {
        assert!(!reason.is_empty(), "a public endpoint says why it is public");
        self.decide(Access::Public { reason })
    }

    /// Needs no credential but a sealed token in the request: `what` names it.
    pub const fn handle(self, what: &'static str) -> Public<Request, Answer> {
        assert!(!what.is_empty(), "a handle endpoint names its token");
        self.decide(Access::Handle { what })
    }

    /// For a signed-in person, on rows of their own.
    pub const fn own(self) -> Own<Request, Answer> {
        self.decide(Access::Own { first_party: false })
    }

    /// As [`own`](Self::own), for sessions with scope `api` only.
    pub const fn own_first_party(self) -> Own<Request, Answer> {
        self.decide(Access::Own { first_party: true })
    }

    /// For every principal except publishable keys.
    pub const fn any_principal(self) -> Granted<Request, Answer> {
        self.decide(Access::AnyPrincipal)
    }

    /// For principals that hold `permission`.
    pub const fn permission(self, permission: Permission) -> Granted<Request, Answer> {
        self.decide(Access::Permission(permission))
    }

    /// For everyone; a caller with a valid credential is told more. A bad credential counts as none.
    pub const fn open(self, reason: &'static str) -> Open<Request, Answer> {
        assert!(!reason.is_empty(), "an open endpoint says why it is open");
        self.decide(Access::Open { reason })
    }

    const fn decide<A>(self, access: Access) -> Endpoint<Request, Answer, A> {
        let mut spec = self.spec;
        spec.access = access;
        Endpoint { spec, types: PhantomData }
    }
}

impl<Filters, Item> Endpoint<List<Filters>, Page<Item>, Undecided> {
    /// A list: filters, `limit` and `cursor` in the query, a page in the answer.
    pub const fn list(id: &'static str, path: &'static str) -> Self {
        let mut list = Self::new(id, Method::Get, path);
        list.spec.pages = true;
        list
    }
}

impl<Request, Answer, A> Endpoint<Request, Answer, A> {
    /// The public documentation; the [`endpoints!`](crate::endpoints) table fills it in.
    pub const fn documented(mut self, docs: &'static str) -> Self {
        self.spec.docs = docs;
        self
    }

    /// Counts calls in another class than the method's.
    pub const fn rate(mut self, rate: Rate) -> Self {
        self.spec.rate = rate;
        self
    }

    /// Honours `Idempotency-Key`.
    pub const fn keyed(mut self) -> Self {
        self.spec.idempotency = Idempotency::Key;
        self
    }

    /// A second identical call answers like the first.
    pub const fn natural(mut self) -> Self {
        self.spec.idempotency = Idempotency::Natural;
        self
    }

    /// Consumes a one-time token.
    pub const fn one_time(mut self) -> Self {
        self.spec.idempotency = Idempotency::OneTime;
        self
    }

    /// Succeeds with another status than 200.
    pub const fn answers(mut self, success: Success) -> Self {
        self.spec.success = success;
        self
    }

    /// Checks `If-Match` when it is sent.
    pub const fn if_match(mut self) -> Self {
        self.spec.precondition = Precondition::Optional;
        self
    }

    /// Refuses a change without `If-Match`.
    pub const fn if_match_required(mut self) -> Self {
        self.spec.precondition = Precondition::Required;
        self
    }

    /// Accepts bodies up to `bytes`.
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.spec.body_limit_bytes = bytes;
        self
    }

    /// Accepts only sign-ins at most `seconds` old.
    pub const fn fresh(mut self, seconds: u32) -> Self {
        self.spec.max_auth_age_s = Some(seconds);
        self
    }

    /// Lets caches keep the answer.
    pub const fn cached(mut self, cache_control: &'static str) -> Self {
        self.spec.cache_control = cache_control;
        self
    }

    /// Lets any web page read the answer: for public documents.
    pub const fn any_origin(mut self) -> Self {
        self.spec.any_origin = true;
        self
    }

    /// Is reached by other paths too.
    pub const fn aliases(mut self, paths: &'static [&'static str]) -> Self {
        self.spec.aliases = paths;
        self
    }

    /// Answers JSON as the text it already is.
    pub const fn json_text(mut self) -> Self {
        self.spec.media = Media::JsonText;
        self
    }

    /// Answers an HTML page.
    pub const fn html(mut self) -> Self {
        self.spec.media = Media::Html;
        self
    }

    /// Takes its body also as a posted HTML form (`application/x-www-form-urlencoded`); a browser that
    /// posted one goes on to the page at `then` (303, RFC 9110 section 15.4.4).
    pub const fn form(mut self, then: &'static str) -> Self {
        self.spec.form = Some(then);
        self
    }

    /// Refuses with these too, beside what follows from the rest.
    pub const fn refuses(mut self, problems: &'static [&'static Problem]) -> Self {
        self.spec.refuses = problems;
        self
    }

    /// Writes an audit row of this action with the change.
    pub const fn audited(mut self, action: &'static str) -> Self {
        self.spec.audit = Audit::Action(action);
        self
    }

    /// Changes something and writes no audit row, because of `reason`, which must not be empty.
    pub const fn unaudited(mut self, reason: &'static str) -> Self {
        assert!(!reason.is_empty(), "a change without an audit row says why");
        self.spec.audit = Audit::Unaudited { reason };
        self
    }

    /// Allows this many DynamoDB requests on success.
    pub const fn budget(mut self, requests: u32) -> Self {
        self.spec.budget = requests;
        self
    }
}
