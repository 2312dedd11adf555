//! All events with their JSON Schemas and golden samples.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::RemoveRefSiblings;
use serde_json::{Map, Value};

use crate::event::{Downgrade, Event, EventSpec, Fact};

/// One major of an event, the schema of its data and its golden sample.
pub struct Entry {
    pub spec: EventSpec,
    pub schema: Value,
    pub sample: Value,
    /// Makes its data from the next major's, where there is one.
    pub downgrade: Option<Downgrade>,
}

/// Events with their schemas and samples: those of the platform, or of a test.
pub struct Catalogue {
    pub entries: Vec<Entry>,
    generator: SchemaGenerator,
}

impl Catalogue {
    /// The events that `describe` adds.
    pub fn of(describe: impl FnOnce(&mut Self)) -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.meta_schema = None;
            settings.definitions_path = "/components/schemas".into();
        });
        // JSON Schema draft-07 ignores what stands beside a reference.
        let generator = settings.with_transform(RemoveRefSiblings::default()).into_generator();
        let mut catalogue = Self { entries: Vec::new(), generator };
        describe(&mut catalogue);
        catalogue
    }

    /// Adds one event.
    pub fn add<Data: Fact>(&mut self, event: &Event<Data>) {
        self.entries.push(Entry {
            spec: event.spec,
            schema: self.generator.subschema_for::<Data>().to_value(),
            sample: serde_json::to_value(Data::sample()).unwrap_or(Value::Null),
            downgrade: event.downgrade,
        });
    }

    /// The schemas the entries refer to, by name.
    pub fn components(&mut self) -> Map<String, Value> {
        self.generator.take_definitions(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_newest_major_gives_its_sample_in_the_older_shape() {
        let catalogue = Catalogue::of(fixture::describe);
        let of_major = |major: u16| {
            let mut majors = catalogue.entries.iter().filter(|entry| entry.spec.major == major);
            majors.next().unwrap()
        };
        let (newest, older) = (of_major(2), of_major(1));
        assert!(newest.downgrade.is_none());
        let downgraded = older.downgrade.unwrap()(newest.sample.clone()).unwrap();
        assert_eq!(downgraded, older.sample);
        assert!(older.downgrade.unwrap()(serde_json::json!({ "amount": "1" })).is_err());
        assert_eq!(newest.spec.topic_type(), "payment.created@2");
        assert_eq!(older.spec.topic_type(), "payment.created");
        assert_eq!(newest.spec.data_schema(), "urn:talaria:event:payment.created:2");
        assert!(newest.spec.public && !older.spec.public);
        assert_eq!(newest.spec.ordering(), older.spec.ordering());
    }
}
