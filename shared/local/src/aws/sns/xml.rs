//! The answer side of the AWS Query protocol: small XML documents.

use std::fmt::Write as _;

use bytes::Bytes;

use super::SnsError;
use crate::aws::Answer;

const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

/// An element tree.
#[derive(Clone, Debug)]
pub(super) enum Element {
    /// `<name>text</name>`
    Text(&'static str, String),
    /// `<name>children</name>`
    Parent(&'static str, Vec<Element>),
}

impl Element {
    pub fn text(name: &'static str, text: impl Into<String>) -> Self {
        Self::Text(name, text.into())
    }

    fn write(&self, document: &mut String) {
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Text(name, text) => write!(document, "<{name}>{}</{name}>", escaped(text)),
            Self::Parent(name, children) => {
                let _ = write!(document, "<{name}>");
                for child in children {
                    child.write(document);
                }
                write!(document, "</{name}>")
            }
        };
    }
}

/// A success answer of an operation.
pub(super) fn answer(operation: &str, result: &[Element]) -> Answer {
    let mut document = format!("<{operation}Response xmlns=\"{NAMESPACE}\"><{operation}Result>");
    for element in result {
        element.write(&mut document);
    }
    let _ = write!(
        document,
        "</{operation}Result><ResponseMetadata><RequestId>local</RequestId></ResponseMetadata>\
         </{operation}Response>"
    );
    xml(200, document, None)
}

/// An error answer.
pub(crate) fn error_answer(status: u16, code: &str, message: &str) -> Answer {
    let fault = if status >= 500 { "Receiver" } else { "Sender" };
    let document = format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{fault}</Type><Code>{code}</Code>\
         <Message>{}</Message></Error><RequestId>local</RequestId></ErrorResponse>",
        escaped(message)
    );
    xml(status, document, Some(code.to_owned()))
}

impl SnsError {
    pub(super) fn answer(&self) -> Answer {
        let (code, status) = self.code();
        error_answer(status, code, &self.to_string())
    }
}

fn xml(status: u16, document: String, error: Option<String>) -> Answer {
    let body = Bytes::from(document);
    Answer { status, content_type: "text/xml", headers: Vec::new(), body, error }
}

/// Text as it stands between tags.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}
