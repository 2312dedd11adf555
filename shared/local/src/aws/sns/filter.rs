//! Filter policies of subscriptions (SNS Developer Guide, "Amazon SNS subscription filter policies"
//! and "Filter policy scope").

use serde_json::{Map, Value};

use crate::aws::matching::Matcher;
use crate::aws::sqs::{MessageAttribute, MessageAttributes};

/// Most keys of a policy ("Filter policy constraints").
const MAX_KEYS: usize = 5;

/// Most combinations of values: the product of the lists' lengths ("Filter policy constraints").
const MAX_COMBINATIONS: usize = 150;

/// Largest policy ("Filter policy constraints").
const MAX_BYTES: usize = 256 * 1024;

/// What a policy looks at (`FilterPolicyScope`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The message attributes.
    #[default]
    Attributes,
    /// The members of the message, which is JSON; policies may nest.
    Body,
}

/// Which messages a subscription wants: every key must match.
#[derive(Clone, Debug)]
pub(crate) struct FilterPolicy {
    scope: Scope,
    keys: Vec<Key>,
}

/// A leaf of the policy: where the value is, and what it may be.
#[derive(Clone, Debug)]
struct Key {
    path: Vec<String>,
    matchers: Vec<Matcher>,
}

impl FilterPolicy {
    /// Reads a policy; refuses what SNS refuses, and `$or`, which this house does not use. The text
    /// says what is wrong.
    pub fn parse(policy: &str, scope: Scope) -> Result<Self, String> {
        if policy.len() > MAX_BYTES {
            return Err("Filter policy is larger than 256 KB".to_owned());
        }
        let parsed: Value = serde_json::from_str(policy)
            .map_err(|error| format!("failed to parse JSON. {error}"))?;
        let members = parsed.as_object().ok_or("Filter policy must be an object")?;
        let mut keys = Vec::new();
        leaves(members, &mut Vec::new(), &mut keys)?;
        if scope == Scope::Attributes && keys.iter().any(|key| key.path.len() > 1) {
            return Err("Filter policy scope MessageAttributes does not support nested filter \
                        policy"
                .to_owned());
        }
        if keys.len() > MAX_KEYS {
            return Err("Filter policy can not have more than 5 keys".to_owned());
        }
        // A nested key counts its values once per level ("Policy constraints for payload-based
        // filtering").
        let combinations = keys.iter().fold(1_usize, |product, key| {
            product.saturating_mul(key.matchers.len()).saturating_mul(key.path.len())
        });
        if combinations > MAX_COMBINATIONS {
            return Err("Filter policy is too complex".to_owned());
        }
        Ok(Self { scope, keys })
    }

    /// Whether a message is wanted. In the scope of the body, one that is no JSON object is not.
    pub fn accepts(&self, message: &str, attributes: &MessageAttributes) -> bool {
        if self.keys.is_empty() {
            return true;
        }
        match self.scope {
            Scope::Attributes => self.accepts_attributes(attributes),
            Scope::Body => match serde_json::from_str(message) {
                Ok(Value::Object(members)) => self.accepts_body(&Value::Object(members)),
                Ok(_) | Err(_) => false,
            },
        }
    }

    fn accepts_attributes(&self, attributes: &MessageAttributes) -> bool {
        // "exists: false only matches if at least one attribute is present" ("Key matching").
        !attributes.is_empty()
            && self.keys.iter().all(|key| {
                let attribute = key.path.first().and_then(|name| attributes.get(name));
                Matcher::any(&key.matchers, attribute.and_then(values).as_deref())
            })
    }

    fn accepts_body(&self, body: &Value) -> bool {
        self.keys.iter().all(|key| {
            let mut found = Vec::new();
            collect(body, &key.path, &mut found);
            // "The key must have a non-null and non-empty value" ("Key matching").
            let exists = found.iter().any(|value| !value.is_null() && value != "");
            key.matchers.iter().any(|matcher| {
                let there = match matcher {
                    Matcher::Exists(_) => exists,
                    _ => !found.is_empty(),
                };
                let values = there.then_some(found.as_slice());
                Matcher::any(std::slice::from_ref(matcher), values)
            })
        })
    }
}

fn leaves(
    members: &Map<String, Value>,
    path: &mut Vec<String>,
    keys: &mut Vec<Key>,
) -> Result<(), String> {
    for (name, inner) in members {
        path.push(name.clone());
        match inner {
            Value::Object(inner) if !inner.is_empty() => leaves(inner, path, keys)?,
            list => {
                let matchers =
                    Matcher::parse_list(list).map_err(|wrong| format!("{name}: {wrong}"))?;
                keys.push(Key { path: path.clone(), matchers });
            }
        }
        path.pop();
    }
    Ok(())
}

/// The values at a path, the elements of lists one by one; an empty list or an object is no value.
fn collect(value: &Value, path: &[String], found: &mut Vec<Value>) {
    match (value, path) {
        (Value::Array(elements), _) => {
            for element in elements {
                collect(element, path, found);
            }
        }
        (Value::Object(_), []) => {}
        (value, []) => found.push(value.clone()),
        (value, [name, rest @ ..]) => {
            if let Some(inner) = value.get(name) {
                collect(inner, rest, found);
            }
        }
    }
}

/// The values of an attribute to compare; `None` for a kind that filters ignore.
fn values(attribute: &MessageAttribute) -> Option<Vec<Value>> {
    let text = attribute.string_value.as_deref()?;
    match attribute.data_type.as_str() {
        "String" => Some(vec![Value::String(text.to_owned())]),
        "Number" => serde_json::from_str(text).ok().map(|number: Value| vec![number]),
        "String.Array" => serde_json::from_str(text).ok(),
        _ => None,
    }
}
