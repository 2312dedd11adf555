//! Filter policies of subscriptions, scope `MessageAttributes` (SNS Developer Guide, "Amazon SNS
//! subscription filter policies").

use serde_json::Value;

use crate::aws::matching::Matcher;
use crate::aws::sqs::{MessageAttribute, MessageAttributes};

/// Most keys of a policy ("Filter policy constraints").
const MAX_KEYS: usize = 5;

/// Most combinations of values: the product of the lists' lengths ("Filter policy constraints").
const MAX_COMBINATIONS: usize = 150;

/// Largest policy ("Filter policy constraints").
const MAX_BYTES: usize = 256 * 1024;

/// Which messages a subscription wants: every key must match.
#[derive(Clone, Debug)]
pub(crate) struct FilterPolicy {
    keys: Vec<(String, Vec<Matcher>)>,
}

impl FilterPolicy {
    /// Reads a policy; refuses what SNS refuses, and `$or` and nested policies, which this house
    /// does not use. The text says what is wrong.
    pub fn parse(policy: &str) -> Result<Self, String> {
        if policy.len() > MAX_BYTES {
            return Err("Filter policy is larger than 256 KB".to_owned());
        }
        let parsed: Value = serde_json::from_str(policy)
            .map_err(|error| format!("failed to parse JSON. {error}"))?;
        let members = parsed.as_object().ok_or("Filter policy must be an object")?;
        if members.len() > MAX_KEYS {
            return Err("Filter policy can not have more than 5 keys".to_owned());
        }
        let mut combinations: usize = 1;
        let mut keys = Vec::with_capacity(members.len());
        for (key, list) in members {
            let matchers = Matcher::parse_list(list).map_err(|wrong| format!("{key}: {wrong}"))?;
            combinations = combinations.saturating_mul(matchers.len());
            keys.push((key.clone(), matchers));
        }
        if combinations > MAX_COMBINATIONS {
            return Err("Filter policy is too complex".to_owned());
        }
        Ok(Self { keys })
    }

