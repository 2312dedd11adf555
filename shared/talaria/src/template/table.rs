//! A table as a resource: billed per request, recoverable to any second, protected in production.

use serde_json::{Value, json};
use store::{Index, PARTITION, Projection, SORT, SortType, Table};

use super::Resources;
use super::intrinsic::{either, kept, logical, named, only_if, reference, resource};
use crate::member::put;

/// The logical name of a table.
pub fn logical_name(table: &Table) -> String {
    format!("{}Table", logical(table.name()))
}

/// The table under its logical name.
pub fn resources(table: &Table) -> Resources {
    [(logical_name(table), definition(table, named(table.name())))].into_iter().collect()
}

/// The table under this physical name.
pub fn definition(table: &Table, name: Value) -> Value {
    let mut properties = json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": attributes(table),
        "KeySchema": keys(PARTITION, SORT),
        "PointInTimeRecoverySpecification": { "PointInTimeRecoveryEnabled": true },
        "DeletionProtectionEnabled": either("Protected", json!(true), json!(false)),
        "SSESpecification": only_if("OwnKey", json!({
            "SSEEnabled": true,
            "SSEType": "KMS",
            "KMSMasterKeyId": reference("KmsKey"),
        })),
    });
    if !table.all_indexes().is_empty() {
        let indexes: Vec<Value> = table.all_indexes().iter().map(index).collect();
        put(&mut properties, "GlobalSecondaryIndexes", json!(indexes));
    }
    if let Some(attribute) = table.expiry_attribute() {
        put(
            &mut properties,
            "TimeToLiveSpecification",
            json!({ "AttributeName": attribute, "Enabled": true }),
        );
    }
    if table.has_stream() {
        put(&mut properties, "StreamSpecification", json!({ "StreamViewType": "NEW_IMAGE" }));
    }
    kept(resource("AWS::DynamoDB::Table", properties))
}

fn attributes(table: &Table) -> Vec<Value> {
    let mut all = vec![(PARTITION, "S"), (SORT, "S")];
    for index in table.all_indexes() {
        let sort = match index.sort_type() {
            SortType::Text => "S",
            SortType::Number => "N",
        };
        all.extend([(index.partition(), "S"), (index.sort(), sort)]);
    }
    let mut seen = Vec::new();
    all.retain(|(name, _)| {
        let is_new = !seen.contains(name);
        seen.push(*name);
        is_new
    });
    all.into_iter()
        .map(|(name, kind)| json!({ "AttributeName": name, "AttributeType": kind }))
        .collect()
}

fn keys(partition: &str, sort: &str) -> Value {
    json!([
        { "AttributeName": partition, "KeyType": "HASH" },
        { "AttributeName": sort, "KeyType": "RANGE" },
    ])
}

fn index(index: &Index) -> Value {
    let projection = match index.projection() {
        Projection::All => json!({ "ProjectionType": "ALL" }),
        Projection::Keys => json!({ "ProjectionType": "KEYS_ONLY" }),
        Projection::Keep(attributes) => {
            json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": attributes })
        }
    };
    json!({
        "IndexName": index.name(),
        "KeySchema": keys(index.partition(), index.sort()),
        "Projection": projection,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outbox_is_written_with_its_indexes_stream_and_expiry() {
        let table = definition(&store::OUTBOX, json!("x"));
        let properties = &table["Properties"];
        assert_eq!(properties["GlobalSecondaryIndexes"].as_array().unwrap().len(), 3);
        assert_eq!(properties["StreamSpecification"]["StreamViewType"], "NEW_IMAGE");
        assert_eq!(properties["TimeToLiveSpecification"]["AttributeName"], "expires_at");
        let due = json!({ "AttributeName": "due_at_ms", "AttributeType": "N" });
        assert!(properties["AttributeDefinitions"].as_array().unwrap().contains(&due));
    }

    #[test]
    fn an_attribute_of_two_indexes_is_defined_once() {
        const TWICE: &[Index] =
            &[Index::new("a", "owner", "made"), Index::new("b", "owner", "name")];
        let names: Vec<Value> = attributes(&Table::new("demo").indexes(TWICE));
        assert_eq!(names.len(), 5);
    }
}
