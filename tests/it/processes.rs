//! The real artefacts over the Lambda Runtime API, and the local cloud's own word: what it has
//! acknowledged survives `kill -9`.

use serde_json::{Value, json};

use crate::laptop::{Folder, Laptop};
use crate::talaria::PASSWORD;

fn person(email: &str) -> String {
    json!({ "tenant": "demo", "email": email, "password": PASSWORD, "name": "Ada" }).to_string()
}

fn token(mails: &[String]) -> String {
    let mail = mails.iter().find(|mail| mail.contains("token=")).expect("a confirmation mail");
    let rest = mail.split("token=").nth(1).expect("a token");
    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect()
}

fn confirm_and_sign_in(laptop: &Laptop, email: &str) -> Value {
    let body = json!({ "token": token(&laptop.mails_to(email)) }).to_string();
    let (status, answer) =
        laptop.send("POST", "/v1/auth/email/verify", "", &body).expect("an answer");
    assert_eq!(status, 200, "{email}: {answer}");
    let body = json!({ "tenant": "demo", "email": email, "password": PASSWORD }).to_string();
    let (status, answer) = laptop.send("POST", "/v1/auth/login", "", &body).expect("an answer");
    assert_eq!(status, 200, "{email}: {answer}");
    serde_json::from_str(&answer).expect("JSON")
}

#[test]
fn killing_everything_during_registration_loses_nothing() {
    let folder = Folder::new("killed");
    let flags = ["--processes", "--data", folder.as_str()];
    let mut laptop = Laptop::start(&flags);
    for round in 0..4 {
        // Acknowledged, then killed: the mail must come.
        let acknowledged = format!("acknowledged-{round}@example.com");
        let sent = laptop.send("POST", "/v1/auth/register", &acknowledged, &person(&acknowledged));
        assert_eq!(sent.expect("an answer").0, 202);
        // Killed under way: the client asks again with its key.
        let interrupted = format!("interrupted-{round}@example.com");
        let under_way =
            laptop.write("POST", "/v1/auth/register", &interrupted, &person(&interrupted));
        laptop.kill();
        drop(under_way);

        laptop = Laptop::start(&flags);
        let again = laptop.send("POST", "/v1/auth/register", &interrupted, &person(&interrupted));
        assert_eq!(again.expect("an answer").0, 202);
        laptop.drain();
        for email in [&acknowledged, &interrupted] {
            let session = confirm_and_sign_in(&laptop, email);
            assert_eq!(session["status"], "authenticated");
        }
    }
}

#[test]
fn a_folder_in_use_a_port_in_use_and_an_old_folder_are_explained() {
    let folder = Folder::new("locked");
    let laptop = Laptop::start(&["--data", folder.as_str()]);
    let said = Laptop::refused(&["--data", folder.as_str(), "--port", "0"]);
    assert!(said.contains("is in use by another local cloud"), "{said}");

    let port = laptop.url().rsplit(':').next().expect("a port");
    let said = Laptop::refused(&["--memory", "--port", port]);
    assert!(said.contains(port) && said.contains("--port"), "{said}");

    let old = Folder::new("old");
    std::fs::write(old.path().join("VERSION"), "0\n").expect("written");
    let said = Laptop::refused(&["--data", old.as_str(), "--port", "0"]);
    assert!(said.contains("data layout 0"), "{said}");
}

#[test]
fn data_is_there_after_a_restart() {
    let folder = Folder::new("kept");
    let laptop = Laptop::start(&["--data", folder.as_str()]);
    let email = "ada@example.com";
    laptop.send("POST", "/v1/auth/register", "", &person(email)).expect("an answer");
    laptop.drain();
    drop(laptop);
    let laptop = Laptop::start(&["--data", folder.as_str()]);
    assert_eq!(confirm_and_sign_in(&laptop, email)["status"], "authenticated");
}