    /// Whether a message with these attributes is wanted.
    pub fn accepts(&self, attributes: &MessageAttributes) -> bool {
        if attributes.is_empty() && !self.keys.is_empty() {
            // "exists: false only matches if at least one attribute is present" ("Key matching").
            return false;
        }
        self.keys.iter().all(|(key, matchers)| {
            let values = attributes.get(key).and_then(values);
            Matcher::any(matchers, values.as_deref())
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(given: &[(&str, &str, &str)]) -> MessageAttributes {
        let attribute = |(name, kind, value): &(&str, &str, &str)| {
            let attribute = MessageAttribute {
                data_type: (*kind).to_owned(),
                ..MessageAttribute::text(*value)
            };
            ((*name).to_owned(), attribute)
        };
        given.iter().map(attribute).collect()
    }

    /// The sections are pages of the SNS Developer Guide; most rows are their own examples.
    #[test]
    fn policies_accept_what_the_developer_guide_says() {
        let interests = |value: &'static str| vec![("customer_interests", "String", value)];
        let array = |value: &'static str| vec![("customer_interests", "String.Array", value)];
        let price = |value: &'static str| vec![("price_usd", "Number", value)];
        let rows = [
            // "String value matching": exact matching
            (r#"{"customer_interests": ["rugby", "tennis"]}"#, interests("rugby"), true),
            (r#"{"customer_interests": ["rugby", "tennis"]}"#, interests("Rugby"), false),
            (r#"{"customer_interests": ["rugby"]}"#, array(r#"["rugby", "baseball"]"#), true),
            (r#"{"customer_interests": ["rugby"]}"#, array(r#"["baseball"]"#), false),
            // "String value matching": prefix and suffix
            (r#"{"customer_interests": [{"prefix": "bas"}]}"#, interests("baseball"), true),
            (r#"{"customer_interests": [{"prefix": "bas"}]}"#, interests("rugby"), false),
            (r#"{"customer_interests": [{"suffix": "ball"}]}"#, interests("baseball"), true),
            (r#"{"customer_interests": [{"suffix": "ball"}]}"#, interests("rugby"), false),
            // "String value matching": anything-but, also with a prefix, also on arrays
            (
                r#"{"customer_interests": [{"anything-but": ["rugby", "tennis"]}]}"#,
                interests("baseball"),
                true,
            ),
            (
                r#"{"customer_interests": [{"anything-but": ["rugby", "tennis"]}]}"#,
                interests("rugby"),
                false,
            ),
            (
                r#"{"customer_interests": [{"anything-but": ["rugby", "tennis"]}]}"#,
                array(r#"["rugby", "baseball"]"#),
                true,
            ),
            (
                r#"{"customer_interests": [{"anything-but": ["rugby", "tennis"]}]}"#,
                array(r#"["rugby"]"#),
                false,
            ),
            (
                r#"{"customer_interests": [{"anything-but": {"prefix": "bas"}}]}"#,
                interests("baseball"),
                false,
            ),
            (
                r#"{"customer_interests": [{"anything-but": {"prefix": "bas"}}]}"#,
                interests("rugby"),
                true,
            ),
            // "String value matching": equals-ignore-case
            (
                r#"{"customer_interests": [{"equals-ignore-case": "Tennis"}]}"#,
                interests("TENNIS"),
                true,
            ),
            (
                r#"{"customer_interests": [{"equals-ignore-case": "Tennis"}]}"#,
                interests("tennisx"),
                false,
            ),
            // "Numeric value matching": exact, anything-but, ranges, five decimals
            (r#"{"price_usd": [301.5]}"#, price("3.015e2"), true),
            (r#"{"price_usd": [{"numeric": ["=", 301.5]}]}"#, price("301.500004"), true),
            (r#"{"price_usd": [{"numeric": ["=", 301.5]}]}"#, price("301.50001"), false),
            (r#"{"price_usd": [{"anything-but": [100, 500]}]}"#, price("101"), true),
            (r#"{"price_usd": [{"anything-but": [100, 500]}]}"#, price("100.0"), false),
            (r#"{"price_usd": [{"numeric": [">", 0, "<=", 150]}]}"#, price("150"), true),
            (r#"{"price_usd": [{"numeric": [">", 0, "<=", 150]}]}"#, price("0"), false),
            (r#"{"price_usd": ["301"]}"#, price("301"), false),
            // "Key matching": exists
            (r#"{"store": [{"exists": true}]}"#, vec![("store", "String", "fans")], true),
            (r#"{"store": [{"exists": true}]}"#, interests("rugby"), false),
            (r#"{"store": [{"exists": false}]}"#, interests("rugby"), true),
            (r#"{"store": [{"exists": false}]}"#, vec![("store", "String", "fans")], false),
            (r#"{"store": [{"exists": false}]}"#, vec![], false),
            // "AND/OR logic": every key, any value
            (
                r#"{"customer_interests": ["rugby"], "price_usd": [{"numeric": [">", 100]}]}"#,
                vec![("customer_interests", "String", "rugby"), ("price_usd", "Number", "101")],
                true,
            ),
            (
                r#"{"customer_interests": ["rugby"], "price_usd": [{"numeric": [">", 100]}]}"#,
                interests("rugby"),
                false,
            ),
            (r#"{"customer_interests": ["rugby", {"prefix": "ten"}]}"#, interests("tennis"), true),
            // "Filter policy constraints": binary attributes are ignored
            (
                r#"{"customer_interests": ["rugby"]}"#,
                vec![("customer_interests", "Binary", "rugby")],
                false,
            ),
            ("{}", vec![], true),
        ];
        for (policy, given, expected) in rows {
            let accepted = FilterPolicy::parse(policy).unwrap().accepts(&attributes(&given));
            assert_eq!(accepted, expected, "{policy} on {given:?}");
        }
    }

    /// SNS Developer Guide, "Filter policy constraints".
    #[test]
    fn policies_beyond_the_constraints_are_refused() {
        let list = |n: usize| serde_json::to_string(&(0..n).collect::<Vec<_>>()).unwrap();
        let too_many = format!(r#"{{"a": {}, "b": {}}}"#, list(50), list(4));
        let just = format!(r#"{{"a": {}, "b": {}}}"#, list(50), list(3));
        assert!(FilterPolicy::parse(&just).is_ok());
        for policy in [
            too_many.as_str(),
            r#"{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}"#,
            r#"{"a": "b"}"#,
            r#"{"a": []}"#,
            r#"{"a": {"b": ["nested"]}}"#,
            r#"{"a": [{"numeric": ["=", 1000000001]}]}"#,
            r#"{"a": [{"cidr": "10.0.0.0/24"}]}"#,
            "[]",
            "{",
        ] {
            assert!(FilterPolicy::parse(policy).is_err(), "{policy}");
        }
    }
}
