use kernel::{EntityKind, UserId};
use serde_json::json;

use super::*;
use crate::fixture::{ACCOUNT_OPENED, AccountOpened};
use crate::{Catalogue, fixture, largest};

const BODY: [u8; 16] = [1, 147, 77, 12, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

fn origin() -> Origin {
    Origin {
        tenant: TenantId::from_bytes(BODY),
        livemode: true,
        actor: None,
        correlation: "req_1".to_owned(),
        causation: None,
        traceparent: None,
    }
}

fn envelope() -> Envelope {
    let subject = EntityRef::new(EntityKind::Account, UserId::from_bytes(BODY));
    let data = json!({ "user_id": UserId::from_bytes(BODY) });
    let id = EventId::from_bytes(BODY);
    let time = Timestamp::from_ms(1_795_262_400_007);
    Envelope::new(&ACCOUNT_OPENED.spec, id, subject, 42, time, &origin(), data)
}

fn written(envelope: &Envelope) -> Value {
    serde_json::from_str(&envelope.to_bytes().unwrap()).unwrap()
}

#[test]
fn an_envelope_has_the_attributes_of_cloudevents_and_ours() {
    let body = UserId::from_bytes(BODY).body();
    let expected = json!({
        "specversion": "1.0",
        "id": format!("evt_{body}"),
        "source": "/modules/auth",
        "type": "auth.account.opened",
        "subject": format!("account/usr_{body}"),
        "time": "2026-11-21T12:00:00.007Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:talaria:event:auth.account.opened:1",
        "tenantid": format!("cli_{body}"),
        "livemode": true,
        "sequence": "00000000000000000042",
        "partitionkey": format!("cli_{body}/l/account/usr_{body}"),
        "correlationid": "req_1",
        "data": { "user_id": format!("usr_{body}") },
    });
    assert_eq!(written(&envelope()), expected);
}

#[test]
fn the_largest_envelope_has_every_attribute_and_only_well_formed_ones() {
    let mut catalogue = Catalogue::of(fixture::describe);
    let shared = catalogue.components();
    let full = written(&largest::envelope(&catalogue.entries[0], &shared).unwrap());
    let full = full.as_object().unwrap();
    for optional in ["actorid", "causationid", "traceparent", "tracestate"] {
        assert!(full.contains_key(optional), "{optional}");
    }
    assert!(!full.contains_key("sequencetype") && !full.contains_key("data_base64"));
    for (name, value) in full.iter().filter(|(name, _)| *name != "data") {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        assert!((1..=20).contains(&name.len()) && name.chars().all(fits), "{name}");
        // An integer attribute would have to stay within 32 bits; we have none.
        assert!(value.is_string() || value.is_boolean(), "{name}: {value}");
    }
    assert_eq!(full["sequence"], u64::MAX.to_string());
    assert_eq!(full["partitionkey"].as_str().unwrap().len(), PARTITION_KEY_MAX);
}

#[test]
fn sequences_sort_as_text_as_they_do_as_numbers() {
    let text = |sequence: u64| {
        let subject = EntityRef::new(EntityKind::Account, "x");
        let (id, time) = (EventId::from_bytes(BODY), Timestamp::from_ms(0));
        let data = json!({});
        Envelope::new(&ACCOUNT_OPENED.spec, id, subject, sequence, time, &origin(), data).sequence
    };
    let sorted = [0, 1, 9, 10, 999_999, u64::MAX].map(text);
    assert!(sorted.is_sorted() && sorted.iter().all(|one| one.len() == 20), "{sorted:?}");
}

#[test]
fn an_attribute_that_breaks_a_rule_is_never_written() {
    type Spoil = fn(&mut Envelope);
    let subject = |id: &str| EntityRef::new(EntityKind::Account, id);
    let longest = "x".repeat(SUBJECT_MAX - "account/".len());
    let mut fits = envelope();
    fits.subject = subject(&longest);
    fits.partitionkey = "x".repeat(PARTITION_KEY_MAX);
    assert!(fits.to_bytes().is_ok());
    let cases: [(Spoil, &str); 15] = [
        (|all| all.sequence = "42".to_owned(), "sequence must be twenty digits"),
        (|all| all.sequence = "0000000000000000004x".to_owned(), "sequence must be twenty digits"),
        (|all| all.partitionkey = "x".repeat(129), "partitionkey has 129 bytes, at most 128"),
        (|all| all.partitionkey = "a b".to_owned(), "partitionkey must be printable ASCII"),
        (|all| all.partitionkey = "é".to_owned(), "partitionkey must be printable ASCII"),
        (|all| all.partitionkey = "a\u{7f}".to_owned(), "partitionkey must be printable ASCII"),
        (|all| all.correlationid = "a\nb".to_owned(), "correlationid holds a control character"),
        (|all| all.correlationid = "x".repeat(129), "correlationid has 129 bytes"),
        (|all| all.actorid = Some("x".repeat(65)), "actorid has 65 bytes"),
        (|all| all.actorid = Some("\u{85}".to_owned()), "actorid holds a control character"),
        (|all| all.traceparent = Some("\0".to_owned()), "traceparent holds a control character"),
        (|all| all.tracestate = Some("x".repeat(513)), "tracestate has 513 bytes"),
        (|all| all.tracestate = Some("\u{fdd0}".to_owned()), "tracestate holds a control"),
        (|all| all.tracestate = Some("\u{1ffff}".to_owned()), "tracestate holds a control"),
        (|all| all.data = json!([]), "data must be an object"),
    ];
    for (spoil, expected) in cases {
        let mut spoilt = envelope();
        spoil(&mut spoilt);
        let refused = spoilt.to_bytes().unwrap_err().to_string();
        assert!(refused.contains(&format!("attribute {expected}")), "{expected}: {refused}");
    }
    let mut spoilt = envelope();
    spoilt.subject = subject(&format!("{longest}x"));
    assert!(spoilt.to_bytes().unwrap_err().to_string().contains("attribute subject has 96 bytes"));
}

#[test]
fn an_envelope_over_the_limit_is_refused() {
    let with = |length: usize| {
        let mut envelope = envelope();
        envelope.data = json!({ "x": "a".repeat(length) });
        envelope
    };
    let spare = ENVELOPE_LIMIT_BYTES - with(0).to_bytes().unwrap().len();
    assert_eq!(with(spare).to_bytes().unwrap().len(), ENVELOPE_LIMIT_BYTES);
    let refused = with(spare + 1).to_bytes().unwrap_err();
    assert!(matches!(refused, EnvelopeError::TooLarge { size_bytes: 65_537, .. }), "{refused}");
}

#[test]
fn unknown_attributes_and_members_are_accepted() {
    let mut added = written(&envelope());
    added["newattribute"] = json!("x");
    added["data"]["new_member"] = json!({ "any": [1] });
    let read = Envelope::parse(&added.to_string()).unwrap();
    let data: AccountOpened = read.data_of(&[1]).unwrap();
    assert_eq!(data, AccountOpened { user_id: UserId::from_bytes(BODY) });
}

#[test]
fn an_unknown_major_is_refused_whatever_its_data_looks_like() {
    let schemas = [
        ("urn:talaria:event:auth.account.opened:1", true),
        ("urn:talaria:event:auth.account.opened:2", true),
        ("urn:talaria:event:auth.account.opened:3", false),
        ("urn:talaria:event:auth.account.opened:01", false),
        ("urn:talaria:event:auth.account.opened", false),
        ("urn:talaria:event:auth.user.registered:1", false),
        ("", false),
    ];
    for (schema, is_known) in schemas {
        let mut envelope = envelope();
        envelope.dataschema = schema.to_owned();
        let data = envelope.data_of::<AccountOpened>(&[1, 2]);
        match data {
            Ok(_) => assert!(is_known, "{schema}"),
            Err(EnvelopeError::UnknownSchema { .. }) => assert!(!is_known, "{schema}"),
            Err(other) => panic!("{schema}: {other}"),
        }
    }
}

#[test]
fn what_is_no_envelope_is_refused() {
    let mut without_data = written(&envelope());
    without_data.as_object_mut().unwrap().remove("data");
    without_data["data_base64"] = json!("e30=");
    for text in ["", "{}", "[]", "null", &without_data.to_string()] {
        assert!(Envelope::parse(text).is_err(), "{text}");
    }
}

#[test]
fn events_about_the_platform_come_from_module_platform() {
    use crate::ops::{ACTION_PERFORMED, LISTENER_BLOCKED, OUTBOX_STALLED};
    for spec in [ACTION_PERFORMED.spec, LISTENER_BLOCKED.spec, OUTBOX_STALLED.spec] {
        let subject = EntityRef::new(spec.entity, "x");
        let (id, time) = (EventId::from_bytes(BODY), Timestamp::from_ms(0));
        let envelope = Envelope::new(&spec, id, subject, 1, time, &origin(), json!({}));
        assert_eq!((envelope.source.as_str(), spec.family()), ("/modules/platform", "ops"));
    }
}
