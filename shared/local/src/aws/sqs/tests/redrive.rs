use super::*;
use crate::testing::{self, NOON_MS};

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:us-east-1:000000000000:{queue}")
}

fn policy(target: &str, max_receives: &str) -> String {
    format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":{max_receives}}}"#, arn(target))
}

/// SQS Developer Guide, "Using dead-letter queues in Amazon SQS"; SQS API reference, CreateQueue,
/// `maxReceiveCount`: the message moves when its receive count would exceed the maximum, with the
/// receive that would have been one too many.
#[tokio::test(start_paused = true)]
async fn a_message_moves_with_the_receive_after_the_last_one_allowed() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let dead = queue(&client, "jobs-dlq", &[]).await;
    let redrive = policy("jobs-dlq", "\"2\"");
    let url = queue(&client, "jobs", &[(Name::RedrivePolicy, &redrive)]).await;
    send(&client, &url, "poison").await;
    for _ in 0..2 {
        assert_eq!(receive(&client, &url).await.len(), 1);
        cloud.clock().advance(30_000);
        assert_eq!(cloud.queues().depth("jobs-dlq").unwrap().waiting, 0, "visible is not enough");
    }
    send(&client, &url, "good").await;
    assert_eq!(bodies(&receive(&client, &url).await), ["good"], "the same receive goes on");
    assert_eq!(bodies(&receive(&client, &dead).await), ["poison"]);
}

/// SQS API reference, CreateQueue, `maxReceiveCount`: 10 by default, 1 to 1,000.
#[tokio::test(start_paused = true)]
async fn ten_receives_are_allowed_where_the_policy_says_no_number() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    queue(&client, "jobs-dlq", &[]).await;
    let redrive = format!(r#"{{"deadLetterTargetArn":"{}"}}"#, arn("jobs-dlq"));
    let url = queue(&client, "jobs", &[(Name::RedrivePolicy, &redrive)]).await;
    send(&client, &url, "poison").await;
    for _ in 0..10 {
        assert_eq!(receive(&client, &url).await.len(), 1);
        cloud.clock().advance(30_000);
    }
    assert_eq!(receive(&client, &url).await.len(), 0);
    for number in ["0", "1001", "\"many\"", "-1"] {
        let set = client.set_queue_attributes().queue_url(&url);
        let set = set.attributes(Name::RedrivePolicy, policy("jobs-dlq", number));
        assert_eq!(code(set.send().await), "InvalidAttributeValue", "{number}");
    }
}

/// SQS Developer Guide, "Using dead-letter queues in Amazon SQS" and "Setting-up dead-letter queue
/// retention": id, body and attributes stay; a standard queue also keeps the time of sending, from
/// which the dead-letter queue's retention counts.
#[tokio::test(start_paused = true)]
async fn a_dead_letter_keeps_id_attributes_and_time_and_counts_its_receives_anew() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let dead = queue(&client, "jobs-dlq", &[(Name::MessageRetentionPeriod, "120")]).await;
    let redrive = policy("jobs-dlq", "1");
    let url = queue(&client, "jobs", &[(Name::RedrivePolicy, &redrive)]).await;
    let sent = client.send_message().queue_url(&url).message_body("poison");
    let sent = sent.message_attributes("k", text("v")).message_group_id("acme");
    let id = sent.send().await.unwrap().message_id;
    receive(&client, &url).await;
    cloud.clock().advance(30_000);
    receive(&client, &url).await;
    let letters = receive(&client, &dead).await;
    let attributes = letters[0].attributes().unwrap();
    assert_eq!(letters[0].message_id, id);
    assert_eq!(letters[0].message_attributes().unwrap()["k"].string_value(), Some("v"));
    assert_eq!(receives(&letters[0]), "1");
    assert_eq!(attributes[&System::SentTimestamp], NOON_MS.to_string());
    assert_eq!(attributes[&System::MessageGroupId], "acme");
    assert_eq!(attributes[&System::DeadLetterQueueSourceArn], arn("jobs"));
    cloud.clock().advance(90_000);
    assert_eq!(cloud.queues().depth("jobs-dlq").unwrap(), super::super::Depth::default());
}

