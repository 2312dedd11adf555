//! What a table looks like, in words every other part of the system can produce.

use serde_json::{Map, Value, json};

/// A table: its keys, indexes, expiry attribute and whether it has a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSpec {
    /// Full table name.
    pub name: String,
    /// Name of the partition key attribute, a string; `pk` by house rule.
    pub partition_key: String,
    /// Name of the sort key attribute, a string; `sk` by house rule. `None`: partition key only.
    pub sort_key: Option<String>,
    /// Global secondary indexes.
    pub indexes: Vec<IndexSpec>,
    /// Attribute with the expiry time in Unix seconds, if items expire.
    pub ttl_attribute: Option<String>,
    /// Whether writes appear on a stream (new images).
    pub stream: bool,
}

/// A global secondary index of a [`TableSpec`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexSpec {
    /// Index name, unique in its table.
    pub name: String,
    /// Attribute that partitions the index, a string.
    pub partition_key: String,
    /// Attribute that sorts the index and its type.
    pub sort_key: Option<(String, KeyType)>,
    /// What the index carries besides the keys.
    pub projection: Projection,
}

/// Type of an index sort key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// String, sorted by UTF-8 bytes.
    Text,
    /// Number.
    Number,
}

impl KeyType {
    fn letter(self) -> &'static str {
        match self {
            Self::Text => "S",
            Self::Number => "N",
        }
    }
}

/// What an index carries besides the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Projection {
    /// Every attribute.
    All,
    /// Nothing more.
    KeysOnly,
    /// These attributes.
    Include(Vec<String>),
}

impl TableSpec {
    /// A table with the house keys `pk` and `sk`, no index, no expiry, no stream.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            partition_key: "pk".to_owned(),
            sort_key: Some("sk".to_owned()),
            indexes: Vec::new(),
            ttl_attribute: None,
            stream: false,
        }
    }

    /// The body of `CreateTable` for this table.
    pub(super) fn create_body(&self) -> Value {
        let mut body = json!({
            "TableName": self.name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": key_schema(&self.partition_key, self.sort_key.as_deref()),
            "AttributeDefinitions": self.attribute_definitions(),
        });
        if let Some(members) = body.as_object_mut() {
            if !self.indexes.is_empty() {
                let indexes = self.indexes.iter().map(IndexSpec::body).collect();
                members.insert("GlobalSecondaryIndexes".to_owned(), Value::Array(indexes));
            }
            if self.stream {
                members.insert("StreamSpecification".to_owned(), stream_body());
            }
        }
        body
    }

    fn attribute_definitions(&self) -> Value {
        let mut types = Map::new();
        types.insert(self.partition_key.clone(), json!("S"));
        if let Some(sort_key) = &self.sort_key {
            types.insert(sort_key.clone(), json!("S"));
        }
        for index in &self.indexes {
            index.add_types(&mut types);
        }
        definitions(types)
    }
}

impl IndexSpec {
    /// The index as `CreateTable` and `UpdateTable` want it.
    pub(super) fn body(&self) -> Value {
        let sort_key = self.sort_key.as_ref().map(|(name, _)| name.as_str());
        let projection = match &self.projection {
            Projection::All => json!({ "ProjectionType": "ALL" }),
            Projection::KeysOnly => json!({ "ProjectionType": "KEYS_ONLY" }),
            Projection::Include(names) => {
                json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": names })
            }
        };
        json!({
            "IndexName": self.name,
            "KeySchema": key_schema(&self.partition_key, sort_key),
            "Projection": projection,
        })
    }

    /// Attribute definitions of this index's keys alone.
    pub(super) fn attribute_definitions(&self) -> Value {
        let mut types = Map::new();
        self.add_types(&mut types);
        definitions(types)
    }

    fn add_types(&self, types: &mut Map<String, Value>) {
        types.insert(self.partition_key.clone(), json!("S"));
        if let Some((name, kind)) = &self.sort_key {
            types.insert(name.clone(), json!(kind.letter()));
        }
    }
}

/// The stream every stream-enabled table gets.
pub(super) fn stream_body() -> Value {
    json!({ "StreamEnabled": true, "StreamViewType": "NEW_IMAGE" })
}

/// A key schema in the wire's form.
pub(super) fn key_schema(partition_key: &str, sort_key: Option<&str>) -> Value {
    let mut schema = vec![json!({ "AttributeName": partition_key, "KeyType": "HASH" })];
    if let Some(sort_key) = sort_key {
        schema.push(json!({ "AttributeName": sort_key, "KeyType": "RANGE" }));
    }
    Value::Array(schema)
}

fn definitions(types: Map<String, Value>) -> Value {
    let define = |(name, kind)| json!({ "AttributeName": name, "AttributeType": kind });
    Value::Array(types.into_iter().map(define).collect())
}
