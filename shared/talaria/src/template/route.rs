//! Routes of the HTTP APIs, and what lets the APIs invoke a module's functions.

use contracts::Spec;
use runtime::{Group, Module, Row};
use serde_json::{Value, json};

use super::intrinsic::{attribute, filled, logical, reference, resource};
use super::role::{allow, of_service};
use super::{Resources, rollout};
use crate::member::put;
use crate::platform::{apis_of, route_keys};

/// The logical name of the role behind a module's routes.
const INVOCATION: &str = "Invocation";

/// The parameter with the id of an API.
pub fn api(group: Group) -> String {
    format!("{}Api", logical(group.as_str()))
}

fn authorizer(group: Group) -> String {
    format!("{}Authorizer", logical(group.as_str()))
}

/// An integration and its routes, in every API the contract stands in.
pub fn resources(module: &Module, row: &Row, spec: &Spec) -> Resources {
    let apis = apis_of(module, spec);
    let many = apis.len() > 1;
    apis.into_iter().flat_map(|group| in_api(module, row, spec, group, many)).collect()
}

fn in_api(module: &Module, row: &Row, spec: &Spec, group: Group, many: bool) -> Resources {
    let of_group = if many { logical(group.as_str()) } else { String::new() };
    let name = format!("{}{of_group}", logical(row.id));
    let integration = format!("{name}Integration");
    let mut resources = Resources::new();
    let properties = json!({
        "ApiId": reference(&api(group)),
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": rollout::target(module, row),
        "CredentialsArn": attribute(INVOCATION, "Arn"),
        "PayloadFormatVersion": "2.0",
    });
    resources.insert(integration.clone(), resource("AWS::ApiGatewayV2::Integration", properties));
    for (at, key) in route_keys(spec).into_iter().enumerate() {
        let suffix = if at == 0 { String::new() } else { (at + 1).to_string() };
        let route = route(spec, group, &key, &integration);
        resources.insert(format!("{name}Route{suffix}"), route);
    }
    resources
}

fn route(spec: &Spec, group: Group, key: &str, integration: &str) -> Value {
    let mut properties = json!({
        "ApiId": reference(&api(group)),
        "RouteKey": key,
        "Target": filled(format!("integrations/${{{integration}}}")),
    });
    if spec.access.wants_evidence() {
        put(&mut properties, "AuthorizationType", json!("CUSTOM"));
        put(&mut properties, "AuthorizerId", reference(&authorizer(group)));
    }
    resource("AWS::ApiGatewayV2::Route", properties)
}

/// The role the APIs invoke the functions behind this module's routes with, and no others. Each module
/// has its own: the policies of a role have no room for the functions of a whole API.
pub fn invocation(module: &Module) -> Resources {
    let routed = module.rows.iter().filter(|row| row.http().is_some());
    let routed: Vec<Value> = routed.flat_map(|row| rollout::invoked(module, row)).collect();
    if routed.is_empty() {
        return Resources::new();
    }
    let statements = json!([allow(&["lambda:InvokeFunction"], json!(routed))]);
    let role = of_service("apigateway.amazonaws.com", "invoke", statements);
    [(INVOCATION.to_owned(), role)].into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn what_stands_in_every_api_has_an_integration_in_each() {
        let module = fixture::module();
        let row = module.row("profile.get").unwrap();
        let fallback = contracts::gateway::FALLBACK.spec;
        let names: Vec<String> =
            resources(&module, row, &fallback).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), 6);
        assert!(names.contains(&"ProfileGetMoneyRoute".to_owned()), "{names:?}");
    }

    #[test]
    fn an_alias_is_a_second_route_of_the_same_integration() {
        let module = fixture::module();
        let row = module.row("profile.get").unwrap();
        let all = resources(&module, row, &contracts::gateway::STATUS.spec);
        let key = |name: &str| all[name]["Properties"]["RouteKey"].clone();
        assert_eq!(key("ProfileGetRoute"), "GET /v1/gateway/status");
        assert_eq!(key("ProfileGetRoute2"), "GET /api/gateway/status");
        assert_eq!(all.len(), 3);
    }

    #[test]
    fn the_apis_may_invoke_what_is_behind_routes_and_nothing_else() {
        let role = invocation(&fixture::module());
        let policy = "/Properties/Policies/0/PolicyDocument/Statement/0/Resource";
        let invoked = role[INVOCATION].pointer(policy).unwrap().to_string();
        for (id, is_routed) in [
            ("profile-get", true),
            ("profile-update", true),
            ("demo-tidy", false),
            ("demo-relay", false),
        ] {
            assert_eq!(invoked.contains(id), is_routed, "{id}");
        }
        assert!(invocation(&fixture::module_of([])).is_empty());
    }
}
