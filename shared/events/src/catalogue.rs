//! All events with their JSON Schemas and golden samples.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value};

use crate::event::{Event, EventSpec, Fact};

/// One event, the schema of its data and its golden sample.
pub struct Entry {
    pub spec: EventSpec,
    pub schema: Value,
    pub sample: Value,
}

/// Every event of the platform.
pub struct Catalogue {
    pub entries: Vec<Entry>,
    generator: SchemaGenerator,
}

impl Catalogue {
    /// Reads the events of every module.
    pub fn read() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.meta_schema = None;
            settings.definitions_path = "/components/schemas".into();
        });
        let mut catalogue = Self { entries: Vec::new(), generator: settings.into_generator() };
        crate::describe(&mut catalogue);
        catalogue
    }

    /// Adds one event.
    pub fn add<Data: Fact>(&mut self, event: &Event<Data>) {
        self.entries.push(Entry {
            spec: event.spec,
            schema: self.generator.subschema_for::<Data>().to_value(),
            sample: serde_json::to_value(Data::sample()).unwrap_or(Value::Null),
        });
    }

    /// The event of this name or alias.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.spec.name == name || entry.spec.aliases.contains(&name))
    }

    /// The schemas the entries refer to, by name.
    pub fn components(&mut self) -> Map<String, Value> {
        self.generator.take_definitions(true)
    }
}
