//! The conformance suite of mail adapters, against a scripted server on this machine.

use std::net::SocketAddr;

use kernel::Timestamp;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;

const NOON: Timestamp = Timestamp::from_ms(1_906_545_600_000);

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        NOON
    }
}

/// What the server does at one step.
#[derive(Clone, Copy)]
enum Act {
    Say(&'static str),
    /// Ends the connection.
    Hang,
    /// Says nothing more until the client leaves.
    Silent,
}

/// One session: what the server does at each step.
#[derive(Clone, Copy)]
struct Script {
    greeting: Act,
    hello: Act,
    login: Act,
    sender: Act,
    recipient: Act,
    data: Act,
    body: Act,
}

const WELL: Script = Script {
    greeting: Act::Say("220 fake"),
    hello: Act::Say("250-fake\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME"),
    login: Act::Say("235 welcome"),
    sender: Act::Say("250 ok"),
    recipient: Act::Say("250 ok"),
    data: Act::Say("354 go on"),
    body: Act::Say("250 taken"),
};

/// Serves one session and answers everything the client sent, line by line.
async fn serve(script: Script) -> (SocketAddr, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let session = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        converse(script, BufReader::new(stream)).await
    });
    (address, session)
}

async fn converse(script: Script, mut stream: BufReader<TcpStream>) -> Vec<String> {
    let mut heard = Vec::new();
    let mut next = script.greeting;
    loop {
        match next {
            Act::Say(line) => {
                if stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).await.is_err() {
                    return heard;
                }
            }
            Act::Hang => return heard,
            Act::Silent => {
                let _ = stream.read_to_end(&mut Vec::new()).await;
                return heard;
            }
        }
        let Some(line) = read_line(&mut stream).await else { return heard };
        next = match line.get(..4).unwrap_or_default() {
            "EHLO" => script.hello,
            "AUTH" => script.login,
            "MAIL" => script.sender,
            "RCPT" => script.recipient,
            "DATA" => script.data,
            "QUIT" => Act::Say("221 bye"),
            _ => Act::Say("500 what?"),
        };
        let takes_body = line == "DATA" && matches!(next, Act::Say(text) if text.starts_with('3'));
        heard.push(line);
        if takes_body {
            stream.get_mut().write_all(b"354 go on\r\n").await.unwrap();
            while let Some(line) = read_line(&mut stream).await {
                if line == "." {
                    break;
                }
                heard.push(line);
            }
            next = script.body;
        }
    }
}

async fn read_line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    match stream.read_line(&mut line).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line.trim_end_matches(['\r', '\n']).to_owned()),
    }
}

fn message() -> Message {
    Message {
        message_id: "nob_01arz3ndektsv4rrffq69g5fav".to_owned(),
        to: "ada@example.com".to_owned(),
        subject: "Grüße".to_owned(),
        text: "Hello Ada\n.\nGoodbye".to_owned(),
        html: "<p>Hello Ada — welcome</p>".to_owned(),
    }
}

fn adapter(address: SocketAddr, url: &str) -> Smtp {
    let mut server = Server::parse(&url.replace("{}", &address.to_string())).unwrap();
    server.port = address.port();
    let from = "Talaria <no-reply@talaria.example>".parse().unwrap();
    Smtp { server, from, clock: Arc::new(Stopped), patience: Patience::default() }
}

/// Sends one message to a server of this script: the result and what the server heard.
async fn exchange(script: Script) -> (Result<(), MailError>, Vec<String>) {
    let (address, session) = serve(script).await;
    let result = adapter(address, "smtp://{}").send(message()).await;
    (result, session.await.unwrap())
}

#[tokio::test]
async fn a_message_is_taken_with_all_its_headers() {
    let (result, heard) = exchange(WELL).await;
    assert_eq!(result, Ok(()));
    for line in [
        "EHLO talaria.example",
        "MAIL FROM:<no-reply@talaria.example>",
        "RCPT TO:<ada@example.com>",
        "From: Talaria <no-reply@talaria.example>",
        "To: ada@example.com",
        "Subject: =?utf-8?b?R3LDvMOfZQ==?=",
        "Message-ID: <nob_01arz3ndektsv4rrffq69g5fav@talaria.example>",
        "Date: Sat, 01 Jun 2030 12:00:00 +0000",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        // A lone dot is doubled (RFC 5321 section 4.5.2).
        "..",
        "QUIT",
    ] {
        assert!(heard.iter().any(|one| one == line), "{line} is missing in {heard:#?}");
    }
    let at = |part: &str| heard.iter().position(|line| line.starts_with(part)).unwrap();
    assert!(at("Content-Type: multipart/alternative") < at("Content-Type: text/plain"));
    assert!(at("Content-Type: text/plain; charset=utf-8") < at("Content-Type: text/html"));
    assert!(heard.iter().all(|line| line.is_ascii() && line.len() <= 998));
}

