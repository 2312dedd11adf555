//! The Lambda entry: one program per module, one function per process.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use kernel::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::value::RawValue;

use crate::module::function::{Function, Meta};
use crate::module::table::Module;
use crate::ports::backbone::{Backbone, Unread};
use crate::ports::cache::InProcess;
use crate::ports::clock::{Clock, SystemEntropy, WallClock};
use crate::ports::config::Config;
use crate::ports::log::Log;
use crate::ports::process::{Ports, Surroundings};
use crate::ports::trust::https;

/// Time kept back from the platform's deadline, so that an answer still gets out.
const DEADLINE_RESERVE: Duration = Duration::from_millis(50);

/// Serves the entry that `_HANDLER` names, until the platform ends the process. Refuses to start on an
/// unknown entry or a faulty configuration. `backbone` is the generated `backbone.json`: what the other
/// modules hear, which a program of one module cannot know by itself.
pub fn run(module: Module, backbone: &'static str) -> std::process::ExitCode {
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::from)
        .and_then(|executor| executor.block_on(serve(module, backbone)));
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(fault) => {
            use std::io::Write;
            let _ = writeln!(std::io::stderr().lock(), "refused to start: {fault}");
            std::process::ExitCode::FAILURE
        }
    }
}

async fn serve(module: Module, backbone: &'static str) -> Result<(), Error> {
    let id = std::env::var("_HANDLER").map_err(|_| "environment variable _HANDLER is not set")?;
    let variables = std::env::vars().collect();
    let config = Config::read(&variables)?;
    let module = Arc::new(module.at(&config.stage).configured(&variables)?);
    let row = module.row(&id).cloned();
    let row = row.ok_or_else(|| format!("module {} has no entry {id}", module.name))?;
    let mailer = match module.mail.filter(|_| row.mails) {
        Some(connect) => Some(connect(&config)?),
        None => None,
    };
    let clock: Arc<dyn Clock> = Arc::new(WallClock);
    let stage = config.stage.clone();
    let backbone: Unread = LazyLock::new(Box::new(move || Backbone::read(backbone).at(&stage)));
    let ports = Ports::connect(
        config,
        Surroundings {
            http: https()?,
            clock: clock.clone(),
            entropy: Arc::new(SystemEntropy),
            cache: Arc::new(InProcess::default()),
            mailer,
            log: Log::stdout(),
            backbone,
        },
    );
    let function = Arc::new(Function::new(module.clone(), row, Arc::new(ports)));
    let first = Arc::new(std::sync::atomic::AtomicBool::new(true));
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let (function, first) = (function.clone(), first.clone());
        async move {
            let cold = first.swap(false, std::sync::atomic::Ordering::Relaxed);
            let meta = meta(&event.context, cold);
            let answer = function.invoke(event.payload.get(), &meta).await.map_err(Error::from)?;
            RawValue::from_string(answer).map_err(Error::from)
        }
    }))
    .await
}

fn meta(context: &lambda_runtime::Context, cold: bool) -> Meta {
    let deadline = i64::try_from(context.deadline).unwrap_or(i64::MAX);
    Meta {
        deadline: Timestamp::from_ms(deadline).minus(DEADLINE_RESERVE),
        trace: context.xray_trace_id.as_deref().and_then(traceparent),
        cold,
    }
}

/// The W3C trace context of an X-Ray tracing header: `Root=1-<8>-<24>;Parent=<16>;Sampled=<0|1>`
/// (X-Ray Developer Guide, "Tracing header"; W3C Trace Context, "traceparent").
fn traceparent(header: &str) -> Option<String> {
    let part = |name: &str| header.split(';').find_map(|part| part.trim().strip_prefix(name));
    let root = part("Root=1-")?.replace('-', "");
    let parent = part("Parent=")?;
    let is_hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    if !is_hex(&root, 32) || !is_hex(parent, 16) {
        return None;
    }
    let flags = if part("Sampled=") == Some("1") { "01" } else { "00" };
    Some(format!("00-{root}-{parent}-{flags}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_x_ray_header_becomes_a_w3c_trace_context_or_nothing() {
        let (root, parent) =
            ("Root=1-5759e988-bd862e3fe1be46a994272793", "Parent=53995c3f42cd8ad8");
        let context = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8";
        let table = [
            (format!("{root};{parent};Sampled=1"), Some(format!("{context}-01"))),
            (format!("{root}; {parent}; Sampled=0"), Some(format!("{context}-00"))),
            (format!("{root};{parent}"), Some(format!("{context}-00"))),
            (root.to_owned(), None),
            (format!("Root=1-5759e988-zz;{parent}"), None),
            (String::new(), None),
        ];
        for (header, expected) in table {
            assert_eq!(traceparent(&header), expected, "{header}");
        }
    }
}
