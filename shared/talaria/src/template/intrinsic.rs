//! Names and CloudFormation's functions.

use runtime::wiring::resource_name;
use serde_json::{Value, json};

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
