//! Members of JSON objects.

use serde_json::Value;

/// Sets a member of an object; what is no object stays as it is.
pub fn put(object: &mut Value, name: &str, member: Value) {
    if let Value::Object(members) = object {
        members.insert(name.to_owned(), member);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_member_is_set_or_replaced() {
        let mut object = json!({ "a": 1 });
        put(&mut object, "a", json!(2));
        put(&mut object, "b", json!(3));
        assert_eq!(object, json!({ "a": 2, "b": 3 }));
        let mut text = json!("x");
        put(&mut text, "a", json!(1));
        assert_eq!(text, json!("x"));
    }
}
