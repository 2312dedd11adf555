//! Time to live: items whose time has passed are deleted by the virtual clock.

use serde_json::{Map, Value, json};

use super::{TableError, Tables, key_names};

/// Items that expired longer ago than this are left alone (Developer Guide, "Using time to live
/// (TTL) in DynamoDB": timestamps more than five years in the past are ignored).
const OLDEST_EXPIRY_S: i64 = 5 * 365 * 24 * 60 * 60;

impl Tables {
    /// Deletes every expired item of every table with expiry and returns how many. Unlike AWS, which
    /// may take days, an item is gone at the first sweep after its time; the stream record of the
    /// deletion carries no service identity. Fails when the engine does.
    pub async fn sweep_expired(&self) -> Result<usize, TableError> {
        let mut deleted = 0;
        for table in self.names() {
            let Some(stored) = self.metadata(&table).filter(|stored| stored.ttl_enabled) else {
                continue;
            };
            let attribute = stored.ttl_attribute.unwrap_or_default();
            let keys = key_names(&stored.key_schema);
            let mut start = None;
            loop {
                let page = self.expired_page(&table, &attribute, start)?;
                for item in page.get("Items").and_then(Value::as_array).into_iter().flatten() {
                    deleted += usize::from(self.delete_expired(&table, &attribute, &keys, item)?);
                }
                start = page.get("LastEvaluatedKey").cloned();
                if start.is_none() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        Ok(deleted)
    }

    fn expired_page(
        &self,
        table: &str,
        attribute: &str,
        start: Option<Value>,
    ) -> Result<Value, TableError> {
        let now_s = self.inner.clock.now_ms() / 1000;
        let mut body = json!({
            "TableName": table,
            "FilterExpression": "attribute_type(#ttl, :number) AND #ttl BETWEEN :oldest AND :now",
            "ExpressionAttributeNames": { "#ttl": attribute },
            "ExpressionAttributeValues": {
                ":number": { "S": "N" },
                ":oldest": { "N": (now_s - OLDEST_EXPIRY_S).to_string() },
                ":now": { "N": now_s.to_string() },
            },
        });
        if let (Some(members), Some(start)) = (body.as_object_mut(), start) {
            members.insert("ExclusiveStartKey".to_owned(), start);
        }
        let answer =
            self.call("Scan", &body.to_string()).map_err(|error| refused(table, &error))?;
        Ok(serde_json::from_str(&answer).unwrap_or(Value::Null))
    }

    /// Whether the item was still expired and is gone now.
    fn delete_expired(
        &self,
        table: &str,
        attribute: &str,
        keys: &[String],
        item: &Value,
    ) -> Result<bool, TableError> {
        let key: Map<String, Value> =
            keys.iter().filter_map(|name| Some((name.clone(), item.get(name)?.clone()))).collect();
        let body = json!({
            "TableName": table,
            "Key": key,
            "ConditionExpression": "#ttl = :seen",
            "ExpressionAttributeNames": { "#ttl": attribute },
            "ExpressionAttributeValues": { ":seen": item.get(attribute) },
        });
        match self.call("DeleteItem", &body.to_string()) {
            Ok(_) => Ok(true),
            Err(dynoxide::DynoxideError::ConditionalCheckFailedException(..)) => Ok(false),
            Err(error) => Err(refused(table, &error)),
        }
    }
}

fn refused(table: &str, error: &dynoxide::DynoxideError) -> TableError {
    TableError::Refused {
        table: table.to_owned(),
        operation: "TTL sweep",
        message: error.to_string(),
    }
}
