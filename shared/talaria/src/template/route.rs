//! Routes of the HTTP APIs, and what lets an API invoke a module's functions.

use contracts::Spec;
use runtime::{Group, Module, Row, Trigger};
use serde_json::{Value, json};

use super::Resources;
use super::intrinsic::{attribute, filled, logical, reference, resource};
use super::role::allow;
use crate::member::put;
use crate::platform::{apis_of, route_keys};

/// The parameter with the id of an API.
pub fn api(group: Group) -> String {
    format!("{}Api", logical(group.as_str()))
}

fn authorizer(group: Group) -> String {
    format!("{}Authorizer", logical(group.as_str()))
}

fn invocation(group: Group) -> String {
    format!("{}Invocation", logical(group.as_str()))
}

/// An integration and its routes, in every API the contract stands in.
pub fn resources(module: &Module, row: &Row, spec: &Spec) -> Resources {
    let apis = apis_of(module, spec);
    let many = apis.len() > 1;
    apis.into_iter().flat_map(|group| in_api(row, spec, group, many)).collect()
}

fn in_api(row: &Row, spec: &Spec, group: Group, many: bool) -> Resources {
    let of_group = if many { logical(group.as_str()) } else { String::new() };
    let name = format!("{}{of_group}", logical(row.id));
    let integration = format!("{name}Integration");
    let mut resources = Resources::new();
    let properties = json!({
        "ApiId": reference(&api(group)),
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": attribute(&format!("{}Function", logical(row.id)), "Arn"),
        "CredentialsArn": filled(format!(
            "arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/${{{}}}",
            invocation(group)
        )),
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

/// What each API's invocation role may invoke here: the functions behind its routes and authorizers.
pub fn invocation_policies(module: &Module) -> Resources {
    Group::ALL.into_iter().filter_map(|group| invocation_policy(module, group)).collect()
}

fn invocation_policy(module: &Module, group: Group) -> Option<(String, Value)> {
    let is_invoked = |row: &&Row| match &row.trigger {
        Trigger::Http(spec) => apis_of(module, spec).contains(&group),
        Trigger::Authorizer => true,
        _ => false,
    };
    let invoked: Vec<Value> = module
        .rows
        .iter()
        .filter(is_invoked)
        .map(|row| attribute(&format!("{}Function", logical(row.id)), "Arn"))
        .collect();
    if invoked.is_empty() {
        return None;
    }
    let role = invocation(group);
    let properties = json!({
        "RoleName": reference(&role),
        "PolicyName": module.name,
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [allow(&["lambda:InvokeFunction"], json!(invoked))],
        },
    });
    Some((format!("{role}Policy"), resource("AWS::IAM::RolePolicy", properties)))
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
    fn an_api_may_invoke_what_its_routes_and_authorizers_name() {
        let policies = invocation_policies(&fixture::module());
        let count = |name: &str| {
            let statement = policies[name].pointer("/Properties/PolicyDocument/Statement/0");
            statement.unwrap()["Resource"].as_array().unwrap().len()
        };
        assert_eq!((count("IdentityInvocationPolicy"), count("MoneyInvocationPolicy")), (4, 1));
    }
}
