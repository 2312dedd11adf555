//! What operators are shown.

pub mod story;

use serde::Serialize;

/// The word of a state as it is stored.
pub fn word(state: &impl Serialize) -> String {
    match serde_json::to_value(state) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
