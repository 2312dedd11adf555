use super::*;
use crate::clock::VirtualClock;
use crate::testing::{self, Folder, NOON_MS};
use crate::{Cloud, Storage};

#[tokio::test(start_paused = true)]
async fn a_reopened_folder_has_every_acknowledged_message_and_forgets_no_deduplication() {
    let folder = Folder::new("queues");
    let open = |after_ms| {
        let clock = VirtualClock::starting_at(NOON_MS + after_ms);
        Cloud::open(Storage::Folder(folder.0.clone()), clock).unwrap()
    };
    let cloud = open(0);
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    let fifo = fifo_queue(&client, "jobs.fifo", &[]).await;
    for body in ["deleted", "in flight", "waiting"] {
        send(&client, &url, body).await;
    }
    let first = send_fifo(&client, &fifo, "g", "x").await;
    let two = client.receive_message().queue_url(&url).max_number_of_messages(2).send().await;
    delete(&client, &url, &two.unwrap().messages()[0]).await;
    drop((client, cloud));
    let cloud = open(10_000);
    let client = testing::sqs(&cloud);
    let back = receive(&client, &url).await;
    assert_eq!(bodies(&back), ["in flight", "waiting"], "its receiver ended with the cloud");
    assert_eq!(back[0].attributes().unwrap()[&System::ApproximateReceiveCount], "2");
    assert_eq!(send_fifo(&client, &fifo, "g", "x").await, first);
}

#[tokio::test]
async fn a_full_disk_refuses_the_message_and_keeps_the_rest() {
    let folder = Folder::new("full");
    let storage = Storage::Folder(folder.0.clone());
    let cloud = Cloud::open(storage, VirtualClock::starting_at(NOON_MS)).unwrap();
    let client = testing::sqs(&cloud);
    let url = queue(&client, "jobs", &[]).await;
    send(&client, &url, "before").await;
    cloud.store().fill_disk();
    let refused = client.send_message().queue_url(&url).message_body("x".repeat(100_000));
    assert_eq!(code(refused.send().await), "InternalFailure");
    let kept: Vec<_> = cloud.queues().peek("jobs", 10).unwrap();
    assert_eq!(kept.iter().map(|message| message.body.as_str()).collect::<Vec<_>>(), ["before"]);
}
