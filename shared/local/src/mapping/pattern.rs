//! Filter patterns of stream mappings (Lambda Developer Guide, "Control which events Lambda sends to
//! your function"): nested objects whose leaves are lists of match values.

use serde_json::Value;

use crate::aws::matching::Matcher;

/// A parsed pattern.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    /// Every member must match.
    Members(Vec<(String, Pattern)>),
    /// One of these must match the value, or one of its elements.
    OneOf(Vec<Matcher>),
}

impl Pattern {
    /// Reads a pattern; says what is wrong with it otherwise.
    pub fn parse(pattern: &Value) -> Result<Self, String> {
        match pattern {
            Value::Object(members) if !members.is_empty() => {
                let member = |(name, inner): (&String, &Value)| {
                    Ok((
                        name.clone(),
                        Self::parse(inner).map_err(|wrong| format!("{name}: {wrong}"))?,
                    ))
                };
                members.iter().map(member).collect::<Result<_, String>>().map(Self::Members)
            }
            Value::Array(_) => Matcher::parse_list(pattern).map(Self::OneOf),
            _ => Err("a pattern is an object or a non-empty list".to_owned()),
        }
    }

    /// Whether an event matches.
    pub fn matches(&self, event: &Value) -> bool {
        self.matches_value(Some(event))
    }

    fn matches_value(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Members(members) => members
                .iter()
                .all(|(name, inner)| inner.matches_value(value.and_then(|value| value.get(name)))),
            Self::OneOf(matchers) => match value {
                Some(Value::Array(elements)) => Matcher::any(matchers, Some(elements)),
                Some(value) => Matcher::any(matchers, Some(std::slice::from_ref(value))),
                None => Matcher::any(matchers, None),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_matches_when_every_leaf_does() {
        let pending = json!({"dynamodb": {"NewImage": {
            "status": {"S": ["pending"]}, "attempts": {"N": ["0"]}}}});
        let record = |status: &str, attempts: &str| {
            json!({"eventName": "INSERT", "dynamodb": {"NewImage": {
                "status": {"S": status}, "attempts": {"N": attempts}}}})
        };
        let removed = json!({"eventName": "REMOVE", "dynamodb": {"Keys": {}}});
        let rows = [
            (pending.clone(), record("pending", "0"), true),
            (pending.clone(), record("pending", "1"), false),
            (pending.clone(), record("sent", "0"), false),
            (pending, removed.clone(), false),
            (json!({"eventName": ["INSERT", "MODIFY"]}), record("a", "0"), true),
            (json!({"eventName": [{"anything-but": ["REMOVE"]}]}), removed.clone(), false),
            (json!({"dynamodb": {"NewImage": {"x": {"S": [{"exists": false}]}}}}), removed, true),
        ];
        for (pattern, record, expected) in rows {
            let matches = Pattern::parse(&pattern).unwrap().matches(&record);
            assert_eq!(matches, expected, "{pattern} on {record}");
        }
        for bad in [json!({}), json!([]), json!("x"), json!({"a": "b"}), json!({"a": [[1]]})] {
            assert!(Pattern::parse(&bad).is_err(), "{bad}");
        }
    }
}
