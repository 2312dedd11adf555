//! Names and CloudFormation's functions.

use runtime::wiring::resource_name;
use serde_json::{Value, json};

use crate::member::put;

/// The start of a logical name: `AuthEmailVerify` of `auth.email_verify`.
pub fn logical(id: &str) -> String {
    let words = id.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_ascii_uppercase().to_string() + letters.as_str()
            })
        })
        .collect()
}

/// The value of a parameter or the id of a resource.
pub fn reference(name: &str) -> Value {
    json!({ "Ref": name })
}

/// An attribute of a resource.
pub fn attribute(resource: &str, name: &str) -> Value {
    json!({ "Fn::GetAtt": [resource, name] })
}

/// Text with `${…}` filled in.
pub fn filled(text: impl Into<String>) -> Value {
    json!({ "Fn::Sub": text.into() })
}

/// The physical name of something of ours.
pub fn named(rest: &str) -> Value {
    filled(format!("${{Name}}-{rest}"))
}

/// The name of a queue. No stack has an underscore in its name, so that what begins with this one's and
/// an underscore is of no other stack.
pub fn queue_named(rest: &str) -> Value {
    filled(format!("${{Name}}_{rest}"))
}

/// The ARN of the queue of this name, or of all that fit it.
pub fn queue_arn(rest: &str) -> Value {
    arn("sqs", &format!("${{Name}}_{rest}"))
}

/// One value where a condition holds, another where it does not.
pub fn either(condition: &str, value: Value, otherwise: Value) -> Value {
    json!({ "Fn::If": [condition, value, otherwise] })
}

/// A value where a condition holds, else nothing.
pub fn only_if(condition: &str, value: Value) -> Value {
    either(condition, value, reference("AWS::NoValue"))
}

/// The ARN of something in this account and region.
pub fn arn(service: &str, resource: &str) -> Value {
    filled(format!(
        "arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}"
    ))
}

/// The ARN of a function of any module, by its id.
pub fn function_arn(id: &str) -> Value {
    arn("lambda", &format!("function:${{Name}}-{}", resource_name(id)))
}

/// The resource, kept in prod when its stack goes; a stack that never came up leaves nothing behind.
pub fn kept(mut resource: Value) -> Value {
    let policy = |kept: &str| either("Protected", json!(kept), json!("Delete"));
    put(&mut resource, "DeletionPolicy", policy("RetainExceptOnCreate"));
    put(&mut resource, "UpdateReplacePolicy", policy("Retain"));
    resource
}

/// One resource.
pub fn resource(kind: &str, properties: Value) -> Value {
    json!({ "Type": kind, "Properties": properties })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_id() {
        for (id, name) in [
            ("auth.email_verify", "AuthEmailVerify"),
            ("notification.on_event", "NotificationOnEvent"),
            ("payment.refund.create", "PaymentRefundCreate"),
        ] {
            assert_eq!(logical(id), name);
        }
    }
}
