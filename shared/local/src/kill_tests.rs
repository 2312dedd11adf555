use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use aws_sdk_dynamodb::types::AttributeValue;

use crate::aws::dynamodb::TableSpec;
use crate::clock::VirtualClock;
use crate::testing::{self, Folder, NOON_MS};
use crate::{Cloud, Storage};

/// Tells a second process of this very test which folder to write to until it is killed.
const VICTIM: &str = "LOCAL_CLOUD_VICTIM_FOLDER";

fn open(folder: &str) -> Cloud {
    let storage = Storage::Folder(folder.into());
    let cloud = Cloud::open(storage, VirtualClock::starting_at(NOON_MS)).unwrap();
    cloud.tables().ensure(&TableSpec::named("talaria-orders")).unwrap();
    cloud.queues().ensure("jobs", []).unwrap();
    cloud
}

/// Writes an item and a message under each number, and prints the number once both are answered.
async fn write_until_killed(folder: &str) {
    let cloud = open(folder);
    let (dynamodb, sqs) = (testing::dynamodb(&cloud), testing::sqs(&cloud));
    for number in 0.. {
        let text = |value: String| AttributeValue::S(value);
        let put = dynamodb.put_item().table_name("talaria-orders");
        let put = put.item("pk", text(number.to_string())).item("sk", text("1".to_owned()));
        put.send().await.unwrap();
        sqs.send_message().queue_url("jobs").message_body(number.to_string()).send().await.unwrap();
        println!("wrote {number}");
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_it_acknowledged() {
    if let Ok(folder) = std::env::var(VICTIM) {
        return write_until_killed(&folder).await;
    }
    let folder = Folder::new("killed");
    let path = folder.0.to_string_lossy().into_owned();
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill_tests::a_killed_process_loses_nothing_it_acknowledged"])
        .args(["--nocapture", "--test-threads", "1"])
        .env(VICTIM, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    for line in BufReader::new(victim.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some((_, number)) = line.split_once("wrote ") {
            acknowledged.push(number.to_owned());
        }
        if acknowledged.len() == 200 {
            victim.kill().unwrap();
        }
    }
    victim.wait().unwrap();
    assert!(acknowledged.len() >= 200, "the victim ended early");
    let cloud = open(&path);
    let messages = cloud.queues().peek("jobs", usize::MAX).unwrap();
    let items = testing::dynamodb(&cloud).scan().table_name("talaria-orders").send().await;
    let items = items.unwrap();
    for number in acknowledged {
        assert!(messages.iter().any(|message| message.body == number), "message {number}");
        let pk = AttributeValue::S(number);
        assert!(items.items().iter().any(|item| item["pk"] == pk), "item {pk:?}");
    }
}
