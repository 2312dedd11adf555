//! The SMTP adapter of the mail port (RFC 5321): one connection per message, encrypted except to
//! this machine, and every failure sorted by what it means for the message.

mod compose;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use percent_encoding::percent_decode_str;
use tokio::time::timeout;

use super::{MailError, Mailer, Message};
use crate::ports::clock::{Clock, WallClock};
use crate::ports::config::{Config, ConfigError};
use compose::{Letter, compose};

const URL_SETTING: &str = "TALARIA_MAIL_URL";
const FROM_SETTING: &str = "TALARIA_MAIL_FROM";
/// Message submission (RFC 6409), upgraded by STARTTLS.
const SUBMISSION_PORT: u16 = 587;
/// Message submission over implicit TLS (RFC 8314 section 3.3).
const SUBMISSIONS_PORT: u16 = 465;
/// How long a server may take to say goodbye; the message is its own by then.
const GOODBYE: Duration = Duration::from_secs(1);

/// Connects the adapter to the server of `TALARIA_MAIL_URL`, sending as `TALARIA_MAIL_FROM`. Opens
/// no connection yet.
///
/// `smtps://[user:password@]host[:465]` is encrypted from the start;
/// `smtp://[user:password@]host[:587]` must offer STARTTLS before anything is said. Only `smtp://`
/// to a loopback address is plain.
///
/// # Errors
/// A setting is missing or malformed. The text never holds the URL, which may hold a password.
pub fn connect(config: &Config) -> Result<Arc<dyn Mailer>, ConfigError> {
    if config.mail_url.expose().is_empty() {
        return Err(ConfigError::Missing(URL_SETTING));
    }
    let server = Server::parse(config.mail_url.expose())
        .map_err(|reason| ConfigError::Invalid { name: URL_SETTING, reason: reason.to_owned() })?;
    let from: Mailbox = config.mail_from.parse().map_err(|_| ConfigError::Invalid {
        name: FROM_SETTING,
        reason: "write it as `Name <address>` or as an address".to_owned(),
    })?;
    let (clock, patience) = (Arc::new(WallClock), Patience::default());
    Ok(Arc::new(Smtp { server, from, clock, patience }))
}

/// The adapter.
struct Smtp {
    server: Server,
    from: Mailbox,
    clock: Arc<dyn Clock>,
    patience: Patience,
}

/// How long the server may take. RFC 5321 section 4.5.3.2 asks for minutes; a function has seconds,
/// and what it cannot wait for is reported as an unknown outcome.
#[derive(Clone, Copy)]
struct Patience {
    /// From connecting until it takes the body.
    opening: Duration,
    /// From the first byte of the body until its answer.
    answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { opening: Duration::from_secs(10), answer: Duration::from_secs(10) }
    }
}

impl Mailer for Smtp {
    fn name(&self) -> &'static str {
        "smtp"
    }

    fn send(&self, message: Message) -> BoxFuture<'_, Result<(), MailError>> {
        Box::pin(async move {
            let letter = compose(&message, &self.from, self.clock.now())?;
            self.deliver(&letter).await
        })
    }
}

impl Smtp {
    async fn deliver(&self, letter: &Letter) -> Result<(), MailError> {
        let opened = timeout(self.patience.opening, self.open(letter)).await;
        let mut session = opened.map_err(|_| MailError::Transient)??;
        // From here on the body leaves: without an answer, nobody knows what became of it.
        match timeout(self.patience.answer, session.message(&letter.bytes)).await {
            Ok(Ok(_)) => {
                let _ = timeout(GOODBYE, session.quit()).await;
                Ok(())
            }
            Ok(Err(fault)) => Err(meaning(Stage::Body, &fault).unwrap_or(MailError::Unknown)),
            Err(_) => Err(MailError::Unknown),
        }
    }

