//! YAML in and out. Output is the subset every reader agrees on: what YAML 1.1 would take for a date,
//! a number or a truth is quoted, lines are never folded.

use serde_json::Value;

use crate::console::Failure;

/// The value as a YAML document.
pub fn write(value: &Value) -> Result<String, Failure> {
    let options = serde_saphyr::ser_options! {
        indent_step: 2,
        folded_wrap_chars: usize::MAX,
    };
    serde_saphyr::to_string_with_options(value, options)
        .map_err(|fault| Failure::refused(format!("not writable as YAML: {fault}")))
}

/// The document as a value; `what` names it in a refusal.
pub fn read(text: &str, what: &str) -> Result<Value, Failure> {
    serde_saphyr::from_str(text).map_err(|fault| Failure::refused(format!("{what}: {fault}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_reads_back_the_same() {
        let long = "word ".repeat(60);
        let value = json!({
            "date": "2012-10-17", "number": "5", "truth": "yes", "empty": "", "star": "*",
            "braces": "{{x}}", "sub": "arn:${AWS::Partition}:sqs:::x", "null": "null", "long": long,
            "lines": "one\n\ntwo: three\n", "colon": "a: b", "hash": "a #b", "list": [1, true, null],
            "none": [], "nothing": {}, "nested": [[{"a": ["b"]}]], "dash": "- a", "at": "@x",
        });
        let text = write(&value).unwrap();
        assert_eq!(read(&text, "test").unwrap(), value, "{text}");
        assert!(text.contains("\"2012-10-17\"") || text.contains("'2012-10-17'"), "{text}");
    }
}
