//! The mailbox in a browser: plain pages without scripts, or JSON for programs.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use serde_json::json;

use super::{Mail, Mailbox};

/// Where the mailbox is.
pub const PATH: &str = "/_local/mailbox";

/// Nothing on these pages runs, loads or can be framed elsewhere; mails show in a sandboxed frame.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; \
                      base-uri 'none'; frame-ancestors 'self'; form-action 'none'";

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;\
                     padding:0 1rem}table{border-collapse:collapse;width:100%}td,th{text-align:left;\
                     padding:.3rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}pre{\
                     white-space:pre-wrap;background:#f6f6f6;padding:1rem}iframe{width:100%;\
                     height:30rem;border:1px solid #ddd}";

/// Answers a request at or below [`PATH`]: the list, one mail, as a page or (by `.json` or `Accept`)
/// as JSON; `DELETE` forgets all mails.
pub fn answer(mailbox: &Mailbox, parts: &Parts) -> Response<Bytes> {
    let rest = parts.uri.path().strip_prefix(PATH).unwrap_or_default();
    let (rest, named_json) = match rest.strip_suffix(".json") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let json = named_json || wants_json(parts);
    match (&parts.method, rest.trim_matches('/')) {
        (&Method::DELETE, "") => {
            mailbox.clear();
            respond(StatusCode::NO_CONTENT, "text/plain", String::new())
        }
        (&Method::GET | &Method::HEAD, "") => {
            let mails = mailbox.mails();
            match json {
                true => respond(
                    StatusCode::OK,
                    "application/json",
                    json!({ "data": mails }).to_string(),
                ),
                false => page("Mailbox", &list(&mails)),
            }
        }
        (&Method::GET | &Method::HEAD, id) => match mailbox.get(id) {
            Some(mail) if json => {
                respond(StatusCode::OK, "application/json", json!(mail).to_string())
            }
            Some(mail) => page(&mail.subject, &one(&mail)),
            None => respond(StatusCode::NOT_FOUND, "text/plain", "no such mail\n".to_owned()),
        },
        _ => respond(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "GET or DELETE\n".to_owned()),
    }
}

fn wants_json(parts: &Parts) -> bool {
    let accept = parts.headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("application/json"))
}

fn list(mails: &[Mail]) -> String {
    if mails.is_empty() {
        return "<p>No mail yet.</p>".to_owned();
    }
    let row = |mail: &Mail| {
        format!(
            "<tr><td>{}</td><td>{}</td><td><a href=\"{PATH}/{}\">{}</a></td></tr>",
            time(mail.received_at_ms),
            escaped(&mail.to.join(", ")),
            escaped(&mail.id),
            escaped(&mail.subject),
        )
    };
    let rows: String = mails.iter().map(row).collect();
    format!("<table><tr><th>Time</th><th>To</th><th>Subject</th></tr>{rows}</table>")
}

fn one(mail: &Mail) -> String {
    let html = match mail.html.as_str() {
        "" => String::new(),
        html => format!("<h2>HTML</h2><iframe sandbox srcdoc=\"{}\"></iframe>", escaped(html)),
    };
    format!(
        "<p><a href=\"{PATH}\">Mailbox</a></p><table><tr><th>Time</th><td>{}</td></tr>\
         <tr><th>From</th><td>{}</td></tr><tr><th>To</th><td>{}</td></tr>\
         <tr><th>Message-ID</th><td>{}</td></tr></table><pre>{}</pre>{html}",
        time(mail.received_at_ms),
        escaped(&mail.from),
        escaped(&mail.to.join(", ")),
        escaped(&mail.message_id),
        escaped(&mail.text),
    )
}

fn page(title: &str, body: &str) -> Response<Bytes> {
    let title = escaped(title);
    let text = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <style>{STYLE}</style><h1>{title}</h1>{body}</html>"
    );
    let mut response = respond(StatusCode::OK, "text/html; charset=utf-8", text);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

fn respond(status: StatusCode, media: &'static str, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

fn time(at_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
