//! One endpoint as an operation. Parameters are split exactly as requests are read: names in the path
//! come by path, the rest by body where the method has one, else by query.

use contracts::{Access, Idempotency, Media, Method, Precondition, Rate, Spec, Success};
use kernel::Problem;
use serde_json::{Map, Value, json};

use crate::member::put;
use crate::platform::{Page, Platform, path_parameters};
use crate::refusal;
use crate::schema::{Member, members};

/// The operation of a page.
pub fn of(page: &Page, platform: &Platform) -> Value {
    let spec = &page.spec;
    let (summary, description) = told(spec.docs);
    let all = members(&page.request, &platform.schemas);
    let in_path = path_parameters(spec.path);
    let (path, rest): (Vec<Member>, Vec<Member>) =
        all.into_iter().partition(|member| in_path.contains(&member.name.as_str()));
    let mut parameters: Vec<Value> = path.iter().map(|member| parameter("path", member)).collect();
    let by_body = spec.method.has_body();
    if !by_body {
        parameters.extend(rest.iter().map(|member| parameter("query", member)));
    }
    parameters.extend(header_parameters(spec));
    let has_parameters = !rest.is_empty() || !path.is_empty();
    let mut operation = json!({
        "operationId": spec.id,
        "tags": [spec.module()],
        "summary": summary,
        "description": description,
        "security": security(spec.access),
        "parameters": parameters,
    });
    if by_body && !rest.is_empty() {
        put(&mut operation, "requestBody", body(page, &rest, path.is_empty()));
    }
    put(&mut operation, "responses", responses(page, has_parameters));
    if let Access::Permission(permission) = spec.access {
        put(&mut operation, "x-permission", json!(permission.as_str()));
    }
    operation
}

