//! Module `gateway`: the platform about itself.

use kernel::Permission;
use kernel::Timestamp;
use kernel::text::Slug;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Empty, Endpoint, Granted, Nothing, Open, Public, Rate, Success, endpoints, problems};

endpoints! {
    /// Answers that the API is there, and which build it is.
    STATUS: Public<Nothing, Status> = Endpoint::get("gateway.status", "/v1/gateway/status")
        .public("liveness")
        .rate(Rate::Unlimited)
        .cached("public, max-age=15")
        .aliases(&["/api/gateway/status"]);

    /// Answers whether the platform is well.
    ///
    /// Strangers get one word: `ok`, `degraded` or `down` (503). Holders of `gateway.health.read` get the
    /// state of each module.
    HEALTH: Open<Nothing, Health> = Endpoint::get("gateway.health", "/v1/gateway/health")
        .open("load balancers")
        .rate(Rate::Unlimited)
        .aliases(&["/api/gateway/health"])
        .budget(1);

    /// Lists the modules of the platform: routes, events, listeners, tables, health.
    MODULES: Granted<Nothing, Modules> = Endpoint::get("gateway.modules", "/v1/gateway/modules")
        .permission(Permission::GatewayHealthRead)
        .aliases(&["/api/gateway/modules"])
        .budget(1);

    /// Shows one module.
    MODULE: Granted<ModuleName, ModuleView> =
        Endpoint::get("gateway.module", "/v1/gateway/modules/{module}")
            .permission(Permission::GatewayHealthRead)
            .aliases(&["/api/gateway/modules/{module}"])
            .budget(1);

    /// The API document: OpenAPI 3.1.
    OPENAPI: Public<Nothing, ApiDocument> = Endpoint::get("gateway.openapi", "/v1/openapi.json")
        .public("documentation")
        .json_text()
        .rate(Rate::PublicDocument)
        .cached("public, max-age=900")
        .any_origin();

    /// Answers browsers that ask before they send (Fetch standard, CORS preflight).
    PREFLIGHT: Public<Nothing, Empty> = Endpoint::options("gateway.preflight", "/{proxy+}")
        .public("CORS preflight")
        .rate(Rate::PublicDocument)
        .answers(Success::NoContent);

    /// Answers where no route fits: 405 with `Allow` where the path exists, else 404.
    FALLBACK: Public<Nothing, Empty> = Endpoint::fallback("gateway.fallback")
        .public("unknown route")
        .rate(Rate::PublicDocument)
        .refuses(&[&METHOD_NOT_ALLOWED, &ROUTE_NOT_FOUND]);
}

problems! {
    /// The path has no such method.
    METHOD_NOT_ALLOWED: MethodNotAllowed = "method_not_allowed",
        "the path has other methods; see the Allow header";
    /// There is no such route.
    ROUTE_NOT_FOUND: NotFound = "route_not_found",
        "there is no such route; see /v1/openapi.json";
}

/// An OpenAPI document, as its text.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct ApiDocument(#[schemars(with = "Map<String, Value>")] pub &'static str);

/// The build that answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Status {
    /// Always `ok`: an API that is not there does not answer.
    pub status: &'static str,
    pub version: &'static str,
    pub commit: String,
    pub time: Timestamp,
}

/// How well something is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    Ok,
    Degraded,
    Down,
}

/// The state of the platform.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    pub status: Condition,
    /// Absent for strangers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modules: Option<Vec<ModuleHealth>>,
}

/// The state of one module.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ModuleHealth {
    pub module: String,
    pub status: Condition,
    pub checked_at: Option<Timestamp>,
    /// What is wrong, in words for operators.
    pub reasons: Vec<String>,
}

/// Every module.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Modules {
    pub data: Vec<ModuleView>,
}

/// One module by name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModuleName {
    pub module: Slug,
}

/// What a module consists of, and how it is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ModuleView {
    pub name: String,
    pub version: &'static str,
    /// `METHOD /path`.
    pub routes: Vec<String>,
    /// Events it announces.
    pub events: Vec<String>,
    /// `module.on_event`.
    pub listeners: Vec<String>,
    pub tables: Vec<String>,
    pub health: ModuleHealth,
}