    /// Everything up to the server's readiness for the body.
    async fn open(&self, letter: &Letter) -> Result<AsyncSmtpConnection, MailError> {
        let mut session = self.greet().await.map_err(|_| MailError::Transient)?;
        if let Some(credentials) = &self.server.credentials {
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            let login = session.auth(&mechanisms, credentials).await;
            login.map_err(|fault| {
                // A server that offers no way to sign in refuses our credential as well.
                let refused =
                    if fault.is_client() { MailError::Auth } else { MailError::Transient };
                meaning(Stage::SignIn, &fault).unwrap_or(refused)
            })?;
        }
        let mail = Mail::new(Some(letter.from.clone()), Vec::new());
        let recipient = Rcpt::new(letter.to.clone(), Vec::new());
        for (stage, said) in [
            (Stage::Sender, session.command(mail).await),
            (Stage::Recipient, session.command(recipient).await),
            (Stage::Data, session.command(Data).await),
        ] {
            said.map_err(|fault| meaning(stage, &fault).unwrap_or(MailError::Transient))?;
        }
        Ok(session)
    }

    /// Connects, encrypted where it must be. Nothing is said about the message before that.
    async fn greet(&self) -> Result<AsyncSmtpConnection, lettre::transport::smtp::Error> {
        let Server { host, port, security, .. } = &self.server;
        let hello = ClientId::Domain(self.from.email.domain().to_owned());
        let address = (host.as_str(), *port);
        let implicit = match security {
            Security::Implicit(tls) => Some(tls.clone()),
            Security::StartTls(_) | Security::Plain => None,
        };
        let mut session =
            AsyncSmtpConnection::connect_tokio1(address, None, &hello, implicit, None).await?;
        if let Security::StartTls(tls) = security {
            session.starttls(tls.clone(), &hello).await?;
        }
        Ok(session)
    }
}

/// Where a session was when the server refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    SignIn,
    Sender,
    Recipient,
    Data,
    Body,
}

/// What a reply means for the message; `None` where the failure was no reply.
fn meaning(stage: Stage, fault: &lettre::transport::smtp::Error) -> Option<MailError> {
    fault.status().map(|code| refusal(stage, u16::from(code)))
}

/// Sorts a negative reply (RFC 5321 section 4.2.3, RFC 4954 section 6, RFC 7504). A refused sender
/// is our own fault and never the recipient's.
fn refusal(stage: Stage, code: u16) -> MailError {
    match (stage, code) {
        (_, 400..=499) => MailError::Transient,
        (Stage::SignIn, _) | (_, 530 | 534 | 535 | 538) => MailError::Auth,
        (_, 552 | 554) => MailError::Content,
        (Stage::Sender, 550 | 551 | 553) => MailError::Auth,
        (_, 550 | 551 | 553) | (Stage::Recipient, 501 | 521 | 556) => MailError::Address,
        _ => MailError::Content,
    }
}

/// Where mail goes, and how the way there is protected.
struct Server {
    host: String,
    port: u16,
    security: Security,
    credentials: Option<Credentials>,
}

enum Security {
    /// TLS from the first byte.
    Implicit(TlsParameters),
    /// TLS by STARTTLS, or nothing at all (RFC 3207).
    StartTls(TlsParameters),
    /// To this machine only.
    Plain,
}

impl Server {
    fn parse(url: &str) -> Result<Self, &'static str> {
        const FORM: &str = "write smtp://host:port or smtps://user:password@host:port";
        let uri: http::Uri = url.parse().map_err(|_| FORM)?;
        let authority = uri.authority().ok_or(FORM)?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(FORM);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(FORM);
        }
        let tls = || TlsParameters::new(host.clone()).map_err(|_| "the host has no usable name");
        let (security, usual_port) = match uri.scheme_str() {
            Some("smtps") => (Security::Implicit(tls()?), SUBMISSIONS_PORT),
            Some("smtp") if is_loopback(&host) => (Security::Plain, SUBMISSION_PORT),
            Some("smtp") => (Security::StartTls(tls()?), SUBMISSION_PORT),
            _ => return Err(FORM),
        };
        let credentials = match authority.as_str().rsplit_once('@') {
            Some((user_info, _)) => Some(credentials(user_info).ok_or(FORM)?),
            None => None,
        };
        Ok(Self { host, port: uri.port_u16().unwrap_or(usual_port), security, credentials })
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// `user:password`, percent-encoded (RFC 3986 section 3.2.1).
fn credentials(user_info: &str) -> Option<Credentials> {
    let (user, password) = user_info.split_once(':')?;
    let plain = |text| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
    Some(Credentials::new(plain(user)?, plain(password)?))
}
