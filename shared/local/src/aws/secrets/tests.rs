use aws_sdk_secretsmanager::error::ProvideErrorMetadata;

use crate::clock::VirtualClock;
use crate::testing::{self, Folder, NOON_MS};
use crate::{Cloud, Storage};

/// User Guide, "What's in a secret: version"; API reference, PutSecretValue and
/// UpdateSecretVersionStage.
#[tokio::test]
async fn a_rotation_moves_labels_from_pending_to_current_to_previous() {
    let cloud = testing::cloud();
    let client = testing::secretsmanager(&cloud);
    let made = client.create_secret().name("app/jwt").secret_string("one").send().await;
    let one = made.unwrap().version_id.unwrap();
    let value = |stage: &'static str| {
        client.get_secret_value().secret_id("app/jwt").version_stage(stage).send()
    };
    let put = client.put_secret_value().secret_id("app/jwt").secret_string("two");
    let put = put.version_stages("AWSPENDING").send().await.unwrap();
    let two = put.version_id.unwrap();
    assert_eq!(value("AWSCURRENT").await.unwrap().secret_string(), Some("one"));
    assert_eq!(value("AWSPENDING").await.unwrap().secret_string(), Some("two"));
    let promote = client.update_secret_version_stage().secret_id("app/jwt");
    let promote = promote.version_stage("AWSCURRENT").move_to_version_id(&two);
    assert!(promote.clone().send().await.is_err(), "the holder must be named");
    promote.remove_from_version_id(&one).send().await.unwrap();
    let current = client.get_secret_value().secret_id("app/jwt").send().await.unwrap();
    assert_eq!(current.secret_string(), Some("two"));
    assert_eq!(value("AWSPREVIOUS").await.unwrap().secret_string(), Some("one"));
    let put = client.put_secret_value().secret_id("app/jwt").secret_string("three");
    put.send().await.unwrap();
    assert_eq!(value("AWSPREVIOUS").await.unwrap().secret_string(), Some("two"));
    let described = client.describe_secret().secret_id("app/jwt").send().await.unwrap();
    assert_eq!(described.version_ids_to_stages().unwrap().len(), 2, "unlabelled ones go");
}

/// API reference, CreateSecret, GetSecretValue and PutSecretValue, "Errors".
#[tokio::test]
async fn refusals_have_their_codes() {
    let cloud = testing::cloud();
    let client = testing::secretsmanager(&cloud);
    cloud.secrets().ensure("a", "1").unwrap();
    cloud.secrets().ensure("a", "2").unwrap();
    let missing = client.get_secret_value().secret_id("b").send().await.unwrap_err();
    assert_eq!(missing.code(), Some("ResourceNotFoundException"));
    let twice = client.create_secret().name("a").secret_string("x").send().await.unwrap_err();
    assert_eq!(twice.code(), Some("ResourceExistsException"));
    let token = "0123456789abcdef0123456789abcdef";
    let put = |value: &'static str| {
        let put = client.put_secret_value().secret_id("a").client_request_token(token);
        put.secret_string(value).send()
    };
    put("x").await.unwrap();
    put("x").await.unwrap();
    assert_eq!(put("y").await.unwrap_err().code(), Some("ResourceExistsException"));
    let listed = client.list_secrets().send().await.unwrap();
    assert_eq!(listed.secret_list()[0].name(), Some("a"));
}

#[tokio::test]
async fn a_reopened_folder_has_every_version() {
    let folder = Folder::new("secrets");
    let open = || {
        let clock = VirtualClock::starting_at(NOON_MS);
        Cloud::open(Storage::Folder(folder.0.clone()), clock).unwrap()
    };
    let cloud = open();
    cloud.secrets().ensure("a", "1").unwrap();
    drop(cloud);
    let cloud = open();
    let client = testing::secretsmanager(&cloud);
    let got = client.get_secret_value().secret_id("a").send().await.unwrap();
    assert_eq!(got.secret_string(), Some("1"));
}
