//! HTML forms, for the few endpoints a page without script posts to (WHATWG URL Standard section 5,
//! `application/x-www-form-urlencoded`).

use interface::Spec;
use kernel::Error;
use kernel::problem::MALFORMED_REQUEST;
use serde_json::{Map, Value};

use super::request::{Request, pairs};
use crate::call::answer::Answer;

/// Whether the request is a form, posted to an endpoint that takes forms.
pub(super) fn is_posted(spec: &Spec, request: &Request) -> bool {
    spec.form.is_some() && spec.method.has_body() && is_form(request.header("content-type"))
}

fn is_form(content_type: Option<&str>) -> bool {
    let media = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    media.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The members of a posted form as the JSON object they stand for; every value is text. Refuses
/// broken
/// encoding, control characters and a member named twice.
pub(super) fn as_json(body: &[u8]) -> Result<Vec<u8>, Error> {
    let malformed = |message: &'static str| MALFORMED_REQUEST.because(message);
    let text = std::str::from_utf8(body).map_err(|_| malformed("the body is not UTF-8"))?;
    let mut members = Map::new();
    for (name, value) in pairs(text)? {
        if members.insert(name, Value::String(value)).is_some() {
            return Err(malformed("a member of the form is named twice"));
        }
    }
    Ok(Value::Object(members).to_string().into_bytes())
}

/// The answer to a browser: where a success goes on, so that a reload posts nothing again.
pub(super) fn goes_on(spec: &Spec, answer: Answer) -> Answer {
    match spec.form {
        Some(page) if (200..300).contains(&answer.status) => Answer {
            status: 303,
            content_type: None,
            location: Some(page.to_owned()),
            body: String::new(),
            ..answer
        },
        _ => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_reads_as_an_object_of_texts() {
        let cases = [
            ("", "{}"),
            ("token=tvl_a-b_c", r#"{"token":"tvl_a-b_c"}"#),
            ("a=1&b=x+y%2Bz&c", r#"{"a":"1","b":"x y+z","c":""}"#),
        ];
        for (form, json) in cases {
            assert_eq!(as_json(form.as_bytes()).unwrap(), json.as_bytes(), "{form}");
        }
    }

    #[test]
    fn what_is_no_form_is_malformed() {
        for form in [&b"a=1&a=2"[..], b"a=%zz", b"a=%0d%0a", b"a=\xff"] {
            assert_eq!(as_json(form).unwrap_err().code(), "malformed_request", "{form:?}");
        }
    }

    #[test]
    fn only_the_media_type_of_forms_is_a_form() {
        let form = "application/x-www-form-urlencoded";
        for (sent, expected) in [
            (Some(form), true),
            (Some("Application/X-WWW-Form-URLEncoded; charset=UTF-8"), true),
            (Some("application/json"), false),
            (Some("multipart/form-data"), false),
            (None, false),
        ] {
            assert_eq!(is_form(sent), expected, "{sent:?}");
        }
    }
}
