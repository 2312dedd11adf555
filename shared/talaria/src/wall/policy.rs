//! How much of a role's policies is written. The inline policies of a role may hold 10,240 characters
//! without white space (IAM User Guide, "IAM and AWS STS quotas"); names are as long here as they can get.

use serde_json::Value;

use super::{Measure, STACK_NAME_MAX};
use crate::platform::Platform;
use crate::template;

/// Characters of one role.
const CHARACTERS: usize = 9_000;
/// The longest ARN of a queue, a topic, a log group or a key of ours.
const ARN: usize = 128;
/// What parameters and pseudo parameters are at most, by name.
const LENGTHS: [(&str, usize); 6] = [
    ("AWS::Partition", "aws-us-gov".len()),
    ("AWS::Region", "ap-southeast-2".len()),
    ("AWS::AccountId", 12),
    ("Name", STACK_NAME_MAX),
    ("SecretPrefix", 64),
    ("ArchiveBucket", 63),
];

/// The role with the longest policies.
pub fn measure(platform: &Platform) -> Option<Measure> {
    let templates = platform.modules.iter().filter_map(|module| {
        let template = template::of_module(module).ok()?;
        Some((module.name, template))
    });
    let roles = templates.flat_map(|(module, template)| {
        let resources = template.get("Resources").and_then(Value::as_object).cloned();
        let all = resources.into_iter().flatten();
        all.filter_map(move |(name, role)| Some((written(&role)?, format!("{module}/{name}"))))
    });
    let (count, name) = roles.max()?;
    Some(Measure::new(format!("characters of the longest role, {name}"), count, CHARACTERS))
}

/// The characters of a role's policies; nothing where it is no role.
fn written(resource: &Value) -> Option<usize> {
    let policies = resource.pointer("/Properties/Policies")?.as_array()?;
    Some(policies.iter().filter_map(|one| one.get("PolicyDocument")).map(length).sum())
}

/// What a part of a policy is once CloudFormation has filled it in.
fn length(part: &Value) -> usize {
    if let Some(text) = part.get("Fn::Sub").and_then(Value::as_str) {
        return filled(text) + 2;
    }
    if let Some([_, one, other]) = part.get("Fn::If").and_then(Value::as_array).map(Vec::as_slice) {
        return length(one).max(length(other));
    }
    if part.get("Ref").is_some() || part.get("Fn::GetAtt").is_some() {
        return ARN;
    }
    match part {
        // Brackets, and a comma or a colon for each.
        Value::Array(items) => 2 + items.iter().map(|item| length(item) + 1).sum::<usize>(),
        Value::Object(members) => {
            2 + members.iter().map(|(name, one)| name.len() + 4 + length(one)).sum::<usize>()
        }
        scalar => scalar.to_string().len(),
    }
}

fn filled(text: &str) -> usize {
    let mut length = text.len();
    for (name, most) in LENGTHS {
        let place = format!("${{{name}}}");
        let count = text.matches(&place).count();
        length = length + count * most - count * place.len();
    }
    length
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture;

    #[test]
    fn names_count_as_long_as_they_can_get() {
        let cases = [
            (json!("ab"), 4),
            (json!(["a", "b"]), 10),
            (json!({ "a": "b" }), 10),
            (json!({ "Fn::Sub": "${Name}-x" }), STACK_NAME_MAX + 4),
            (json!({ "Ref": "KmsKey" }), ARN),
            (json!({ "Fn::If": ["OwnKey", "abc", "a"] }), 5),
        ];
        for (part, expected) in cases {
            assert_eq!(length(&part), expected, "{part}");
        }
    }

    #[test]
    fn a_role_that_may_touch_too_much_is_a_breach() {
        let mut row = fixture::module().row("demo.tidy").unwrap().clone();
        let of = |row| measure(&Platform::of(vec![fixture::module_of([row])])).unwrap();
        assert_eq!(of(row.clone()).breach(), None);
        let ids: Vec<&'static str> = vec!["demo.some_other_function_or_other"; 1];
        row.calls = ids;
        assert!(of(row.clone()).count > 500);
        let names: Vec<String> =
            (0..100).map(|at| format!("demo.some_other_function_{at}")).collect();
        row.calls = names.into_iter().map(|name| &*name.leak()).collect();
        assert!(of(row).breach().is_some());
    }
}
