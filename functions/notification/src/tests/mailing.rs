//! From a row to the mail system: at least once, masked by one `Message-ID`, and every row ends.

use std::time::Duration;

use local::fault::Fault;
use local::harness::FAULTS;
use runtime::mail::MailError;

use super::world::{ADDRESS, World};
use crate::domain::hand_off::TRIES;

/// The mail row of Ada's notification.
async fn mail_row(world: &World) -> String {
    world.story().await.0.remove(1)
}

#[tokio::test(start_paused = true)]
async fn a_transient_refusal_is_tried_again_after_its_pause() {
    let world = World::new().await;
    world.mailbox().refuse_next(MailError::Transient);
    world.registered().await;
    assert_eq!(
        (mail_row(&world).await.as_str(), world.mails().len()),
        ("mail pending - waiting", 0)
    );
    world.pass(Duration::from_secs(13)).await;
    assert_eq!(mail_row(&world).await, "mail sent accepted");
    assert_eq!((world.mails().len(), world.waiting_rows().await), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn refusals_for_good_end_the_row_at_once() {
    let table = [
        (MailError::Address, "mail failed failed:address"),
        (MailError::Content, "mail failed failed:content"),
    ];
    for (error, expected) in table {
        let world = World::new().await;
        world.mailbox().refuse_next(error);
        world.registered().await;
        let (rows, events) = world.story().await;
        assert_eq!(rows, ["database sent accepted", expected]);
        assert!(events.iter().any(|event| event == "notification.failed"), "{events:?}");
        world.minutes_pass(3).await;
        assert_eq!((world.mails().len(), world.waiting_rows().await), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn every_row_has_an_end_however_often_it_fails() {
    let table = [
        (MailError::Transient, "mail failed failed:exhausted"),
        (MailError::Auth, "mail failed failed:auth"),
        (MailError::Unknown, "mail failed failed:unknown"),
    ];
    for (error, expected) in table {
        let world = World::new().await;
        (0..TRIES).for_each(|_| world.mailbox().refuse_next(error));
        world.registered().await;
        world.minutes_pass(50).await;
        assert_eq!(mail_row(&world).await, expected);
        world.minutes_pass(10).await;
        assert_eq!((world.mails().len(), world.waiting_rows().await), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_waited_for_and_is_no_attempt() {
    let world = World::new().await;
    for _ in 0..=TRIES {
        world.mailbox().refuse_next(MailError::Limited { retry_after_s: 50 });
    }
    world.registered().await;
    assert_eq!(mail_row(&world).await, "mail pending - waiting");
    world.minutes_pass(TRIES + 2).await;
    assert_eq!((mail_row(&world).await.as_str(), world.mails().len()), ("mail sent accepted", 1));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_gone_by_then_gets_no_mail() {
    let world = World::new().await;
    world.mappings().enable("notification.dispatch_mail", false);
    world.registered().await;
    world.has_no_account();
    world.mappings().enable("notification.dispatch_mail", true);
    world.settle().await;
    assert_eq!(mail_row(&world).await, "mail sent skipped:no_address");
    assert_eq!(world.mails().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn mail_goes_to_the_address_of_the_moment_it_is_sent() {
    let world = World::new().await;
    world.mappings().enable("notification.dispatch_mail", false);
    world.has_account(1, "old@example.com", false);
    world.registered().await;
    world.has_account(2, ADDRESS, true);
    world.mappings().enable("notification.dispatch_mail", true);
    world.settle().await;
    assert_eq!(world.mails().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_sweeper_brings_what_no_message_did() {
    let world = World::new().await;
    for dispatcher in ["notification.dispatch_mail", "notification.dispatch_inbox"] {
        world.mappings().enable(dispatcher, false);
    }
    world.registered().await;
    world.minutes_pass(1).await;
    assert_eq!(world.waiting_rows().await, 2, "the queues come first");
    world.minutes_pass(2).await;
    assert_eq!(world.story().await.0, ["database sent accepted", "mail sent accepted"]);
    // The messages are late, and find everything done.
    for dispatcher in ["notification.dispatch_mail", "notification.dispatch_inbox"] {
        world.mappings().enable(dispatcher, true);
    }
    world.settle().await;
    assert_eq!((world.mails().len(), world.waiting_rows().await), (1, 0));
    assert_eq!(world.cloud().violations(), []);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_cannot_be_checked_is_given_back() {
    let world = World::new().await;
    // Calls of the dispatcher: inbox claim, row, claim, account.
    world.breaks("notification.dispatch_mail", 4, Fault::ErrorBefore);
    world.registered().await;
    assert_eq!(mail_row(&world).await, "mail pending - waiting");
    world.pass(Duration::from_secs(13)).await;
    assert_eq!((mail_row(&world).await.as_str(), world.mails().len()), ("mail sent accepted", 1));
}

#[tokio::test(start_paused = true)]
async fn whatever_breaks_at_most_one_copy_more_is_sent_with_the_same_id() {
    let mut doubled = 0;
    for fault in FAULTS {
        for n in 1..=8 {
            let world = World::new().await;
            world.breaks("notification.dispatch_mail", n, fault);
            world.registered().await;
            world.dust_settles().await;
            let told = format!("{fault:?} at call {n}");
            let (rows, events) = world.story().await;
            assert_eq!(rows, ["database sent accepted", "mail sent accepted"], "{told}");
            assert_eq!(events.len(), 4, "{told}");
            let mails = world.mails();
            assert!((1..=2).contains(&mails.len()), "{} mails, {told}", mails.len());
            assert!(mails.iter().all(|mail| mail.message_id == mails[0].message_id), "{told}");
            doubled += mails.len() - 1;
        }
    }
    assert!(doubled > 0, "a kill after the hand-over was among the faults");
}