/// The first line and the rest of a doc comment.
pub fn told(docs: &str) -> (String, String) {
    let lines: Vec<&str> = docs.lines().map(str::trim).collect();
    let summary = lines.first().copied().unwrap_or_default().trim_end_matches('.').to_owned();
    let mut paragraphs: Vec<String> = vec![String::new()];
    for line in lines.iter().skip(1) {
        match paragraphs.last_mut() {
            _ if line.is_empty() => paragraphs.push(String::new()),
            Some(paragraph) if paragraph.is_empty() => paragraph.push_str(line),
            Some(paragraph) => {
                paragraph.push(' ');
                paragraph.push_str(line);
            }
            None => {}
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    (summary, paragraphs.join("\n\n"))
}

fn parameter(place: &str, member: &Member) -> Value {
    let mut schema = member.schema.clone();
    let description = match &mut schema {
        Value::Object(object) => object.shift_remove("description"),
        _ => None,
    };
    let mut parameter = json!({
        "name": member.name,
        "in": place,
        "required": place == "path" || member.required,
    });
    if let Some(description) = description {
        put(&mut parameter, "description", description);
    }
    put(&mut parameter, "schema", schema);
    parameter
}

fn header_parameters(spec: &Spec) -> Vec<Value> {
    let shared = |name: &str| json!({ "$ref": format!("#/components/parameters/{name}") });
    let mut headers = Vec::new();
    if spec.idempotency == Idempotency::Key {
        headers.push(shared("IdempotencyKey"));
    }
    match spec.precondition {
        Precondition::None => {}
        Precondition::Optional => headers.push(shared("IfMatch")),
        Precondition::Required => headers.push(shared("IfMatchRequired")),
    }
    if spec.method == Method::Get && spec.media.is_json() {
        headers.push(shared("IfNoneMatch"));
    }
    headers
}

fn body(page: &Page, rest: &[Member], whole: bool) -> Value {
    let schema = match whole {
        true => page.request.clone(),
        // Members that come by path are not repeated in the body.
        false => {
            let properties: Map<String, Value> =
                rest.iter().map(|one| (one.name.clone(), one.schema.clone())).collect();
            let required: Vec<&str> =
                rest.iter().filter(|one| one.required).map(|one| one.name.as_str()).collect();
            let mut object = json!({
                "type": "object",
                "properties": properties,
                "additionalProperties": false,
            });
            if !required.is_empty() {
                put(&mut object, "required", json!(required));
            }
            object
        }
    };
    json!({
        "required": rest.iter().any(|member| member.required),
        "content": { "application/json": { "schema": schema } },
    })
}

fn security(access: Access) -> Value {
    match access {
        Access::Undecided | Access::Public { .. } | Access::Handle { .. } => json!([]),
        Access::Open { .. } => json!([{}, { "bearer": [] }, { "apiKey": [] }]),
        // Keys act for no person, and these rows are a person's.
        Access::Own { .. } => json!([{ "bearer": [] }]),
        Access::AnyPrincipal => json!([{ "bearer": [] }, { "apiKey": [] }]),
        Access::Permission(permission) => {
            json!([{ "bearer": [permission.as_str()] }, { "apiKey": [permission.as_str()] }])
        }
    }
}

fn responses(page: &Page, has_parameters: bool) -> Value {
    let spec = &page.spec;
    let mut responses = Map::new();
    if spec.method != Method::Any {
        responses.insert(spec.success.status().to_string(), success(page));
    }
    if spec.method == Method::Get && spec.media.is_json() {
        let not_modified = json!({
            "description": "What `If-None-Match` names is still current.",
            "headers": headers(&["ETag", "RequestId"]),
        });
        responses.insert("304".to_owned(), not_modified);
    }
    for (status, problems) in refusal::of(spec, has_parameters) {
        responses.insert(status.to_string(), refused(spec, status, &problems));
    }
    Value::Object(responses)
}

fn success(page: &Page) -> Value {
    let spec = &page.spec;
    let description = match spec.success {
        Success::Ok => "Done.",
        Success::Created => "Made.",
        Success::Accepted => "Taken; the work goes on.",
        Success::NoContent => "Done; there is nothing to show.",
        Success::Found => "Go there.",
    };
    let mut names = vec!["RequestId"];
    names.extend(rate_headers(spec));
    if spec.method == Method::Get && spec.media.is_json() || spec.precondition != Precondition::None
    {
        names.push("ETag");
    }
    if spec.idempotency == Idempotency::Key {
        names.push("IdempotentReplayed");
    }
    if matches!(spec.success, Success::Created | Success::Found) {
        names.push("Location");
    }
    let mut response = json!({ "description": description, "headers": headers(&names) });
    match (spec.success, spec.media) {
        (Success::NoContent | Success::Found, _) => {}
        (_, Media::Html) => {
            put(
                &mut response,
                "content",
                json!({ "text/html": { "schema": { "type": "string" } } }),
            );
        }
        (_, Media::Json | Media::JsonText) => {
            put(&mut response, "content", json!({ "application/json": { "schema": page.answer } }));
        }
    }
    response
}

fn refused(spec: &Spec, status: u16, problems: &[&Problem]) -> Value {
    let lines: Vec<String> =
        problems.iter().map(|one| format!("- `{}`: {}.", one.code(), one.title())).collect();
    let mut names = vec!["RequestId"];
    if status != 429 {
        names.extend(rate_headers(spec));
    }
    match status {
        401 => names.push("WWWAuthenticate"),
        405 => names.push("Allow"),
        429 => names.extend(["RateLimit", "RateLimitPolicy", "RetryAfter"]),
        503 => names.push("RetryAfter"),
        _ => {}
    }
    json!({
        "description": lines.join("\n"),
        "headers": headers(&names),
        "content": { "application/problem+json": {
            "schema": { "$ref": "#/components/schemas/Problem" },
        } },
    })
}

fn rate_headers(spec: &Spec) -> &'static [&'static str] {
    if spec.rate == Rate::Unlimited { &[] } else { &["RateLimit", "RateLimitPolicy"] }
}

fn headers(names: &[&str]) -> Value {
    names
        .iter()
        .map(|name| {
            let header = super::shared::header_name(name);
            (header.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }))
        })
        .collect::<Map<String, Value>>()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn operation(id: &str) -> Value {
        let platform = fixture::platform();
        of(platform.page(id).unwrap(), &platform)
    }

    #[test]
    fn parameters_are_where_requests_are_read_from() {
        let place = |parameter: &Value| {
            let text = |name: &str| parameter[name].as_str().unwrap_or_default().to_owned();
            (text("name"), text("in"), parameter["required"] == json!(true))
        };
        let view = operation("profile.view");
        let parameters = view["parameters"].as_array().unwrap();
        let places: Vec<_> = parameters.iter().take(2).map(place).collect();
        assert_eq!(
            places,
            [
                ("user_id".to_owned(), "path".to_owned(), true),
                ("min_version".to_owned(), "query".to_owned(), false),
            ]
        );
        let update = operation("profile.update");
        let body = &update["requestBody"];
        assert_eq!(body["required"], false);
        let schema = &body["content"]["application/json"]["schema"];
        assert_eq!(schema["$ref"], "#/components/schemas/UpdateProfile");
        let mark = operation("notification.inbox_update");
        let schema = &mark["requestBody"]["content"]["application/json"]["schema"];
        assert!(
            schema["properties"].get("seq").is_none() && schema["properties"].get("read").is_some()
        );
    }

    #[test]
    fn security_follows_access() {
        assert_eq!(operation("auth.login")["security"], json!([]));
        assert_eq!(operation("profile.get")["security"], json!([{ "bearer": [] }]));
        assert_eq!(operation("profile.view")["security"].as_array().unwrap().len(), 2);
        assert_eq!(operation("gateway.health")["security"][0], json!({}));
        let modules = operation("gateway.modules");
        assert_eq!(modules["x-permission"], "gateway.health.read");
    }

    #[test]
    fn a_doc_comment_is_a_summary_and_paragraphs() {
        let docs = " Shows a thing.\n\n It is\n there.\n\n Really.\n";
        let expected = ("Shows a thing".to_owned(), "It is there.\n\nReally.".to_owned());
        assert_eq!(told(docs), expected);
    }

    #[test]
    fn every_refusal_is_a_problem_document() {
        let responses = operation("profile.update")["responses"].clone();
        for (status, response) in responses.as_object().unwrap() {
            let problem = response["content"].get("application/problem+json").is_some();
            assert_eq!(problem, status.as_str() >= "400", "{status}");
        }
        assert!(responses["401"]["headers"].get("WWW-Authenticate").is_some());
    }
}
