use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    MessageSystemAttributeNameForSends as ForSends, MessageSystemAttributeValue,
};

use super::*;
use crate::testing;

/// SQS API reference, SendMessage, `MessageBody`: one character to 1 MiB with the attributes, or
/// the queue's `MaximumMessageSize`.
#[tokio::test]
async fn a_message_counts_its_attributes_and_ends_at_the_queues_size() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    send(&client, &url, &"x".repeat(1_048_576)).await;
    let small = queue(&client, "small", &[(Name::MaximumMessageSize, "1024")]).await;
    let send_to = |url: &str, bytes: usize| {
        client.send_message().queue_url(url).message_body("x".repeat(bytes))
    };
    assert_eq!(code(send_to(&url, 1_048_577).send().await), "InvalidParameterValue");
    // name 4 + type 6 + value 5
    let with = |bytes| send_to(&small, bytes).message_attributes("name", text("value"));
    with(1_009).send().await.unwrap();
    assert_eq!(code(with(1_010).send().await), "InvalidParameterValue");
    assert_eq!(code(send_to(&url, 0).send().await), "MissingParameter");
}

/// SQS API reference, SendMessage: the characters of XML 1.0.
#[tokio::test]
async fn a_body_has_xml_characters_only() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    for (body, good) in [
        ("\t\n\r ~\u{D7FF}\u{E000}\u{FFFD}\u{10000}\u{10FFFF}", true),
        ("\u{0}", false),
        ("\u{1F}", false),
        ("\u{FFFE}", false),
        ("\u{FFFF}", false),
    ] {
        let sent = client.send_message().queue_url(&url).message_body(body).send().await;
        match good {
            true => assert!(sent.is_ok()),
            false => assert_eq!(code(sent), "InvalidMessageContents", "{body:?}"),
        }
    }
}

/// SQS Developer Guide, "Amazon SQS message metadata", "Message attribute components": ten; names
/// of letters, digits, `_`, `-` and `.`, not `AWS.` or `Amazon.`, no period at either end or two in
/// a row; String, Number or Binary, with a custom label.
#[tokio::test]
async fn attributes_are_ten_well_named_and_have_a_value_of_their_type() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    let numbered = |count: usize| {
        let attributes = (0..count).map(|number| (format!("a{number}"), text("v")));
        let request = client.send_message().queue_url(&url).message_body("m");
        request.set_message_attributes(Some(attributes.collect())).send()
    };
    numbered(10).await.unwrap();
    assert_eq!(code(numbered(11).await), "InvalidParameterValue");
    let value = |kind: &str, value: &str| {
        let value = MessageAttributeValue::builder().data_type(kind).string_value(value);
        value.build().unwrap()
    };
    let one = |name: &str, value: MessageAttributeValue| {
        let request = client.send_message().queue_url(&url).message_body("m");
        request.message_attributes(name, value).send()
    };
    for (name, kind, given) in [
        ("a.b-c_D9", "String", "v"),
        ("n", "Number", "-1.5e3"),
        ("n", "Number.int", "7"),
        ("s", "String.uuid", "v"),
        ("awsome", "String", "v"),
    ] {
        one(name, value(kind, given)).await.unwrap();
    }
    let binary = MessageAttributeValue::builder().data_type("Binary.gif");
    one("b", binary.binary_value(Blob::new([0, 255])).build().unwrap()).await.unwrap();
    let longest = "n".repeat(257);
    for (name, kind, given) in [
        (".a", "String", "v"),
        ("a.", "String", "v"),
        ("a..b", "String", "v"),
        ("AWS.a", "String", "v"),
        ("amazon.a", "String", "v"),
        ("a b", "String", "v"),
        (longest.as_str(), "String", "v"),
        ("a", "Text", "v"),
        ("a", "String", ""),
        ("a", "Number", "many"),
        ("a", "Number", "inf"),
    ] {
        let refused = one(name, value(kind, given)).await;
        assert_eq!(code(refused), "InvalidParameterValue", "{name} {kind} {given}");
    }
}

/// SQS Developer Guide, "Calculating the MD5 message digest for message attributes". The real
/// client checks the digests of the bodies it receives by itself.
#[tokio::test]
async fn digests_are_as_documented() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    let sent = client.send_message().queue_url(&url).message_body("hello");
    let sent = sent.message_attributes("name", text("value")).send().await.unwrap();
    assert_eq!(sent.md5_of_message_body(), Some("5d41402abc4b2a76b9719d911017c592"));
    // printf '\0\0\0\4name\0\0\0\6String\1\0\0\0\5value' | md5sum
    let digest = Some("25ada41cad9d6e55ad5a2b3d2da508a2");
    assert_eq!(sent.md5_of_message_attributes(), digest);
    let got = receive(&client, &url).await;
    assert_eq!(got[0].md5_of_body(), Some("5d41402abc4b2a76b9719d911017c592"));
    assert_eq!(got[0].md5_of_message_attributes(), digest);
}

/// SQS API reference, ReceiveMessage, `MessageAttributeNames` and `MessageSystemAttributeNames`:
/// only what was asked for, by name, by prefix with `.*`, or all; SendMessage, `AWSTraceHeader`.
#[tokio::test(start_paused = true)]
async fn a_receive_returns_the_attributes_asked_for() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[(Name::VisibilityTimeout, "0")]).await;
    let trace = MessageSystemAttributeValue::builder().data_type("String");
    let trace = trace.string_value("Root=1-5759e988-bd862e3fe1be46a994272793").build().unwrap();
    let sent = client.send_message().queue_url(&url).message_body("m");
    let sent = sent.message_attributes("bar.a", text("1")).message_attributes("bar.b", text("2"));
    let sent = sent.message_attributes("foo", text("3"));
    let sent = sent.message_system_attributes(ForSends::AwsTraceHeader, trace);
    assert!(sent.send().await.unwrap().md5_of_message_system_attributes().is_some());
    for (asked, expected) in [
        (vec![], vec![]),
        (vec!["foo"], vec!["foo"]),
        (vec!["bar.*"], vec!["bar.a", "bar.b"]),
        (vec!["All"], vec!["bar.a", "bar.b", "foo"]),
        (vec![".*"], vec!["bar.a", "bar.b", "foo"]),
    ] {
        let names = asked.iter().map(|name| (*name).to_owned()).collect();
        let request = client.receive_message().queue_url(&url);
        let got = request.set_message_attribute_names(Some(names)).send().await.unwrap();
        let attributes = got.messages()[0].message_attributes();
        let mut found: Vec<_> =
            attributes.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{asked:?}");
        assert!(got.messages()[0].attributes().is_none());
    }
    let request = client.receive_message().queue_url(&url);
    let request = request.message_system_attribute_names(System::AwsTraceHeader);
    let got = request.send().await.unwrap();
    let attributes = got.messages()[0].attributes().unwrap();
    assert_eq!(attributes.len(), 1);
    assert!(attributes[&System::AwsTraceHeader].starts_with("Root="));
}