/// SQS Developer Guide, "Setting-up dead-letter queue retention": on FIFO queues the time of
/// sending begins anew with the move. "FIFO queue delivery logic": the group goes on behind it.
#[tokio::test(start_paused = true)]
async fn a_fifo_dead_letter_keeps_its_group_starts_a_new_retention_and_unblocks_the_group() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let dead = fifo_queue(&client, "dlq.fifo", &[(Name::MessageRetentionPeriod, "120")]).await;
    let redrive = policy("dlq.fifo", "1");
    let url = fifo_queue(&client, "jobs.fifo", &[(Name::RedrivePolicy, &redrive)]).await;
    let id = send_fifo(&client, &url, "a", "poison").await;
    send_fifo(&client, &url, "a", "next").await;
    receive_up_to(&client, &url, 1).await;
    cloud.clock().advance(30_000);
    assert_eq!(bodies(&receive(&client, &url).await), ["next"]);
    let letters = receive(&client, &dead).await;
    let attributes = letters[0].attributes().unwrap();
    assert_eq!(letters[0].message_id(), Some(id.as_str()));
    assert_eq!(attributes[&System::MessageGroupId], "a");
    assert_eq!(attributes[&System::MessageDeduplicationId], "poison");
    cloud.clock().advance(119_999);
    assert_eq!(receive(&client, &dead).await.len(), 1);
    cloud.clock().advance(1);
    assert_eq!(cloud.queues().depth("dlq.fifo").unwrap(), super::super::Depth::default());
}

/// SQS API reference, CreateQueue, note on `RedrivePolicy`: "The dead-letter queue of a FIFO queue
/// must also be a FIFO queue. Similarly, … standard"; it must exist.
#[tokio::test]
async fn a_dead_letter_queue_of_the_other_kind_or_none_is_refused() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    queue(&client, "plain", &[]).await;
    fifo_queue(&client, "ordered.fifo", &[]).await;
    for (name, target) in
        [("jobs.fifo", "plain"), ("jobs", "ordered.fifo"), ("jobs", "none"), ("jobs.fifo", "none")]
    {
        let request = client.create_queue().queue_name(name);
        let request = match name.ends_with(".fifo") {
            true => request.attributes(Name::FifoQueue, "true"),
            false => request,
        };
        let request = request.attributes(Name::RedrivePolicy, policy(target, "3"));
        assert_eq!(code(request.send().await), "InvalidParameterValue", "{name} to {target}");
    }
}

