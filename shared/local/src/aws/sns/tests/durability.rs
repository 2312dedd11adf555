use super::*;
use crate::clock::VirtualClock;
use crate::testing::{self, Folder, NOON_MS};
use crate::{Cloud, Storage};

#[tokio::test]
async fn a_reopened_folder_has_topics_subscriptions_and_filters() {
    let folder = Folder::new("topics");
    let open = || {
        let clock = VirtualClock::starting_at(NOON_MS);
        Cloud::open(Storage::Folder(folder.0.clone()), clock).unwrap()
    };
    let cloud = open();
    let client = testing::sns(&cloud);
    let arn = topic(&client, "events", &[]).await;
    queue(&cloud, "users");
    subscribe(&client, &arn, "users", &[("FilterPolicy", r#"{"type":["a"]}"#)]).await;
    drop((client, cloud));
    let cloud = open();
    let client = testing::sns(&cloud);
    for kind in ["a", "b"] {
        let publish = client.publish().topic_arn(&arn).message(kind);
        publish.message_attributes("type", text(kind)).send().await.unwrap();
    }
    assert_eq!(bodies(&cloud, "users"), ["a"]);
}