#[tokio::test]
async fn every_refusal_and_every_silence_has_its_meaning() {
    use Act::{Hang, Say};
    let table = [
        (Script { greeting: Say("421 busy"), ..WELL }, MailError::Transient),
        (Script { greeting: Say("554 no service"), ..WELL }, MailError::Transient),
        (Script { greeting: Hang, ..WELL }, MailError::Transient),
        (Script { hello: Hang, ..WELL }, MailError::Transient),
        (Script { sender: Say("451 later"), ..WELL }, MailError::Transient),
        (Script { sender: Say("530 sign in first"), ..WELL }, MailError::Auth),
        (Script { sender: Say("550 not you"), ..WELL }, MailError::Auth),
        (Script { recipient: Say("450 mailbox busy"), ..WELL }, MailError::Transient),
        (Script { recipient: Say("550 no such user"), ..WELL }, MailError::Address),
        (Script { recipient: Say("551 moved"), ..WELL }, MailError::Address),
        (Script { recipient: Say("553 bad name"), ..WELL }, MailError::Address),
        (Script { recipient: Say("556 takes no mail"), ..WELL }, MailError::Address),
        (Script { recipient: Say("552 full"), ..WELL }, MailError::Content),
        (Script { data: Say("554 no"), ..WELL }, MailError::Content),
        (Script { data: Hang, ..WELL }, MailError::Transient),
        (Script { body: Say("451 later"), ..WELL }, MailError::Transient),
        (Script { body: Say("552 too large"), ..WELL }, MailError::Content),
        (Script { body: Say("554 looks like spam"), ..WELL }, MailError::Content),
        (Script { body: Say("550 no such user"), ..WELL }, MailError::Address),
        (Script { body: Hang, ..WELL }, MailError::Unknown),
        (Script { body: Say("nonsense"), ..WELL }, MailError::Unknown),
    ];
    for (at, (script, expected)) in table.into_iter().enumerate() {
        assert_eq!(exchange(script).await.0, Err(expected), "row {at}");
    }
}

#[tokio::test]
async fn silence_is_transient_before_the_body_and_unknown_after() {
    let table = [
        (Script { greeting: Act::Silent, ..WELL }, MailError::Transient),
        (Script { recipient: Act::Silent, ..WELL }, MailError::Transient),
        (Script { body: Act::Silent, ..WELL }, MailError::Unknown),
    ];
    for (script, expected) in table {
        let (address, session) = serve(script).await;
        let mut smtp = adapter(address, "smtp://{}");
        smtp.patience.opening = match expected {
            MailError::Transient => Duration::from_millis(20),
            _ => smtp.patience.opening,
        };
        smtp.patience.answer = Duration::from_millis(20);
        assert_eq!(smtp.send(message()).await, Err(expected));
        session.await.unwrap();
    }
}

#[tokio::test]
async fn a_refused_connection_is_transient() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let result = adapter(address, "smtp://{}").send(message()).await;
    assert_eq!(result, Err(MailError::Transient));
}

#[tokio::test]
async fn a_failed_attempt_is_followed_by_the_same_message() {
    let (failed, first) = exchange(Script { body: Act::Say("451 later"), ..WELL }).await;
    let (taken, second) = exchange(WELL).await;
    assert_eq!((failed, taken), (Err(MailError::Transient), Ok(())));
    let body = |heard: &[String]| {
        let from = heard.iter().position(|line| line == "DATA").unwrap();
        heard[from..].iter().filter(|line| *line != "QUIT").cloned().collect::<Vec<_>>()
    };
    assert_eq!(body(&first), body(&second));
}

