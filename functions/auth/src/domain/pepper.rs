//! Keys of keyed hashes, by id: the newest mints, older ones still open.

use std::collections::BTreeMap;
use std::fmt;

use kernel::{Secret, codec};
use serde_json::{Map, Value};

use super::strict_json;

/// Length of a pepper in bytes.
pub const PEPPER_BYTES: usize = 32;

/// One pepper under its id.
#[derive(Clone, Copy)]
pub struct Pepper<'a> {
    /// Its id, kept beside what it made.
    pub id: u8,
    /// The key itself.
    pub key: &'a [u8; PEPPER_BYTES],
}

impl fmt::Debug for Pepper<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pepper").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The pepper document is not `{"<id>": "<32 bytes in base64url>", …}` with at least one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PepperDocument;

/// All peppers of one purpose; never empty.
pub struct Peppers {
    newest: u8,
    keys: BTreeMap<u8, Secret<[u8; PEPPER_BYTES]>>,
}

impl Peppers {
    /// One pepper, as at first start.
    pub fn first(id: u8, key: [u8; PEPPER_BYTES]) -> Self {
        Self { newest: id, keys: BTreeMap::from([(id, Secret::new(key))]) }
    }

    /// Reads `{"<id>": "<key in base64url>", …}`, ids 0–255 in decimal; the highest id is the
    /// newest.
    ///
    /// Refuses an empty document, ids in another spelling and keys that are not 32 bytes.
    pub fn parse(document: &Secret<String>) -> Result<Self, PepperDocument> {
        let members =
            strict_json::object(document.expose().as_bytes()).map_err(|_| PepperDocument)?;
        let mut keys = BTreeMap::new();
        for (name, value) in &members {
            let id: u8 = name.parse().map_err(|_| PepperDocument)?;
            let key = value
                .as_str()
                .filter(|_| id.to_string() == *name)
                .and_then(codec::decode)
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or(PepperDocument)?;
            keys.insert(id, Secret::new(key));
        }
        let newest = *keys.keys().next_back().ok_or(PepperDocument)?;
        Ok(Self { newest, keys })
    }

    /// Writes the document that `parse` reads.
    pub fn document(&self) -> Secret<String> {
        let members: Map<String, Value> = self
            .keys
            .iter()
            .map(|(id, key)| (id.to_string(), codec::encode(key.expose()).into()))
            .collect();
        Secret::new(Value::Object(members).to_string())
    }

    /// The id that mints.
    pub fn newest_id(&self) -> u8 {
        self.newest
    }

    /// The pepper with this id, if it still opens.
    pub fn get(&self, id: u8) -> Option<Pepper<'_>> {
        self.keys.get(&id).map(|key| Pepper { id, key: key.expose() })
    }

    /// All peppers, newest first: the order in which look-ups try them.
    pub fn newest_first(&self) -> impl Iterator<Item = Pepper<'_>> {
        self.keys.iter().rev().map(|(id, key)| Pepper { id: *id, key: key.expose() })
    }
}

impl fmt::Debug for Peppers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Peppers").field("ids", &self.keys.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_survives_a_round_trip_and_its_highest_id_mints() {
        let key = |byte| codec::encode(&[byte; PEPPER_BYTES]);
        let document = format!(r#"{{"10":"{}","9":"{}"}}"#, key(1), key(2));
        let peppers = Peppers::parse(&Secret::new(document)).unwrap();
        let again = Peppers::parse(&peppers.document()).unwrap();
        assert_eq!(again.newest_id(), 10);
        assert_eq!(again.get(9).unwrap().key, &[2; PEPPER_BYTES]);
        let ids: Vec<u8> = again.newest_first().map(|pepper| pepper.id).collect();
        assert_eq!(ids, [10, 9]);
        assert!(again.get(8).is_none());
    }

    #[test]
    fn documents_of_another_form_are_refused() {
        let key = codec::encode(&[1; PEPPER_BYTES]);
        for document in [
            "{}".to_owned(),
            "[]".to_owned(),
            format!(r#"{{"256":"{key}"}}"#),
            format!(r#"{{"-1":"{key}"}}"#),
            format!(r#"{{"+1":"{key}"}}"#),
            format!(r#"{{"01":"{key}"}}"#),
            format!(r#"{{"1":"{key}","1":"{key}"}}"#),
            format!(r#"{{"1":"{}"}}"#, &key[1..]),
            r#"{"1":1}"#.to_owned(),
        ] {
            assert!(Peppers::parse(&Secret::new(document.clone())).is_err(), "{document}");
        }
    }

    #[test]
    fn peppers_are_not_printed() {
        let peppers = Peppers::first(1, [0xab; PEPPER_BYTES]);
        let printed = format!("{peppers:?} {:?}", peppers.get(1));
        assert!(!printed.contains("171") && !printed.contains("ab, "), "{printed}");
    }
}
