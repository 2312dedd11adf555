//! Whatever is answered stands in the API document: its status, its media type, its shape.

use std::collections::{BTreeMap, HashMap};

use contracts::{Method, Spec};
use jsonschema::Validator;
use serde_json::{Value, json};

use super::scene::{Scene, endpoints, header, json, scenes, text};

/// The documented answers: by operation and status, the body's media type and schema.
struct Documented {
    bodies: HashMap<(String, String), Option<(String, Validator)>>,
}

impl Documented {
    fn read() -> Self {
        let mut asked = scenes().into_iter().filter(|scene| scene.row.id == "gateway.openapi");
        let served = asked.find(Scene::is_success).expect("a document");
        let document = json(served.invoked.answer.as_ref().expect("an answer"));
        let paths = document["paths"].as_object().expect("paths").values();
        let operations = paths.flat_map(|item| item.as_object().expect("operations").values());
        let mut bodies = HashMap::new();
        for operation in operations {
            let id = text(operation, "/operationId");
            for (status, response) in operation["responses"].as_object().expect("responses") {
                let content = response["content"].as_object().and_then(|types| types.iter().next());
                let body = content.map(|(media, body)| {
                    (media.clone(), validator(&body["schema"], &document["components"]))
                });
                bodies.insert((id.to_owned(), status.clone()), body);
            }
        }
        Self { bodies }
    }

    /// What of this answer is not as documented.
    fn fault(&self, id: &str, answer: &Value) -> Option<String> {
        let status = answer["statusCode"].to_string();
        let Some(body) = self.bodies.get(&(id.to_owned(), status.clone())) else {
            return Some(format!("status {status} is not documented"));
        };
        let sent = text(answer, "/body");
        let Some((media, validator)) = body else {
            return (!sent.is_empty()).then(|| format!("{status} has no documented body: {sent}"));
        };
        let told = header(answer, "content-type");
        if !told.starts_with(media.as_str()) {
            return Some(format!("{status} is {told}, not {media}"));
        }
        let value = serde_json::from_str(sent).unwrap_or_else(|_| json!(sent));
        let faults: Vec<String> = validator
            .iter_errors(&value)
            .map(|fault| format!("{} {fault}", fault.instance_path()))
            .collect();
        (!faults.is_empty()).then(|| format!("{status}: {}", faults.join("; ")))
    }
}

fn validator(schema: &Value, components: &Value) -> Validator {
    let whole = json!({ "allOf": [schema], "components": components });
    jsonschema::draft202012::new(&whole).expect("a schema of the document")
}

/// Browsers' questions and unknown routes stand in no document.
fn is_documented(spec: &Spec) -> bool {
    !matches!(spec.method, Method::Any | Method::Options)
}

#[test]
fn every_answer_is_as_the_api_document_says() {
    let documented = Documented::read();
    let mut checked: BTreeMap<&str, usize> = BTreeMap::new();
    let mut faults = Vec::new();
    for scene in scenes() {
        let Some(spec) = scene.spec().filter(is_documented) else { continue };
        let answer = scene.invoked.answer.as_ref().expect("an endpoint answers");
        faults.extend(documented.fault(spec.id, answer).map(|why| format!("{}: {why}", spec.id)));
        *checked.entry(spec.id).or_default() += 1;
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    for spec in endpoints().filter(is_documented) {
        assert!(checked.contains_key(spec.id), "{} was never answered", spec.id);
    }
}

#[test]
fn an_answer_that_is_not_documented_is_told() {
    let documented = Documented::read();
    let answer = |status: u16, media: &str, body: Value| json!({ "statusCode": status, "headers": { "content-type": media }, "body": body.to_string() });
    let id = "gateway.status";
    let told = |answer| documented.fault(id, &answer).unwrap_or_default();
    let status =
        json!({ "status": "ok", "version": "1", "commit": "c", "time": "2030-06-01T12:00:00Z" });
    assert_eq!(told(answer(200, "application/json", status.clone())), "");
    assert!(told(answer(418, "application/json", status.clone())).contains("not documented"));
    assert!(told(answer(200, "text/html", status)).contains("text/html"));
    let broken = told(answer(200, "application/json", json!({ "status": 7 })));
    assert!(broken.contains("/status") && broken.contains("version"), "{broken}");
}