/// SQS API reference, CreateQueue, `RedriveAllowPolicy`: `allowAll`, `denyAll`, or `byQueue` with
/// up to ten sources.
#[tokio::test]
async fn a_dead_letter_queue_takes_only_the_sources_its_allow_policy_names() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let own = format!(
        r#"{{"redrivePermission":"byQueue","sourceQueueArns":["{}","{}"]}}"#,
        arn("jobs"),
        arn("more")
    );
    let create = |name: &str, target: &str| {
        let request = client.create_queue().queue_name(name);
        request.attributes(Name::RedrivePolicy, policy(target, "3")).send()
    };
    let allow = Name::RedriveAllowPolicy;
    queue(&client, "own-dlq", &[(allow.clone(), &own)]).await;
    queue(&client, "no-dlq", &[(allow.clone(), r#"{"redrivePermission":"denyAll"}"#)]).await;
    queue(&client, "any-dlq", &[(allow.clone(), r#"{"redrivePermission":"allowAll"}"#)]).await;
    create("jobs", "own-dlq").await.unwrap();
    create("other", "any-dlq").await.unwrap();
    assert_eq!(code(create("third", "own-dlq").await), "InvalidParameterValue");
    assert_eq!(code(create("third", "no-dlq").await), "InvalidParameterValue");
    let eleven = vec![format!("\"{}\"", arn("jobs")); 11].join(",");
    for bad in [
        "{".to_owned(),
        r#"{"redrivePermission":"some"}"#.to_owned(),
        r#"{"redrivePermission":"byQueue"}"#.to_owned(),
        r#"{"redrivePermission":"denyAll","sourceQueueArns":["x"]}"#.to_owned(),
        format!(r#"{{"redrivePermission":"byQueue","sourceQueueArns":[{eleven}]}}"#),
    ] {
        let request = client.create_queue().queue_name("bad-dlq");
        let request = request.attributes(allow.clone(), &bad).send().await;
        assert_eq!(code(request), "InvalidAttributeValue", "{bad}");
    }
}

/// SQS API reference, StartMessageMoveTask and ListMessageMoveTasks; SQS Developer Guide,
/// "Configure a dead-letter queue redrive": moved messages are new ones, with another id and time.
#[tokio::test(start_paused = true)]
async fn dead_letters_move_back_to_where_they_came_from_as_new_messages() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    queue(&client, "dlq", &[]).await;
    let redrive = policy("dlq", "1");
    let mut sources = Vec::new();
    for name in ["jobs", "more"] {
        let url = queue(&client, name, &[(Name::RedrivePolicy, &redrive)]).await;
        let sent = client.send_message().queue_url(&url).message_body(name);
        let id = sent.message_attributes("k", text("v")).send().await.unwrap().message_id;
        receive(&client, &url).await;
        sources.push((name, url, id));
    }
    cloud.clock().advance(30_000);
    for (_, url, _) in &sources {
        receive(&client, url).await;
    }
    assert_eq!(cloud.queues().depth("dlq").unwrap().waiting, 2);
    client.start_message_move_task().source_arn(arn("dlq")).send().await.unwrap();
    for (name, url, id) in &sources {
        let back = receive(&client, url).await;
        assert_eq!(bodies(&back), [*name]);
        assert_eq!(back[0].message_attributes().unwrap()["k"].string_value(), Some("v"));
        assert_ne!(&back[0].message_id, id);
        let attributes = back[0].attributes().unwrap();
        assert_eq!(attributes[&System::SentTimestamp], (NOON_MS + 30_000).to_string());
        assert_eq!(receives(&back[0]), "1");
        assert!(!attributes.contains_key(&System::DeadLetterQueueSourceArn));
    }
    let tasks = client.list_message_move_tasks().source_arn(arn("dlq")).send().await.unwrap();
    assert_eq!(tasks.results()[0].status(), Some("COMPLETED"));
    assert_eq!(tasks.results()[0].approximate_number_of_messages_moved(), 2);
}

/// SQS API reference, StartMessageMoveTask, `DestinationArn`, `MaxNumberOfMessagesPerSecond` (500
/// at most) and "Errors"; ListDeadLetterSourceQueues.
#[tokio::test(start_paused = true)]
async fn dead_letters_move_only_from_dead_letter_queues_and_to_queues_of_their_kind() {
    let cloud = testing::cloud();
    let client = testing::sqs(&cloud);
    let dead = queue(&client, "dlq", &[]).await;
    let redrive = policy("dlq", "1");
    let url = queue(&client, "jobs", &[(Name::RedrivePolicy, &redrive)]).await;
    let other = queue(&client, "other", &[]).await;
    fifo_queue(&client, "ordered.fifo", &[]).await;
    send(&client, &url, "poison").await;
    receive(&client, &url).await;
    cloud.clock().advance(30_000);
    receive(&client, &url).await;
    let start = |from: &str| client.start_message_move_task().source_arn(arn(from));
    for (request, refusal) in [
        (start("jobs"), "ResourceNotFoundException"),
        (start("none"), "ResourceNotFoundException"),
        (start("dlq").destination_arn(arn("none")), "ResourceNotFoundException"),
        (
            start("dlq").destination_arn(arn("ordered.fifo")),
            "AWS.SimpleQueueService.UnsupportedOperation",
        ),
        (start("dlq").max_number_of_messages_per_second(501), "InvalidParameterValue"),
        (start("dlq").max_number_of_messages_per_second(0), "InvalidParameterValue"),
    ] {
        assert_eq!(code(request.send().await), refusal);
    }
    start("dlq").destination_arn(arn("other")).send().await.unwrap();
    assert_eq!(bodies(&receive(&client, &other).await), ["poison"]);
    let sources = client.list_dead_letter_source_queues().queue_url(&dead).send().await.unwrap();
    assert_eq!(sources.queue_urls(), [url]);
}
