use super::*;
use crate::testing;

/// (name, type, value) of a message attribute.
type Given = (&'static str, &'static str, &'static str);

/// Publishes each row's message to a topic whose one subscription has the row's policy, and
/// compares whether the queue got it.
async fn deliveries(scope: &str, rows: &[(&str, &str, Vec<Given>, bool)]) {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let arn = topic(&client, "events", &[]).await;
    queue(&cloud, "q");
    for (policy, message, given, expected) in rows {
        subscribe(&client, &arn, "q", &[("FilterPolicyScope", scope), ("FilterPolicy", policy)])
            .await;
        let attributes = given.iter().map(|(name, kind, of)| ((*name).to_owned(), value(kind, of)));
        let request = client.publish().topic_arn(&arn).message(*message);
        request.set_message_attributes(Some(attributes.collect())).send().await.unwrap();
        let got = cloud.queues().receive("q", 10, None).unwrap();
        assert_eq!(got.len() == 1, *expected, "{policy} on {message} {given:?}");
        for message in got {
            cloud.queues().delete("q", &message.receipt_handle).unwrap();
        }
    }
}

async fn on_attributes(rows: &[(&str, Vec<Given>, bool)]) {
    let rows: Vec<_> = rows
        .iter()
        .map(|(policy, given, expected)| (*policy, "m", given.clone(), *expected))
        .collect();
    deliveries("MessageAttributes", &rows).await;
}

async fn on_body(rows: &[(&str, &str, bool)]) {
    let rows: Vec<_> =
        rows.iter().map(|(policy, body, expected)| (*policy, *body, vec![], *expected)).collect();
    deliveries("MessageBody", &rows).await;
}

fn interests(value: &'static str) -> Vec<Given> {
    vec![("customer_interests", "String", value)]
}

fn list(value: &'static str) -> Vec<Given> {
    vec![("customer_interests", "String.Array", value)]
}

fn price(value: &'static str) -> Vec<Given> {
    vec![("price_usd", "Number", value)]
}

/// SNS Developer Guide, "String value matching": exact (case-sensitive), prefix, suffix,
/// equals-ignore-case; each element of a String.Array counts.
#[tokio::test]
async fn a_string_matches_exactly_by_its_beginning_its_end_or_in_any_case() {
    on_attributes(&[
        (r#"{"customer_interests": ["rugby", "tennis"]}"#, interests("rugby"), true),
        (r#"{"customer_interests": ["rugby", "tennis"]}"#, interests("tennis"), true),
        (r#"{"customer_interests": ["rugby", "tennis"]}"#, interests("baseball"), false),
        (r#"{"customer_interests": ["rugby", "tennis"]}"#, interests("Rugby"), false),
        (r#"{"customer_interests": ["rugby"]}"#, list(r#"["rugby", "baseball"]"#), true),
        (r#"{"customer_interests": ["rugby"]}"#, list(r#"["baseball"]"#), false),
        (r#"{"customer_interests": [{"prefix": "bas"}]}"#, interests("baseball"), true),
        (r#"{"customer_interests": [{"prefix": "bas"}]}"#, interests("rugby"), false),
        (
            r#"{"customer_interests": [{"prefix": "bas"}]}"#,
            list(r#"["rugby", "basketball"]"#),
            true,
        ),
        (r#"{"customer_interests": [{"suffix": "ball"}]}"#, interests("baseball"), true),
        (r#"{"customer_interests": [{"suffix": "ball"}]}"#, interests("rugby"), false),
        (
            r#"{"customer_interests": [{"equals-ignore-case": "Tennis"}]}"#,
            interests("TENNIS"),
            true,
        ),
        (r#"{"customer_interests": [{"equals-ignore-case": "Tennis"}]}"#, interests("ten"), false),
    ])
    .await;
}

/// SNS Developer Guide, "String value matching", "Anything-but matching": of a list, any element
/// that is none of the values suffices; also with a prefix or suffix.
#[tokio::test]
async fn anything_but_matches_what_is_none_of_its_values() {
    let but =
        |operand: &str| format!(r#"{{"customer_interests": [{{"anything-but": {operand}}}]}}"#);
    let (two, one) = (but(r#"["rugby", "tennis"]"#), but(r#""rugby""#));
    let (prefix, suffix) = (but(r#"{"prefix": "bas"}"#), but(r#"{"suffix": "ball"}"#));
    on_attributes(&[
        (&two, interests("baseball"), true),
        (&two, interests("rugby"), false),
        (&two, list(r#"["rugby", "baseball"]"#), true),
        (&two, list(r#"["rugby", "tennis"]"#), false),
        (&two, price("1"), false),
        (&one, interests("tennis"), true),
        (&one, interests("rugby"), false),
        (&prefix, interests("baseball"), false),
        (&prefix, interests("rugby"), true),
        (&suffix, interests("baseball"), false),
        (&suffix, interests("rugby"), true),
    ])
    .await;
}

/// SNS Developer Guide, "Numeric value matching": exact, anything-but, ranges, five decimals; a
/// number is no string.
#[tokio::test]
async fn a_number_matches_by_value_to_five_decimals() {
    let within = r#"{"price_usd": [{"numeric": [">", 0, "<=", 150]}]}"#;
    on_attributes(&[
        (r#"{"price_usd": [301.5]}"#, price("3.015e2"), true),
        (r#"{"price_usd": [{"numeric": ["=", 301.5]}]}"#, price("301.500004"), true),
        (r#"{"price_usd": [{"numeric": ["=", 301.5]}]}"#, price("301.50001"), false),
        (r#"{"price_usd": [{"numeric": ["=", -1000000000]}]}"#, price("-1000000000"), true),
        (r#"{"price_usd": [{"anything-but": [100, 500]}]}"#, price("101"), true),
        (r#"{"price_usd": [{"anything-but": [100, 500]}]}"#, price("100.0"), false),
        (within, price("150"), true),
        (within, price("150.1"), false),
        (within, price("0"), false),
        (within, vec![("price_usd", "String.Array", "[0, 7]")], true),
        (r#"{"price_usd": [{"numeric": ["<", 0]}]}"#, price("-1"), true),
        (r#"{"price_usd": [{"numeric": [">=", 1]}]}"#, price("1"), true),
        (r#"{"price_usd": ["301"]}"#, price("301"), false),
        (r#"{"price_usd": [301]}"#, vec![("price_usd", "String", "301")], false),
    ])
    .await;
}

/// SNS Developer Guide, "Key matching": a missing attribute matches `exists: false` alone, and that
/// only if the message has some attribute at all.
#[tokio::test]
async fn a_missing_attribute_matches_exists_false_and_nothing_else() {
    on_attributes(&[
        (r#"{"store": [{"exists": true}]}"#, vec![("store", "String", "fans")], true),
        (r#"{"store": [{"exists": true}]}"#, interests("rugby"), false),
        (r#"{"store": [{"exists": false}]}"#, interests("rugby"), true),
        (r#"{"store": [{"exists": false}]}"#, vec![("store", "String", "fans")], false),
        (r#"{"store": [{"exists": false}]}"#, vec![], false),
        (r#"{"store": [{"anything-but": ["fans"]}]}"#, interests("rugby"), false),
        (r#"{"store": ["fans"]}"#, interests("rugby"), false),
        (r#"{"store": ["fans"]}"#, vec![], false),
        ("{}", vec![], true),
    ])
    .await;
}

/// SNS Developer Guide, "AND/OR logic": every key, any value of its list.
#[tokio::test]
async fn keys_are_joined_by_and_and_the_values_of_one_by_or() {
    let both = r#"{"customer_interests": ["rugby"], "price_usd": [{"numeric": [">", 100]}]}"#;
    let either = r#"{"customer_interests": ["rugby", {"prefix": "ten"}, {"suffix": "ball"}]}"#;
    on_attributes(&[
        (both, [interests("rugby"), price("101")].concat(), true),
        (both, [interests("rugby"), price("100")].concat(), false),
        (both, [interests("tennis"), price("101")].concat(), false),
        (both, interests("rugby"), false),
        (either, interests("tennis"), true),
        (either, interests("football"), true),
        (either, interests("golf"), false),
    ])
    .await;
}

/// SNS Developer Guide, "Filter policy constraints": String, String.Array and Number attributes are
/// compared; a String.Array holds strings, numbers, booleans and null; other types are ignored.
#[tokio::test]
async fn attributes_of_other_types_are_ignored() {
    on_attributes(&[
        (
            r#"{"customer_interests": ["rugby"]}"#,
            vec![("customer_interests", "String.x", "rugby")],
            false,
        ),
        (r#"{"customer_interests": [true]}"#, list(r#"[true, "a"]"#), true),
        (r#"{"customer_interests": [null]}"#, list("[null]"), true),
        (r#"{"customer_interests": ["rugby"]}"#, list("rugby"), false),
    ])
    .await;
}

/// SNS Developer Guide, "Filter policy scope" and "Example filter policies", "Payload-based
/// filtering": the members of a JSON message, nested ones too, elements of lists one by one; a
/// message that is no JSON object matches nothing.
#[tokio::test]
async fn a_policy_on_the_body_looks_at_its_members_however_deep() {
    let order = r#"{"store": "example_corp", "event": "order_placed", "price_usd": 210.75,
        "paid": true, "note": null, "empty": "", "customer_interests": ["soccer", "rugby"],
        "address": {"city": "Wien", "lines": [{"zip": "1010"}, {"zip": "1020"}]}}"#;
    on_body(&[
        (r#"{"store": ["example_corp"]}"#, order, true),
        (r#"{"store": ["other"]}"#, order, false),
        (r#"{"event": [{"anything-but": "order_cancelled"}]}"#, order, true),
        (r#"{"event": [{"prefix": "order_"}], "paid": [true]}"#, order, true),
        (r#"{"event": [{"suffix": "_placed"}], "paid": [false]}"#, order, false),
        (r#"{"store": [{"equals-ignore-case": "EXAMPLE_CORP"}]}"#, order, true),
        (r#"{"price_usd": [{"numeric": [">=", 100, "<", 211]}]}"#, order, true),
        (r#"{"customer_interests": ["rugby", "football"]}"#, order, true),
        (r#"{"customer_interests": ["football"]}"#, order, false),
        (r#"{"address": {"city": ["Wien"]}}"#, order, true),
        (r#"{"address": {"lines": {"zip": ["1020"]}}}"#, order, true),
        (r#"{"address": {"lines": {"zip": ["1030"]}}}"#, order, false),
        (r#"{"note": [null]}"#, order, true),
        (r#"{"note": [{"exists": true}]}"#, order, false),
        (r#"{"empty": [{"exists": true}]}"#, order, false),
        (r#"{"gone": [{"exists": false}]}"#, order, true),
        (r#"{"gone": ["x"]}"#, order, false),
        (r#"{"store": [{"exists": true}]}"#, order, true),
        (r#"{"store": ["example_corp"]}"#, "plain text", false),
        (r#"{"store": [{"exists": false}]}"#, "[1]", false),
    ])
    .await;
}

/// SNS Developer Guide, "Filter policy constraints": five keys, 150 combinations, 256 KB, numbers
/// within 10⁹; attribute policies do not nest; nested keys count their values once per level.
#[tokio::test]
async fn a_policy_beyond_the_constraints_is_refused() {
    let cloud = testing::cloud();
    let client = testing::sns(&cloud);
    let arn = topic(&client, "events", &[]).await;
    queue(&cloud, "q");
    let subscribe = |scope: &str, policy: String| {
        let request = client.subscribe().topic_arn(&arn).protocol("sqs").endpoint(queue_arn("q"));
        let request = request.attributes("FilterPolicyScope", scope);
        request.attributes("FilterPolicy", policy).send()
    };
    let (attributes, body) = ("MessageAttributes", "MessageBody");
    let list = |n: usize| serde_json::to_string(&(0..n).collect::<Vec<_>>()).unwrap();
    let pair = |a, b| format!(r#"{{"a": {}, "b": {}}}"#, list(a), list(b));
    let nested = |a, b| format!(r#"{{"a": {{"b": {}}}, "c": {}}}"#, list(a), list(b));
    let keys = |n: usize| {
        let keys: Vec<_> = (0..n).map(|n| format!(r#""k{n}": ["v"]"#)).collect();
        format!("{{{}}}", keys.join(","))
    };
    let long =
        |bytes: usize| format!(r#"{{"a": ["{}"]}}"#, "x".repeat(bytes - r#"{"a": [""]}"#.len()));
    for (scope, policy) in [
        (attributes, pair(50, 3)),
        (attributes, keys(5)),
        (attributes, long(1_000)),
        (attributes, r#"{"a": [{"numeric": ["=", 1000000000]}]}"#.to_owned()),
        (body, nested(25, 3)),
        (body, r#"{"a": {"b": ["x"], "c": ["x"], "d": ["x"]}, "e": ["x"], "f": ["x"]}"#.to_owned()),
    ] {
        assert!(subscribe(scope, policy.clone()).await.is_ok(), "{policy}");
    }
    for (scope, policy) in [
        (attributes, pair(151, 1)),
        (attributes, pair(38, 4)),
        (attributes, keys(6)),
        (attributes, long(256 * 1024 + 1)),
        (attributes, r#"{"a": {"b": ["nested"]}}"#.to_owned()),
        (body, nested(26, 3)),
        (
            body,
            r#"{"a": {"b": ["x"], "c": ["x"], "d": ["x"], "g": ["x"]}, "e": ["x"], "f": ["x"]}"#
                .to_owned(),
        ),
        (attributes, r#"{"a": "b"}"#.to_owned()),
        (attributes, r#"{"a": []}"#.to_owned()),
        (body, r#"{"a": {}}"#.to_owned()),
        (attributes, r#"{"a": [["b"]]}"#.to_owned()),
        (attributes, r#"{"a": [{"numeric": ["=", 1000000001]}]}"#.to_owned()),
        (attributes, r#"{"a": [{"numeric": ["<", 1, ">"]}]}"#.to_owned()),
        (attributes, r#"{"a": [{"prefix": ""}]}"#.to_owned()),
        (attributes, r#"{"a": [{"like": "b"}]}"#.to_owned()),
        (attributes, "[]".to_owned()),
        (attributes, "{".to_owned()),
    ] {
        let refused = subscribe(scope, policy.clone()).await;
        assert_eq!(refused.unwrap_err().code(), Some("InvalidParameter"), "{policy:.99}");
    }
}
