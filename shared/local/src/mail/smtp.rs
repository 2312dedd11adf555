//! A small SMTP server on loopback that puts everything it is given into the mailbox (RFC 5321,
//! section 4.5.1: the minimum implementation), so that real programs can send their mail here.

use std::io;

use mail_parser::MessageParser;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{Mail, Mailbox};

/// Largest mail, in bytes.
const MAIL_LIMIT_BYTES: usize = 10 * 1024 * 1024;
/// Longest line, in bytes; RFC 5321 section 4.5.3.1.6 asks for 1,000.
const LINE_LIMIT_BYTES: u64 = 64 * 1024;
/// Most recipients of one mail (RFC 5321 section 4.5.3.1.8).
const RECIPIENTS_MAX: usize = 100;

/// Takes mail until `shutdown` resolves; connections are then closed.
pub async fn serve(
    mailbox: Mailbox,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut sessions = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        let (socket, _) = tokio::select! {
            () = &mut shutdown => return Ok(()),
            accepted = listener.accept() => accepted?,
        };
        while sessions.try_join_next().is_some() {}
        let (reader, writer) = socket.into_split();
        let mailbox = mailbox.clone();
        // A client that hangs up in the middle has sent no mail.
        sessions.spawn(async move { Session::new(mailbox, reader, writer).run().await });
    }
}

/// One conversation.
struct Session<R, W> {
    mailbox: Mailbox,
    reader: BufReader<R>,
    writer: W,
    from: Option<String>,
    to: Vec<String>,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Session<R, W> {
    fn new(mailbox: Mailbox, reader: R, writer: W) -> Self {
        Self { mailbox, reader: BufReader::new(reader), writer, from: None, to: Vec::new() }
    }

    async fn run(mut self) -> io::Result<()> {
        self.say("220 talaria.local ready").await?;
        while let Some(line) = self.line().await? {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => {
                    self.reset();
                    let size = format!("250-SIZE {MAIL_LIMIT_BYTES}");
                    for line in ["250-talaria.local", &size, "250-8BITMIME", "250 SMTPUTF8"] {
                        self.say(line).await?;
                    }
                }
                "HELO" => self.say("250 talaria.local").await?,
                "MAIL" => self.mail(rest).await?,
                "RCPT" => self.recipient(rest).await?,
                "DATA" => self.data().await?,
                "RSET" => {
                    self.reset();
                    self.say("250 forgotten").await?;
                }
                "NOOP" => self.say("250 well").await?,
                "VRFY" => self.say("252 send it and see").await?,
                "QUIT" => return self.say("221 goodbye").await,
                _ => self.say("500 unknown command").await?,
            }
        }
        Ok(())
    }

    async fn mail(&mut self, rest: &str) -> io::Result<()> {
        match path(rest, "FROM:") {
            None => self.say("501 write MAIL FROM:<address>").await,
            Some(_) if self.from.is_some() => self.say("503 one mail at a time").await,
            Some(from) => {
                self.from = Some(from);
                self.say("250 sender taken").await
            }
        }
    }

    async fn recipient(&mut self, rest: &str) -> io::Result<()> {
        match path(rest, "TO:") {
            _ if self.from.is_none() => self.say("503 MAIL first").await,
            Some(to) if !to.is_empty() && self.to.len() < RECIPIENTS_MAX => {
                self.to.push(to);
                self.say("250 recipient taken").await
            }
            Some(to) if !to.is_empty() => self.say("452 too many recipients").await,
            _ => self.say("501 write RCPT TO:<address>").await,
        }
    }

    async fn data(&mut self) -> io::Result<()> {
        if self.to.is_empty() {
            return self.say("503 RCPT first").await;
        }
        self.say("354 end with a line of one dot").await?;
        let mut body = Vec::new();
        let mut large = false;
        loop {
            let Some(line) = self.line().await? else { return Ok(()) };
            if matches!(line.as_slice(), b".\r\n" | b".\n") {
                break;
            }
            // The sender doubled a dot at the start of a line (RFC 5321 section 4.5.2).
            let line = line.strip_prefix(b".").unwrap_or(&line);
            large = large || body.len() + line.len() > MAIL_LIMIT_BYTES;
            if !large {
                body.extend_from_slice(line);
            }
        }
        let (from, to) = (self.from.take().unwrap_or_default(), std::mem::take(&mut self.to));
        if large {
            return self.say("552 larger than 10 MB").await;
        }
        match self.mailbox.take(read(&body, from, to)) {
            Ok(()) => self.say("250 taken").await,
            Err(_) => self.say("451 the mailbox cannot be written; try again").await,
        }
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }

