//! A person who has signed up is greeted, in the app and by mail, and tidies their inbox.

use serde_json::json;

use crate::talaria::Talaria;

const ADA: &str = "ada@example.com";

pub async fn journey(talaria: &Talaria) {
    let ada = talaria.sign_up(ADA).await;
    let mails = talaria.mailbox().to(ADA);
    assert!(mails.iter().any(|mail| mail.subject == "Welcome"), "a greeting was mailed");

    let inbox = talaria.get("/v1/inbox").by(&ada).send().await;
    assert_eq!(inbox.expect(200).text_at("/data/0/title"), "Welcome");
    let badge = talaria.get("/v1/inbox/head").by(&ada).send().await;
    assert_eq!(badge.expect(200).json["unread"], 1, "{}", badge.text);

    let seen = json!({ "seen_upto": 1 });
    let head = talaria.post("/v1/inbox/marks", seen).by(&ada).send().await;
    assert_eq!((&head.expect(200).json["unseen"], &head.json["unread"]), (&json!(0), &json!(1)));
    let read = talaria.patch("/v1/inbox/1", json!({ "read": true })).by(&ada).send().await;
    assert_eq!(read.expect(200).json["read"], true);
    let inbox = talaria.get("/v1/inbox?filter=unread").by(&ada).send().await;
    assert_eq!(inbox.expect(200).json["data"], json!([]));

    // The sweep of every minute finds nothing left to do.
    talaria.minutes_pass(1).await;
    assert_eq!(talaria.mailbox().to(ADA).len(), mails.len());
}