#[tokio::test]
async fn a_refused_password_is_our_own_fault() {
    let no_way = Script { hello: Act::Say("250 no sign-in here"), ..WELL };
    let cases = [
        (WELL, Ok(()), true),
        (Script { login: Act::Say("535 wrong"), ..WELL }, Err(MailError::Auth), true),
        (Script { login: Act::Say("454 later"), ..WELL }, Err(MailError::Transient), true),
        (no_way, Err(MailError::Auth), false),
    ];
    for (script, expected, tried) in cases {
        let (address, session) = serve(script).await;
        assert_eq!(adapter(address, "smtp://ada:p%40ss@{}").send(message()).await, expected);
        let heard = session.await.unwrap();
        let plain = "AUTH PLAIN AGFkYQBwQHNz";
        assert_eq!(heard.iter().any(|line| line == plain), tried, "{heard:?}");
    }
}

#[tokio::test]
async fn nothing_is_said_to_a_server_without_starttls() {
    let (address, session) = serve(WELL).await;
    let mut smtp = adapter(address, "smtp://{}");
    smtp.server.security = Security::StartTls(TlsParameters::new("127.0.0.1".to_owned()).unwrap());
    assert_eq!(smtp.send(message()).await, Err(MailError::Transient));
    assert_eq!(session.await.unwrap(), ["EHLO talaria.example"]);
}

#[test]
fn what_cannot_be_written_is_refused_before_any_connection() {
    let with = |change: &dyn Fn(&mut Message)| {
        let mut message = message();
        change(&mut message);
        message
    };
    let large = "x".repeat(compose::MESSAGE_LIMIT_BYTES);
    let table = [
        (with(&|m| m.subject.push_str("\r\nBcc: eve@example.com")), MailError::Content),
        (with(&|m| m.subject.push('\n')), MailError::Content),
        (with(&|m| m.message_id.push('\r')), MailError::Content),
        (with(&|m| m.text = large.clone()), MailError::Content),
        (with(&|m| m.to.push_str("\r\nRCPT TO:<eve@example.com>")), MailError::Address),
        (with(&|m| m.to = "nobody".to_owned()), MailError::Address),
        (with(&|m| m.to = "gruß@example.com".to_owned()), MailError::Address),
    ];
    let from: Mailbox = "no-reply@talaria.example".parse().unwrap();
    for (message, expected) in table {
        assert_eq!(compose(&message, &from, NOON).err(), Some(expected), "{}", message.to);
    }
}

#[test]
fn the_url_decides_about_encryption() {
    let table = [
        ("smtp://127.0.0.1:2525", Some(("plain", "127.0.0.1", 2525))),
        ("smtp://[::1]:2525", Some(("plain", "::1", 2525))),
        ("smtp://localhost", Some(("plain", "localhost", 587))),
        ("smtp://mail.example.com", Some(("starttls", "mail.example.com", 587))),
        ("smtp://10.0.0.7:25", Some(("starttls", "10.0.0.7", 25))),
        ("smtps://u:p@mail.example.com", Some(("tls", "mail.example.com", 465))),
        ("smtps://mail.example.com:2465/", Some(("tls", "mail.example.com", 2465))),
        ("", None),
        ("mail.example.com", None),
        ("http://mail.example.com", None),
        ("smtp://mail.example.com/path", None),
        ("smtp://mail.example.com?tls=no", None),
        ("smtp://useronly@mail.example.com", None),
    ];
    for (url, expected) in table {
        let server = Server::parse(url).ok();
        let found = server.as_ref().map(|server| {
            let security = match server.security {
                Security::Implicit(_) => "tls",
                Security::StartTls(_) => "starttls",
                Security::Plain => "plain",
            };
            (security, server.host.as_str(), server.port)
        });
        assert_eq!(found, expected, "{url}");
    }
}

#[test]
fn a_faulty_setting_is_named_without_its_password() {
    let refused = |url: &str, from: &str| {
        let set = [("TALARIA_ISSUER", "http://x"), (URL_SETTING, url), (FROM_SETTING, from)];
        let set = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
        connect(&Config::read(&set.into()).unwrap()).err().map(|fault| fault.to_string())
    };
    assert_eq!(refused("smtp://127.0.0.1:25", "Ada <ada@example.com>"), None);
    let texts = [
        refused("", "ada@example.com"),
        refused("smtp://u:hunter2@", "ada@example.com"),
        refused("smtps://u:hunter2@host", "not an address"),
    ];
    for (text, setting) in texts.into_iter().zip([URL_SETTING, URL_SETTING, FROM_SETTING]) {
        let text = text.unwrap();
        assert!(text.contains(setting) && !text.contains("hunter2"), "{text}");
    }
}
