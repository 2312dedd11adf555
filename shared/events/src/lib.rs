//! Every domain event: name, version, fields and ordering.
//!
//! A module's events are one [`events!`] table. An entry's doc comment is written for the tenant who
//! may receive it; its data type gives the JSON Schema, and `sample` its golden sample. What an event
//! is stands in [`interface`], whose words are used from here.

pub mod alias;
pub mod auth;
pub mod gateway;
pub mod notification;
pub mod profile;

pub use interface::{
    Catalogue, Envelope, EnvelopeError, Event, EventSpec, Fact, Ordering, Priority, catalogue,
    envelope, event, events, largest, ops,
};

/// Gathers the events of these modules.
macro_rules! modules {
    ($($module:ident)+) => {
        fn describe(catalogue: &mut Catalogue) {
            $($module::describe(catalogue);)+
        }
    };
}

modules! {
    auth
    gateway
    notification
    ops
    profile
}

/// Every event of every module, and those about the platform itself.
pub fn catalogue() -> Catalogue {
    Catalogue::of(describe)
}

#[cfg(test)]
mod tests {
    use interface::rules;

    use super::*;

    #[test]
    fn every_event_keeps_the_rules_and_has_one_name_for_each_fact() {
        let mut catalogue = catalogue();
        let shared = catalogue.components();
        assert!(!catalogue.entries.is_empty());
        let mut faults = rules::faults(&catalogue.entries, &shared);
        faults.extend(alias::faults(&catalogue.entries));
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    #[test]
    fn no_sample_is_larger_than_its_schema_allows() {
        let mut catalogue = catalogue();
        let shared = catalogue.components();
        for entry in &catalogue.entries {
            let name = entry.spec.name;
            let largest = largest::data(&entry.schema, &shared).unwrap();
            assert!(entry.sample.to_string().len() <= largest.to_string().len(), "{name}");
        }
    }
}
