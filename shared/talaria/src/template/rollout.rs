//! New code by degrees, where parameter `Rollout` names how: the module's canary goes first, behind an
//! alias that CodeDeploy moves over. The module's other functions wait for it, so that an alarm in the
//! meantime takes everything back. All functions of a module are one artefact: what is wrong with it shows
//! in one of them.
//!
//! A version is published when `Commit` or `ConfigVersion` is another one: the root template refuses
//! gradual deployments without a commit.

use runtime::wiring::resource_name;
use runtime::{Module, Row};
use serde_json::{Value, json};

use super::Resources;
use super::intrinsic::{
    arn, attribute, either, filled, function_arn, logical, only_if, reference, resource,
};
use super::role::{allow, of_service};
use super::{alarm, function};
use crate::member::put;

/// What the alias of a canary is called.
const ALIAS: &str = "live";
/// The role CodeDeploy works with.
const ROLE: &str = "RolloutRole";
/// The condition that code is rolled out by degrees.
const GRADUAL: &str = "Gradual";

/// The module's canary.
pub fn canary(module: &Module) -> Option<&Row> {
    module.rows.iter().find(|row| row.canary)
}

fn is_canary(module: &Module, row: &Row) -> bool {
    canary(module).is_some_and(|canary| canary.id == row.id)
}

fn alias(row: &Row) -> String {
    format!("{}Alias", logical(row.id))
}

/// What starts the row: its function, or the alias in front of it.
pub fn target(module: &Module, row: &Row) -> Value {
    let function = attribute(&function::logical_name(row), "Arn");
    if !is_canary(module, row) {
        return function;
    }
    either(GRADUAL, reference(&alias(row)), function)
}

/// What a role names that may start the row.
pub fn invoked(module: &Module, row: &Row) -> Vec<Value> {
    let behind = is_canary(module, row).then(|| only_if(GRADUAL, alias_arn(row)));
    std::iter::once(function_arn(row.id)).chain(behind).collect()
}

fn alias_arn(row: &Row) -> Value {
    arn("lambda", &format!("function:${{Name}}-{}:{ALIAS}", resource_name(row.id)))
}

/// A tag that makes a function wait for the canary's alias: the order of an update follows references.
pub fn tags(module: &Module, row: &Row) -> Option<Value> {
    let canary = canary(module).filter(|canary| canary.id != row.id)?;
    Some(json!({ "updated-after": either(GRADUAL, reference(&alias(canary)), json!("nothing")) }))
}

/// Version and alias of the canary, the deployment group that moves it and the role for that; nothing
/// where there is no canary.
pub fn resources(module: &Module) -> Resources {
    let Some(row) = canary(module) else { return Resources::new() };
    let name = logical(row.id);
    let function = reference(&function::logical_name(row));
    let (version, group) = (format!("{name}Version"), format!("{name}Rollout"));
    let published = json!({
        "FunctionName": function,
        "Description": filled("${Commit} ${ConfigVersion}"),
    });
    let mut moved = resource(
        "AWS::Lambda::Alias",
        json!({
            "Name": ALIAS,
            "FunctionName": function,
            "FunctionVersion": attribute(&version, "Version"),
        }),
    );
    let policy = json!({ "CodeDeployLambdaAliasUpdate": {
        "ApplicationName": reference("RolloutApplication"),
        "DeploymentGroupName": reference(&group),
    } });
    put(&mut moved, "UpdatePolicy", policy);
    let alarms: Vec<Value> =
        alarm::of_rollout(module).iter().map(|name| json!({ "Name": reference(name) })).collect();
    let supervised = json!({
        "ApplicationName": reference("RolloutApplication"),
        "ServiceRoleArn": attribute(ROLE, "Arn"),
        "DeploymentConfigName": reference("Rollout"),
        "DeploymentStyle": {
            "DeploymentType": "BLUE_GREEN",
            "DeploymentOption": "WITH_TRAFFIC_CONTROL",
        },
        "AlarmConfiguration": { "Enabled": true, "Alarms": alarms },
        "AutoRollbackConfiguration": {
            "Enabled": true,
            "Events":
                ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
        },
    });
    let all = [
        (version, resource("AWS::Lambda::Version", published)),
        (alias(row), moved),
        (group, resource("AWS::CodeDeploy::DeploymentGroup", supervised)),
        (ROLE.to_owned(), role(row)),
    ];
    let gradually = |(name, mut resource): (String, Value)| {
        put(&mut resource, "Condition", json!(GRADUAL));
        (name, resource)
    };
    all.into_iter().map(gradually).collect()
}

/// What CodeDeploy moves the alias with, and no other.
fn role(row: &Row) -> Value {
    let moves = ["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"];
    let statements = json!([
        allow(&moves, json!([function_arn(row.id), alias_arn(row)])),
        // Alarms cannot be described one at a time.
        allow(&["cloudwatch:DescribeAlarms"], json!("*")),
    ]);
    of_service("codedeploy.amazonaws.com", "move", statements)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::template::of_module;

    fn with_canary() -> Module {
        let mut module = fixture::module();
        for row in module.rows.iter_mut().filter(|row| row.id == "profile.get") {
            row.canary = true;
        }
        module
    }

    #[test]
    fn whatever_starts_the_canary_goes_through_its_alias_while_code_is_rolled_out() {
        let template = of_module(&with_canary()).unwrap();
        let uri = |name: &str| template["Resources"][name]["Properties"]["IntegrationUri"].clone();
        let function = attribute("ProfileGetFunction", "Arn");
        let behind = either("Gradual", reference("ProfileGetAlias"), function);
        assert_eq!(uri("ProfileGetIntegration"), behind);
        assert_eq!(uri("ProfileViewIntegration"), attribute("ProfileViewFunction", "Arn"));
        let role = template["Resources"]["Invocation"].to_string();
        assert!(role.contains("function:${Name}-profile-get:live"));
        assert!(!role.contains("function:${Name}-profile-view:live"));
    }

    #[test]
    fn every_other_function_waits_for_the_canary_and_nothing_waits_in_a_circle() {
        let module = with_canary();
        let template = of_module(&module).unwrap();
        for row in &module.rows {
            let function = &template["Resources"][function::logical_name(row)];
            let waits = function.to_string().contains("ProfileGetAlias");
            assert_eq!(waits, row.id != "profile.get", "{}", row.id);
        }
        // The alias waits for the group, and the group for its alarms.
        let resources = template["Resources"].as_object().unwrap();
        for (name, alarm) in resources.iter().filter(|(name, _)| name.ends_with("Alarm")) {
            assert!(!alarm.to_string().contains("Function\""), "{name}");
        }
    }

    #[test]
    fn without_a_canary_there_is_no_version_and_nobody_waits() {
        let template = of_module(&fixture::module()).unwrap().to_string();
        assert!(!template.contains("AWS::Lambda::Version") && !template.contains("updated-after"));
    }
}
