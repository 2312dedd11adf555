//! The seal of cursors: base64url(id of the key ‖ position ‖ first 16 bytes of HMAC-SHA256).

use std::collections::BTreeMap;

use aws_lc_rs::{constant_time, hmac};
use kernel::{Cursor, Secret, codec};

/// What a cursor is bound to.
#[derive(Clone, Debug)]
pub struct Binding {
    /// Who reads: tenant, mode and caller.
    pub reader: String,
    /// The function's id.
    pub list: &'static str,
    /// The filters, in one unambiguous text.
    pub filters: String,
}

/// Keys by id: the highest seals, all of them open. Kept as `{"<id>": "<key in base64url>"}`.
pub struct SealKeys(BTreeMap<u8, hmac::Key>);

const KEY_BYTES: usize = 32;
const MAC_BYTES: usize = 16;
/// The id of the first key.
const FIRST: &str = "1";

impl SealKeys {
    /// The document of one fresh key, as at the first start.
    pub fn first(key: [u8; KEY_BYTES]) -> Secret<String> {
        Secret::new(serde_json::json!({ FIRST: codec::encode(&key) }).to_string())
    }

    /// Reads a document; nothing where it has no key, or one of another length.
    pub(super) fn parse(document: &str) -> Option<Self> {
        let members: BTreeMap<String, String> = serde_json::from_str(document).ok()?;
        let key = |(id, key): (String, String)| {
            let key = codec::decode(&key).filter(|key| key.len() == KEY_BYTES)?;
            Some((id.parse().ok()?, hmac::Key::new(hmac::HMAC_SHA256, &key)))
        };
        let keys: BTreeMap<u8, hmac::Key> = members.into_iter().map(key).collect::<Option<_>>()?;
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// The cursor of this position, by the newest key.
    pub(super) fn seal(&self, position: &[u8], binding: &Binding) -> Option<Cursor> {
        let (id, key) = self.0.last_key_value()?;
        let mac = mac(key, position, binding);
        let mac = mac.as_ref().get(..MAC_BYTES)?;
        Some(Cursor::new(codec::encode(&[&[*id], position, mac].concat())))
    }

    /// The position of a cursor; nothing for text that is none, was changed, or belongs elsewhere.
    pub(super) fn open(&self, cursor: &Cursor, binding: &Binding) -> Option<Vec<u8>> {
        let sealed = codec::decode(cursor.as_str())?;
        let (id, rest) = sealed.split_first()?;
        let (position, sent) = rest.split_at_checked(rest.len().checked_sub(MAC_BYTES)?)?;
        let mac = mac(self.0.get(id)?, position, binding);
        constant_time::verify_slices_are_equal(mac.as_ref().get(..MAC_BYTES)?, sent).ok()?;
        Some(position.to_vec())
    }

    /// Whether the key that sealed the cursor is here, or nobody could tell which it was.
    pub(super) fn know(&self, cursor: &Cursor) -> bool {
        let id = codec::decode(cursor.as_str()).and_then(|sealed| sealed.first().copied());
        id.is_none_or(|id| self.0.contains_key(&id))
    }
}

fn mac(key: &hmac::Key, position: &[u8], binding: &Binding) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    let Binding { reader, list, filters } = binding;
    for part in [reader.as_bytes(), list.as_bytes(), filters.as_bytes(), position] {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    context.sign()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding() -> Binding {
        Binding { reader: "cli_1/live/usr_1".to_owned(), list: "a.list", filters: "{}".to_owned() }
    }

    fn keys(ids: &[u8]) -> SealKeys {
        let keys = ids.iter().map(|id| format!(r#""{id}":"{}""#, codec::encode(&[*id; 32])));
        let document = format!("{{{}}}", keys.collect::<Vec<_>>().join(","));
        SealKeys::parse(&document).unwrap()
    }

    #[test]
    fn a_cursor_opens_where_it_was_made() {
        let made = SealKeys::parse(SealKeys::first([7; 32]).expose()).unwrap();
        for position in [&b""[..], b"usr_01", &[0, 255, 1]] {
            let cursor = made.seal(position, &binding()).unwrap();
            assert_eq!(made.open(&cursor, &binding()).as_deref(), Some(position));
        }
    }

    #[test]
    fn a_cursor_opens_nowhere_else() {
        let keys = keys(&[1]);
        let cursor = keys.seal(b"usr_01", &binding()).unwrap();
        let reader = |reader: &str| Binding { reader: reader.to_owned(), ..binding() };
        let elsewhere = [
            reader("cli_2/live/usr_1"),
            reader("cli_1/test/usr_1"),
            reader("cli_1/live/usr_2"),
            Binding { list: "a.get", ..binding() },
            Binding { filters: r#"{"status":"a"}"#.to_owned(), ..binding() },
            Binding { reader: "cli_1/live/usr_1a".to_owned(), list: ".list", ..binding() },
        ];
        for binding in elsewhere {
            assert_eq!(keys.open(&cursor, &binding), None, "{binding:?}");
        }
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let keys = keys(&[1, 2]);
        let cursor = keys.seal(b"usr_01", &binding()).unwrap();
        let sealed = codec::decode(cursor.as_str()).unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 3;
            let changed = Cursor::new(codec::encode(&changed));
            assert_eq!(keys.open(&changed, &binding()), None, "byte {at}");
        }
        for short in 0..sealed.len() {
            let short = Cursor::new(codec::encode(&sealed[..short]));
            assert_eq!(keys.open(&short, &binding()), None);
        }
        for text in ["", "!", "next", "ä"] {
            assert_eq!(keys.open(&Cursor::new(text), &binding()), None, "{text}");
        }
    }

    #[test]
    fn the_newest_key_seals_and_a_cursor_of_a_key_that_is_gone_is_stale() {
        let old = keys(&[1]).seal(b"x", &binding()).unwrap();
        let both = keys(&[1, 2]);
        let new = both.seal(b"y", &binding()).unwrap();
        assert_eq!(both.open(&old, &binding()).as_deref(), Some(&b"x"[..]));
        assert_eq!(keys(&[1]).open(&new, &binding()), None);
        assert_eq!(keys(&[2]).open(&old, &binding()), None);
        assert!(both.know(&old) && both.know(&new) && !keys(&[1]).know(&new));
    }

    #[test]
    fn a_document_without_whole_keys_is_none() {
        let short = format!(r#"{{"1":"{}"}}"#, codec::encode(&[7; 31]));
        for document in ["", "{}", "[]", r#"{"one":""}"#, r#"{"1":7}"#, &short] {
            assert!(SealKeys::parse(document).is_none(), "{document}");
        }
    }
}
