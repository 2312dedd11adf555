//! The request side of the AWS Query protocol: a form whose keys are paths.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use super::SnsError;
use crate::aws::sqs::{MessageAttribute, MessageAttributes};

/// A form, decoded. Lists are `Name.member.N`, maps `Name.entry.N.key`/`.value`.
#[derive(Debug, Default)]
pub(super) struct Form {
    fields: BTreeMap<String, String>,
}

impl Form {
    /// Reads a body; anything that is not a form is an empty one.
    pub fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let pairs = text.split('&').filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some((decode(name), decode(value)))
        });
        Self { fields: pairs.collect() }
    }

    /// An optional field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// A field that must be there.
    pub fn need(&self, name: &str) -> Result<&str, SnsError> {
        self.get(name).ok_or_else(|| SnsError::Invalid(format!("Invalid parameter: {name}")))
    }

    /// The entries of a map of strings.
    pub fn entries(&self, name: &str) -> BTreeMap<String, String> {
        let entry = |prefix: String| {
            let key = self.get(&format!("{prefix}.key"))?;
            Some((key.to_owned(), self.get(&format!("{prefix}.value"))?.to_owned()))
        };
        self.numbered(&format!("{name}.entry")).filter_map(entry).collect()
    }

    /// The message attributes under a prefix (`""` or an entry of a batch with its dot).
    pub fn message_attributes(&self, prefix: &str) -> MessageAttributes {
        let entry = |entry: String| {
            let field = |name: &str| self.get(&format!("{entry}.Value.{name}")).map(str::to_owned);
            let attribute = MessageAttribute {
                data_type: field("DataType")?,
                string_value: field("StringValue"),
                binary_value: field("BinaryValue"),
            };
            Some((self.get(&format!("{entry}.Name"))?.to_owned(), attribute))
        };
        self.numbered(&format!("{prefix}MessageAttributes.entry")).filter_map(entry).collect()
    }

    /// `name.1`, `name.2` … as long as there are fields under them.
    pub fn numbered(&self, name: &str) -> impl Iterator<Item = String> {
        (1..).map(move |number| format!("{name}.{number}")).take_while(|prefix| {
            let below = format!("{prefix}.");
            let next = self.fields.range(below.clone()..).next();
            next.is_some_and(|(field, _)| field.starts_with(&below))
        })
    }
}

/// One field of a form, without reading the others.
pub(super) fn field(body: &[u8], name: &str) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let mut pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| decode(value))
}

fn decode(text: &str) -> String {
    // Most names and many values are as they are.
    if !text.contains('+') && !text.contains('%') {
        return text.to_owned();
    }
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_maps_and_escapes_are_read_as_sent() {
        let form = Form::read(
            b"Action=Publish&Message=a+b%26%C3%A9&Attributes.entry.1.key=FifoTopic\
              &Attributes.entry.1.value=true&MessageAttributes.entry.1.Name=type\
              &MessageAttributes.entry.1.Value.DataType=String\
              &MessageAttributes.entry.1.Value.StringValue=x\
              &E.member.1.Id=a&E.member.2.Id=b&E.member.10.Id=c",
        );
        assert_eq!(form.get("Message"), Some("a b&é"));
        assert_eq!(form.entries("Attributes")["FifoTopic"], "true");
        assert_eq!(form.message_attributes("")["type"], MessageAttribute::text("x"));
        assert_eq!(form.numbered("E.member").count(), 2, "10 does not follow 2");
        assert!(form.need("TopicArn").is_err());
    }
}
