use http::Request;

use super::*;
use crate::testing::{self, Folder};
use crate::{Storage, clock::VirtualClock};

fn message(to: &str, subject: &str) -> Message {
    Message {
        message_id: "<m-1@talaria.invalid>".to_owned(),
        to: to.to_owned(),
        subject: subject.to_owned(),
        text: "Hello <b>".to_owned(),
        html: "<p>Hello</p>".to_owned(),
    }
}

fn ask(mailbox: &Mailbox, method: &str, path: &str, accept: &str) -> (u16, String) {
    let request = Request::builder().method(method).uri(path).header("accept", accept);
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let response = answer(mailbox, &parts);
    let body = String::from_utf8(response.body().to_vec()).unwrap();
    (response.status().as_u16(), body)
}

#[tokio::test(start_paused = true)]
async fn mails_are_kept_newest_first_over_a_restart() {
    let folder = Folder::new("mailbox");
    let open = || {
        let clock = VirtualClock::starting_at(testing::NOON_MS);
        Cloud::open(Storage::Folder(folder.0.clone()), clock).unwrap()
    };
    let cloud = open();
    let mailbox = Mailbox::open(&cloud, "Talaria <t@example>").unwrap();
    for subject in ["one", "two"] {
        mailbox.send(message("A@example", subject)).await.unwrap();
    }
    drop((mailbox, cloud));
    let mailbox = Mailbox::open(&open(), "").unwrap();
    mailbox.send(message("b@example", "three")).await.unwrap();
    let subjects: Vec<_> = mailbox.mails().into_iter().map(|mail| mail.subject).collect();
    assert_eq!(subjects, ["three", "two", "one"]);
    let to_a = mailbox.to("a@EXAMPLE");
    assert_eq!((to_a.len(), to_a[0].from.as_str()), (2, "Talaria <t@example>"));
    assert_eq!(to_a[0].received_at_ms, testing::NOON_MS);
}

#[tokio::test]
async fn a_scripted_refusal_is_met_once() {
    let mailbox = Mailbox::open(&testing::cloud(), "").unwrap();
    mailbox.refuse_next(MailError::Address);
    assert_eq!(mailbox.send(message("a@example", "one")).await, Err(MailError::Address));
    assert_eq!(mailbox.send(message("a@example", "one")).await, Ok(()));
    assert_eq!(mailbox.mails().len(), 1);
}

#[tokio::test]
async fn only_the_newest_mails_are_kept() {
    let mailbox = Mailbox::open(&testing::cloud(), "").unwrap();
    for _ in 0..KEPT_MAX + 2 {
        mailbox.send(message("a@example", "one")).await.unwrap();
    }
    let mails = mailbox.mails();
    assert_eq!(mails.len(), KEPT_MAX);
    assert_eq!(mails.last().map(|mail| mail.id.as_str()), Some("000000000003"));
}

#[tokio::test]
async fn the_mailbox_shows_as_page_and_as_json_and_lets_no_mail_run() {
    let mailbox = Mailbox::open(&testing::cloud(), "").unwrap();
    mailbox.send(message("a@example", "<script>alert(1)</script>")).await.unwrap();
    let (status, list) = ask(&mailbox, "GET", "/_local/mailbox", "text/html");
    assert_eq!(status, 200);
    assert!(list.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !list.contains("<script>"));
    let (_, one) = ask(&mailbox, "GET", "/_local/mailbox/000000000001", "text/html");
    assert!(one.contains("Hello &lt;b&gt;") && one.contains("iframe sandbox srcdoc=\"&lt;p&gt;"));
    for (path, accept) in [("/_local/mailbox.json", "*/*"), ("/_local/mailbox", "application/json")]
    {
        let (_, json) = ask(&mailbox, "GET", path, accept);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["data"][0]["to"][0], "a@example");
    }
    let (_, one) = ask(&mailbox, "GET", "/_local/mailbox/000000000001.json", "*/*");
    assert!(one.contains("\"text\":\"Hello <b>\""));
    assert_eq!(ask(&mailbox, "GET", "/_local/mailbox/9", "*/*").0, 404);
    assert_eq!(ask(&mailbox, "POST", "/_local/mailbox", "*/*").0, 405);
    assert_eq!(ask(&mailbox, "DELETE", "/_local/mailbox", "*/*").0, 204);
    assert_eq!(mailbox.mails(), []);
}