    /// The next line with its end; `None` where the client hung up. A line over the limit ends it all.
    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        (&mut self.reader).take(LINE_LIMIT_BYTES).read_until(b'\n', &mut line).await?;
        match line.last() {
            Some(b'\n') => Ok(Some(line)),
            Some(_) if line.len() >= usize::try_from(LINE_LIMIT_BYTES).unwrap_or(usize::MAX) => {
                self.say("500 line too long").await?;
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    async fn say(&mut self, line: &str) -> io::Result<()> {
        self.writer.write_all(format!("{line}\r\n").as_bytes()).await
    }
}

/// The address of `FROM:<address> …`; letter case of the word counts not.
fn path(rest: &str, word: &str) -> Option<String> {
    let (start, address) = rest.split_at_checked(word.len())?;
    if !start.eq_ignore_ascii_case(word) {
        return None;
    }
    let address = address.trim_start().strip_prefix('<')?;
    Some(address.split_once('>')?.0.to_owned())
}

/// What the mailbox shows of a mail as it came over the wire; unreadable ones show as they are.
fn read(bytes: &[u8], from: String, to: Vec<String>) -> Mail {
    let mut mail = Mail {
        id: String::new(),
        received_at_ms: 0,
        message_id: String::new(),
        from,
        to,
        subject: String::new(),
        text: String::from_utf8_lossy(bytes).into_owned(),
        html: String::new(),
    };
    let Some(parsed) = MessageParser::default().parse(bytes) else { return mail };
    mail.message_id = parsed.message_id().map(|id| format!("<{id}>")).unwrap_or_default();
    mail.subject = parsed.subject().unwrap_or_default().to_owned();
    mail.text = parsed.body_text(0).unwrap_or_default().into_owned();
    let html = parsed.html_bodies().find(|part| part.is_text_html());
    mail.html = html.and_then(|part| part.text_contents()).unwrap_or_default().to_owned();
    mail
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    /// What the server says to these lines, by status, and the mailbox afterwards.
    async fn talk(lines: &[&str]) -> (Vec<String>, Mailbox) {
        let mailbox = Mailbox::open(&testing::cloud(), "").unwrap();
        let said = lines.iter().map(|line| format!("{line}\r\n")).collect::<String>();
        let mut heard = Vec::new();
        Session::new(mailbox.clone(), said.as_bytes(), &mut heard).run().await.unwrap();
        let heard = String::from_utf8(heard).unwrap();
        let codes = heard.lines().map(|line| line.chars().take(3).collect()).collect();
        (codes, mailbox)
    }

    const MAIL: [&str; 19] = [
        "EHLO me",
        "MAIL FROM:<talaria@example> SIZE=10",
        "RCPT TO:<a@example>",
        "rcpt to: <b@example>",
        "DATA",
        "Message-ID: <1@example>",
        "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=",
        "Content-Type: multipart/alternative; boundary=b",
        "",
        "--b",
        "Content-Type: text/plain; charset=utf-8",
        "",
        "..hidden dot",
        "--b",
        "Content-Type: text/html",
        "",
        "<p>Hello</p>",
        "--b--",
        ".",
    ];

    #[tokio::test]
    async fn a_mail_lands_in_the_mailbox_readable() {
        let mut lines = MAIL.to_vec();
        lines.push("QUIT");
        let (codes, mailbox) = talk(&lines).await;
        let expected =
            ["220", "250", "250", "250", "250", "250", "250", "250", "354", "250", "221"];
        assert_eq!(codes, expected);
        let mail = mailbox.mails().remove(0);
        assert_eq!(
            (mail.from.as_str(), mail.to),
            ("talaria@example", vec!["a@example".to_owned(), "b@example".to_owned(),])
        );
        assert_eq!((mail.subject.as_str(), mail.message_id.as_str()), ("Grüße", "<1@example>"));
        assert_eq!((mail.text.trim(), mail.html.trim()), (".hidden dot", "<p>Hello</p>"));
    }

    #[tokio::test]
    async fn a_mail_of_text_alone_has_no_html() {
        let mail = read(b"Subject: s\r\n\r\nHello\r\n", String::new(), Vec::new());
        assert_eq!((mail.text.trim(), mail.html.as_str()), ("Hello", ""));
    }

    #[tokio::test]
    async fn commands_out_of_order_are_refused() {
        // (line, code)
        let rows = [
            ("RCPT TO:<a@example>", "503"),
            ("DATA", "503"),
            ("MAIL FROM:a@example", "501"),
            ("MAIL TO:<a@example>", "501"),
            ("MAIL FROM:<a@example>", "250"),
            ("MAIL FROM:<a@example>", "503"),
            ("RCPT TO:<>", "501"),
            ("RSET", "250"),
            ("RCPT TO:<a@example>", "503"),
            ("NOOP", "250"),
            ("EXPN list", "500"),
        ];
        let lines: Vec<_> = rows.iter().map(|(line, _)| *line).collect();
        let (codes, mailbox) = talk(&lines).await;
        let expected: Vec<_> = rows.iter().map(|(_, code)| *code).collect();
        assert_eq!(codes[1..], expected);
        assert_eq!(mailbox.mails(), []);
    }

    #[tokio::test]
    async fn a_mail_that_is_too_large_or_cut_off_is_not_taken() {
        let line = "a".repeat(60_000);
        let mut lines = vec!["MAIL FROM:<a@example>", "RCPT TO:<a@example>", "DATA"];
        lines.extend(std::iter::repeat_n(line.as_str(), 180));
        let (codes, mailbox) = talk(&lines).await;
        assert_eq!((codes.last().map(String::as_str), mailbox.mails().len()), (Some("354"), 0));
        lines.push(".");
        let (codes, mailbox) = talk(&lines).await;
        assert_eq!((codes.last().map(String::as_str), mailbox.mails().len()), (Some("552"), 0));
    }
}
