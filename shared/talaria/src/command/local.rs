use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use local::platform::Addresses;
use local::{BootError, Options, Platform, Storage, mail, seed};
use runtime::clock::{Clock, WallClock};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use crate::console::{Failure, complain, say};
use crate::workspace::Workspace;

/// Run the whole platform on this computer: both APIs, storage, queues, mail.
#[derive(Args)]
pub struct Local {
    /// Keep everything in memory; nothing is left when it stops.
    #[arg(long, conflicts_with = "data")]
    memory: bool,
    /// The port of the APIs; AWS answers on the next one. 0 takes any.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The folder data is kept in; .talaria in the workspace unless stated.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Run each function in a process of its own: the programs beside this one.
    #[arg(long)]
    processes: bool,
    /// Let AWS calls and deliveries go wrong at random, the same for one seed.
    #[arg(long, value_name = "SEED")]
    chaos: Option<u64>,
    /// Say where everything is in one line of JSON.
    #[arg(long)]
    json: bool,
}

impl Local {
    /// Runs until it is interrupted or terminated. Refuses a port that is taken and a data folder that
    /// is in use or of another version.
    pub fn run(&self) -> Result<(), Failure> {
        let started = WallClock.now();
        // The engine is one lock: two workers cost a quarter more CPU per request (measured).
        let executor = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|fault| Failure::refused(fault.to_string()))?;
        executor.block_on(async {
            let stop = Stop::listen().map_err(|fault| Failure::refused(fault.to_string()))?;
            let platform = Platform::start(catalog::modules(), self.options()?).await;
            let platform =
                platform.map_err(|fault: BootError| Failure::refused(fault.to_string()))?;
            let ready_ms = WallClock.now().since(started).as_millis();
            if let Some(at) = platform.addresses() {
                self.announce(at, ready_ms);
            }
            stop.called().await;
            platform.stop().await;
            Ok(())
        })
    }

    fn options(&self) -> Result<Options, Failure> {
        let storage = match (&self.data, self.memory) {
            (_, true) => Storage::Memory,
            (Some(folder), false) => Storage::Folder(folder.clone()),
            (None, false) => Storage::Folder(Workspace::find().at(".talaria")),
        };
        let mut options = Options::on_port(storage, self.port);
        options.chaos = self.chaos;
        options.log = Some(Arc::new(|line: &str| {
            // Metrics are for CloudWatch; a person reads the lines beside them.
            if !line.starts_with("{\"_aws\"") {
                complain(line);
            }
        }));
        if self.processes {
            let program = std::env::current_exe();
            let program = program.map_err(|fault| Failure::refused(fault.to_string()))?;
            options.processes = program.parent().map(PathBuf::from);
        }
        Ok(options)
    }

    fn announce(&self, at: Addresses, ready_ms: u128) {
        if self.json {
            return say(places(at, ready_ms));
        }
        say(format!("ready in {ready_ms} ms"));
        say(format!("  API      http://{}", at.http));
        say(format!("  mailbox  http://{}{}", at.http, mail::PATH));
        say(format!("  AWS      http://{} (DynamoDB, SQS, SNS, Secrets Manager, Lambda)", at.aws));
        say(format!("  SMTP     {}", at.smtp));
        say(format!(
            "  tenants  {} (owner {}, password \"{}\"), {} (anybody may register)",
            seed::PLATFORM_SLUG,
            seed::OWNER_EMAIL,
            seed::OWNER_PASSWORD,
            seed::DEMO_SLUG,
        ));
    }
}

/// What other programs need to know; what there is not (yet) is null.
fn places(at: Addresses, ready_ms: u128) -> Value {
    let (http, aws) = (format!("http://{}", at.http), format!("http://{}", at.aws));
    json!({
        "ready_ms": u64::try_from(ready_ms).unwrap_or(u64::MAX),
        "mailbox": format!("{http}{}", mail::PATH),
        "http": http,
        "ws": null,
        "dynamodb": aws,
        "sqs": aws,
        "sns": aws,
        "secretsmanager": aws,
        "smtp": format!("smtp://{}", at.smtp),
        "console": null,
    })
}

/// The two ways a program is asked to end.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    async fn called(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
