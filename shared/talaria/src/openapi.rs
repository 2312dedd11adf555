//! The API document: OpenAPI 3.1, of the contracts that are served.

mod operation;
mod shared;

use serde_json::{Map, Value, json};

pub use operation::told;

use crate::platform::{Platform, is_everywhere, route_keys};
use crate::schema;

/// The document.
pub fn document(platform: &Platform) -> Value {
    let paths = paths(platform);
    let webhooks = webhooks(platform);
    let schemas = schemas(platform, &json!([paths, webhooks]));
    let tags: Vec<Value> = platform
        .modules
        .iter()
        .filter(|module| module.rows.iter().any(|row| row.http().is_some()))
        .map(|module| json!({ "name": module.name, "description": module.purpose }))
        .collect();
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Talaria",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Identity, money and messages for one company's products.",
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": "/", "description": "The API this document came from." }],
        "tags": tags,
        "paths": paths,
        "webhooks": webhooks,
        "components": {
            "schemas": schemas,
            "headers": shared::headers(),
            "parameters": shared::parameters(),
            "securitySchemes": shared::security_schemes(),
        },
    })
}

fn paths(platform: &Platform) -> Map<String, Value> {
    let mut paths = Map::new();
    let served = platform.pages.iter().filter(|page| platform.serves(page.spec.id));
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
    all.insert("EventEnvelope".to_owned(), crate::asyncapi::envelope_schema());
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

    #[test]
    fn only_what_is_served_is_documented() {
        let document = document(&fixture::platform());
        let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
        assert_eq!(paths, ["/v1/profile", "/v1/profiles/{user_id}"]);
        assert!(document["components"]["schemas"].get("Register").is_none());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document(&fixture::platform());
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
