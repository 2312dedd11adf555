//! All contracts with their JSON Schemas: what the API document is written from.

use kernel::{Problem, problem};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

use crate::call::{Call, CallSpec};
use crate::endpoint::{Endpoint, Spec};
use crate::operation::OperationSpec;

/// One endpoint and the schemas of what it takes and gives.
pub struct Page {
    pub spec: Spec,
    pub request: Schema,
    pub answer: Schema,
}

/// Every endpoint, typed call, operation, problem and schema of the platform, module by module.
pub struct Book {
    pub pages: Vec<Page>,
    pub calls: Vec<CallSpec>,
    pub operations: Vec<OperationSpec>,
    /// Those of the platform itself come first.
    pub problems: Vec<&'static Problem>,
    requests: SchemaGenerator,
    answers: SchemaGenerator,
}

impl Book {
    /// The contracts that `describe` adds.
    pub fn of(describe: impl FnOnce(&mut Self)) -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        let mut book = Self {
            pages: Vec::new(),
            calls: Vec::new(),
            operations: Vec::new(),
            problems: problem::PROBLEMS.to_vec(),
            requests: settings().for_deserialize().into_generator(),
            answers: settings().for_serialize().into_generator(),
        };
        describe(&mut book);
        book
    }

    /// Adds one endpoint.
    pub fn add<Q: JsonSchema, S: JsonSchema, A>(&mut self, endpoint: &Endpoint<Q, S, A>) {
        self.pages.push(Page {
            spec: endpoint.spec,
            request: self.requests.subschema_for::<Q>(),
            answer: self.answers.subschema_for::<S>(),
        });
    }

    /// Adds one typed call between modules.
    pub fn add_call<Q, S>(&mut self, call: &Call<Q, S>) {
        self.calls.push(call.spec);
    }

    /// The shared schemas by name. A name that stands for two shapes keeps the answer's.
    pub fn components(&mut self) -> Map<String, Value> {
        let mut all = self.requests.take_definitions(true);
        all.extend(self.answers.take_definitions(true));
        all.sort_keys();
        all
    }
}
