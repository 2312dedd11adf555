//! From an event to rows: once, whatever is repeated, reordered or killed.

use kernel::EntityKind;
use local::harness::FAULTS;
use store::Query;

use super::world::{ADA, ADDRESS, NAME, World};
use crate::store::keys::{self, NOTIFICATION};

const DELIVERED: [&str; 2] = ["database sent accepted", "mail sent accepted"];

#[tokio::test(start_paused = true)]
async fn a_registered_person_is_welcomed_in_app_and_by_mail() {
    let world = World::new().await;
    world.registered().await;
    let (rows, events) = world.story().await;
    assert_eq!(rows, DELIVERED);
    let sent = ["notification.sent"; 2];
    assert_eq!(events, [&["notification.queued"; 2][..], &sent[..]].concat());
    let [mail] = &world.mails()[..] else { panic!("one mail") };
    assert_eq!((mail.subject.as_str(), mail.text.contains(NAME)), ("Welcome", true));
    assert!(mail.message_id.starts_with("nob_"));
    let inbox = world.events(EntityKind::Inbox, ADA).await;
    assert_eq!(
        (inbox, world.waiting_rows().await),
        (vec!["notification.inbox.changed".to_owned()], 0)
    );
    assert_eq!(world.cloud().violations(), []);
}

#[tokio::test(start_paused = true)]
async fn the_same_event_twice_is_planned_once() {
    let world = World::new().await;
    world.mappings().enable("notification.on_event", false);
    world.registered().await;
    let body = world.waiting("notification.on_event").remove(0).body;
    for _ in 0..2 {
        assert!(world.deliver("notification.on_event", &[&body, &body]).await);
    }
    world.mappings().enable("notification.on_event", true);
    world.settle().await;
    assert_eq!(
        (world.story().await.0, world.mails().len()),
        (DELIVERED.map(str::to_owned).into(), 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_plan_does_not_wait_for_the_contact() {
    let world = World::new().await;
    world.mappings().enable("notification.on_contact_changed", false);
    world.registered().await;
    assert_eq!(world.story().await.0, DELIVERED);
    let contacts =
        world.items(Query::table(NOTIFICATION, keys::of_user(&world.scope(), ADA))).await;
    assert_eq!(contacts.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_is_left_out_leaves_the_others_alone() {
    let world = World::new().await;
    world.has_account(1, "", false);
    world.registered().await;
    let (rows, events) = world.story().await;
    assert_eq!(rows, ["database sent accepted", "mail sent skipped:no_address"]);
    assert_eq!(events, ["notification.queued", "notification.skipped", "notification.sent"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_about_an_account_that_is_gone() {
    let world = World::new().await;
    world.has_no_account();
    world.registered().await;
    assert_eq!((world.notifications().await.len(), world.mails().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_older_account_never_replaces_what_is_known() {
    let world = World::new().await;
    let known = || async {
        let contact = world
            .items(Query::table(NOTIFICATION, keys::of_user(&world.scope(), ADA)))
            .await
            .remove(0);
        (contact.text("mail").unwrap().to_owned(), contact.number("account_version").unwrap())
    };
    world.registered().await;
    assert_eq!(known().await, ("unverified".to_owned(), 1));
    world.has_account(3, ADDRESS, true);
    world.verifies().await;
    world.settle().await;
    assert_eq!(known().await, ("verified".to_owned(), 3));
    world.has_account(2, ADDRESS, false);
    world.verifies().await;
    world.settle().await;
    assert_eq!(known().await, ("verified".to_owned(), 3));
    world.has_account(3, "", false);
    world.verifies().await;
    world.settle().await;
    assert_eq!(known().await, ("none".to_owned(), 3));
}

#[tokio::test(start_paused = true)]
async fn whatever_breaks_in_planning_one_plan_remains() {
    for fault in FAULTS {
        for n in 1..=5 {
            let world = World::new().await;
            world.breaks("notification.on_event", n, fault);
            world.registered().await;
            world.dust_settles().await;
            let (rows, events) = world.story().await;
            let told = format!("{fault:?} at call {n}");
            assert_eq!((rows, events.len()), (DELIVERED.map(str::to_owned).into(), 4), "{told}");
            assert_eq!(world.mails().len(), 1, "{told}");
        }
    }
}

/// Names and addresses stay with `auth`, the mail system and nobody else.
#[tokio::test(start_paused = true)]
async fn no_row_event_or_log_line_holds_a_name_or_an_address() {
    let world = World::new().await;
    world.mailbox().refuse_next(runtime::mail::MailError::Transient);
    world.registered().await;
    world.minutes_pass(2).await;
    assert_eq!(world.mails().len(), 1);
    let dump = world.dump();
    assert!(dump.naming("notification").count() > 5);
    let rows = dump.naming("").map(ToString::to_string);
    let texts = world.logs().into_iter().chain(rows);
    for text in texts {
        let telling = ["canary", "Canary", "Hello"].iter().any(|word| text.contains(word));
        assert!(!telling, "{text}");
    }
}
