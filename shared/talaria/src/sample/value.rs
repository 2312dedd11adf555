//! A value that fits a JSON Schema: of all that fit, one a person would send.

use serde_json::{Map, Value, json};

use crate::schema::{members, resolved};

/// Members whose name says more than their schema.
const BY_NAME: &[(&str, &str)] = &[
    ("device_token", "tdv_sample"),
    ("name", "Ada Lovelace"),
    ("password", "a quiet harbour before dawn"),
    ("purpose", "verify"),
    ("refresh_token", "trt_sample"),
    ("tenant", "demo"),
    ("token", "tvl_sample"),
];
/// Texts that fit the patterns of our own types.
const BY_PATTERN: &[(&str, &str)] = &[
    ("^[A-Z]{2}$", "GB"),
    ("^[A-Za-z]{3}$", "eur"),
    (r"^\+[1-9][0-9]{7,14}$", "+442071838750"),
    ("^[a-z0-9][a-z0-9_-]{0,62}$", "demo"),
    ("^[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*$", "en"),
    ("^(UTC|[A-Za-z]{2,}(/[A-Z][A-Za-z0-9_+-]*){1,2})$", "Europe/London"),
    ("^https://[A-Za-z0-9]", "https://example.com/ada"),
];

/// The members of a request: the required ones, or the first where none is.
pub fn request(schema: &Value, shared: &Map<String, Value>) -> Map<String, Value> {
    let all = members(schema, shared);
    let required: Vec<_> = all.iter().filter(|member| member.required).collect();
    let chosen = if required.is_empty() { all.iter().take(1).collect() } else { required };
    chosen
        .into_iter()
        .map(|member| (member.name.clone(), of(&member.name, &member.schema, shared)))
        .collect()
}

/// A value of this schema for a member of this name.
pub fn of(name: &str, schema: &Value, shared: &Map<String, Value>) -> Value {
    let schema = resolved(schema, shared);
    for word in ["const", "default"] {
        if let Some(value) = schema.get(word).filter(|value| !value.is_null()) {
            return value.clone();
        }
    }
    for word in ["examples", "enum"] {
        if let Some(first) = schema.get(word).and_then(Value::as_array).and_then(|all| all.first())
        {
            return first.clone();
        }
    }
    for word in ["anyOf", "oneOf", "allOf"] {
        let choices = schema.get(word).and_then(Value::as_array);
        let is_something = |choice: &&Value| choice.get("type") != Some(&json!("null"));
        if let Some(choice) = choices.and_then(|all| all.iter().find(is_something)) {
            return of(name, choice, shared);
        }
    }
    match kind(schema) {
        "string" => json!(text(name, schema)),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        "boolean" => json!(true),
        "array" => match schema.get("items") {
            Some(items) => json!([of(name, items, shared)]),
            None => json!([]),
        },
        _ => Value::Object(request(schema, shared)),
    }
}

/// The type, or the first that is not null.
fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null")
        }
        _ => "object",
    }
}

fn text(name: &str, schema: &Value) -> String {
    let word = |key: &str| schema.get(key).and_then(Value::as_str).unwrap_or_default();
    let pattern = word("pattern");
    if let Some(prefix) = pattern.strip_suffix("_[0-7][0-9a-hjkmnp-tv-z]{25}$") {
        let prefix = prefix.trim_start_matches('^');
        let prefix = if prefix.starts_with('[') { "usr" } else { prefix };
        return format!("{prefix}_{}", super::id_body());
    }
    let by_pattern = BY_PATTERN.iter().find(|(known, _)| *known == pattern);
    let by_name = BY_NAME.iter().find(|(known, _)| *known == name);
    match (by_name, by_pattern, word("format")) {
        (Some((_, text)), ..) | (None, Some((_, text)), _) => (*text).to_owned(),
        (_, _, "email") => "ada@example.com".to_owned(),
        (_, _, "uri") => "https://example.com/ada".to_owned(),
        (_, _, "date-time") => super::instant().to_string(),
        _ => plain(schema),
    }
}

/// Plain text of an allowed length.
fn plain(schema: &Value) -> String {
    let least = schema.get("minLength").and_then(Value::as_u64).unwrap_or(1);
    let least = usize::try_from(least).unwrap_or(1).max(1);
    "sample text ".chars().cycle().take(least.max(6)).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Platform;

    #[test]
    fn requests_of_our_contracts_are_read_by_their_own_types() {
        let platform = Platform::of(Vec::new());
        let sample = |id: &str| {
            let page = platform.page(id).unwrap();
            Value::Object(request(&page.request, &platform.schemas))
        };
        use contracts::{auth, notification, profile};
        serde_json::from_value::<auth::Register>(sample("auth.register")).unwrap();
        serde_json::from_value::<auth::Login>(sample("auth.login")).unwrap();
        serde_json::from_value::<auth::Refresh>(sample("auth.token_refresh")).unwrap();
        serde_json::from_value::<profile::UpdateProfile>(sample("profile.update")).unwrap();
        serde_json::from_value::<profile::ViewProfile>(sample("profile.view")).unwrap();
        serde_json::from_value::<notification::MarkInbox>(sample("notification.inbox_mark"))
            .unwrap();
    }
}
