//! The API document: OpenAPI 3.1, of the contracts that are served. Each module has one of its own;
//! the gateway serves them as one.

mod operation;
mod shared;

use runtime::{Module, Row};
use serde_json::{Map, Value, json};

pub use operation::told;

use crate::member::put;
use crate::platform::{Page, Platform, is_everywhere, route_keys};
use crate::schema;

/// The module that sends tenants their events: without it nobody is called.
const SENDER: &str = "webhook";

/// The whole document.
pub fn document(platform: &Platform) -> Value {
    described(platform, &|_| true)
}

/// The document of one module; nothing where it serves no endpoint.
pub fn of_module(platform: &Platform, module: &Module) -> Option<Value> {
    is_documented(module).then(|| described(platform, &|name| name == module.name))
}

fn is_documented(module: &Module) -> bool {
    module.rows.iter().filter_map(Row::http).any(|spec| !is_everywhere(spec))
}

/// What the modules of these names offer.
fn described(platform: &Platform, is_wanted: &dyn Fn(&str) -> bool) -> Value {
    let modules =
        || platform.modules.iter().filter(|one| is_documented(one) && is_wanted(one.name));
    let paths = paths(platform, is_wanted);
    let sends = modules().any(|one| one.name == SENDER);
    let webhooks = if sends { webhooks(platform) } else { Map::new() };
    let body = json!([paths, webhooks]);
    let tags = modules().map(|one| json!({ "name": one.name, "description": one.purpose }));
    let mut document = json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Talaria",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Identity, money and messages for one company's products.",
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": "/", "description": "The API this document came from." }],
        "tags": tags.collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": schemas(platform, &body),
            "headers": shared::headers(&body),
            "parameters": shared::parameters(&body),
            "securitySchemes": shared::security_schemes(),
        },
    });
    if !webhooks.is_empty() {
        put(&mut document, "webhooks", json!(webhooks));
    }
    document
}

fn paths(platform: &Platform, is_wanted: &dyn Fn(&str) -> bool) -> Map<String, Value> {
    let mut paths = Map::new();
    let is_wanted = |page: &&Page| is_wanted(page.spec.module());
    let served = platform.pages.iter().filter(|page| platform.serves(page.spec.id));
    let served = served.filter(is_wanted);
    for page in served.filter(|page| !is_everywhere(&page.spec)) {
        let method = page.spec.method.as_str().to_lowercase();
        for (at, key) in route_keys(&page.spec).into_iter().enumerate() {
            let path = key.split_once(' ').map_or(key.as_str(), |(_, path)| path).to_owned();
            let mut operation = operation::of(page, platform);
            if at > 0
                && let Value::Object(members) = &mut operation
            {
                // Operation ids are unique; an alias is the same endpoint by another path.
                members.insert("operationId".to_owned(), json!(format!("{}_{at}", page.spec.id)));
                members.insert("deprecated".to_owned(), json!(true));
            }
            let item = paths.entry(path).or_insert_with(|| json!({}));
            if let Value::Object(item) = item {
                item.insert(method.clone(), operation);
            }
        }
    }
    paths.sort_keys();
    paths
}

/// Events tenants may receive.
fn webhooks(platform: &Platform) -> Map<String, Value> {
    let public = platform.events.iter().filter(|entry| entry.spec.public);
    public
        .map(|entry| {
            let (summary, description) = operation::told(entry.spec.docs);
            let mut data = entry.schema.clone();
            schema::rename_references(&mut data, &event_schema);
            let hook = json!({ "post": {
                "operationId": format!("event.{}", entry.spec.name),
                "summary": summary,
                "description": description,
                // Who is called proves itself by the signature, not with a credential of ours.
                "security": [],
                "requestBody": { "required": true, "content": { "application/cloudevents+json": {
                    "schema": {
                        "allOf": [{ "$ref": "#/components/schemas/EventEnvelope" }],
                        "type": "object",
                        "properties": {
                            "type": { "const": entry.spec.name },
                            "dataschema": { "const": entry.spec.data_schema() },
                            "data": data,
                        },
                    },
                } } },
                "responses": { "2XX": { "description": "Taken." } },
            } });
            (entry.spec.name.to_owned(), hook)
        })
        .collect()
}

/// The name of an event's schema beside those of requests and answers.
fn event_schema(name: &str) -> String {
    format!("Event{name}")
}

/// The schemas the document refers to, and the problem document.
fn schemas(platform: &Platform, body: &Value) -> Map<String, Value> {
    let mut all = platform.schemas.clone();
    all.insert("Problem".to_owned(), runtime::http::problem_schema());
    all.insert("EventEnvelope".to_owned(), crate::envelope::envelope_schema());
    for (name, schema) in &platform.event_schemas {
        let mut schema = schema.clone();
        schema::rename_references(&mut schema, &event_schema);
        all.insert(event_schema(name), schema);
    }
    let mut named = schema::reachable(body, &all);
    named.push("Problem".to_owned());
    named.sort_unstable();
    named.dedup();
    named
        .into_iter()
        .filter_map(|name| all.get(&name).cloned().map(|schema| (name, schema)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    /// One document of several, as the gateway joins them.
    fn join(whole: &mut Value, part: &Value) {
        match (whole, part) {
            (Value::Object(whole), Value::Object(part)) => {
                for (name, member) in part {
                    join(whole.entry(name).or_insert(Value::Null), member);
                }
            }
            (Value::Array(whole), Value::Array(part)) => {
                let new: Vec<Value> =
                    part.iter().filter(|one| !whole.contains(one)).cloned().collect();
                whole.extend(new);
            }
            (whole, part) => *whole = part.clone(),
        }
    }

    #[test]
    fn the_documents_of_the_modules_make_the_whole() {
        let platform = Platform::read();
        let mut joined = Value::Null;
        let parts: Vec<Value> =
            platform.modules.iter().filter_map(|module| of_module(&platform, module)).collect();
        assert!(parts.len() > 1);
        for part in &parts {
            join(&mut joined, part);
        }
        assert_eq!(joined, document(&platform));
    }

    #[test]
    fn webhooks_are_told_of_as_soon_as_a_module_sends_them() {
        let mut platform = fixture::platform();
        assert_eq!(document(&platform).get("webhooks"), None);
        platform.modules[0].name = SENDER;
        let document = document(&platform);
        let hooks = document["webhooks"].as_object().unwrap();
        assert!(!hooks.is_empty());
        assert!(hooks.values().all(|hook| hook["post"]["security"] == json!([])));
    }

    #[test]
    fn only_what_is_served_is_documented() {
        let document = document(&fixture::platform());
        let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
        assert_eq!(paths, ["/v1/profile", "/v1/profiles/{user_id}"]);
        assert!(document["components"]["schemas"].get("Register").is_none());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let mut platform = fixture::platform();
        platform.modules[0].name = SENDER;
        let document = document(&platform);
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"").skip(1).filter_map(|rest| rest.split('"').next())
        {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn operation_ids_are_unique() {
        let text = document(&crate::platform::Platform::read()).to_string();
        let mut ids: Vec<&str> = text.split("\"operationId\":\"").skip(1).collect();
        ids.iter_mut().for_each(|id| *id = id.split('"').next().unwrap());
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
}
