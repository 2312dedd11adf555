use std::io::Write;
use std::process::{Command, Stdio};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::console::{Failure, say};
use crate::page;
use crate::platform::Platform;

/// Look at the modules of the platform.
#[derive(Args)]
pub struct Module {
    #[command(subcommand)]
    command: ModuleCommand,
}

#[derive(Subcommand)]
enum ModuleCommand {
    List(List),
}

/// List every module with what it consists of.
#[derive(Args)]
struct List {
    /// Ask a running platform how its modules are.
    #[arg(long)]
    health: bool,
    /// Where the platform is.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// An access token or key of somebody who may read the health; TALARIA_TOKEN unless stated.
    #[arg(long)]
    token: Option<String>,
    /// Answer JSON.
    #[arg(long)]
    json: bool,
}

impl Module {
    /// Lists; refuses where the platform does not answer.
    pub fn run(&self) -> Result<(), Failure> {
        let ModuleCommand::List(list) = &self.command;
        let modules = match list.health {
            true => running(&list.url, list.token.as_deref())?,
            false => page::registry(&Platform::read()),
        };
        if list.json {
            say(format!("{modules:#}"));
            return Ok(());
        }
        modules.as_array().into_iter().flatten().for_each(|module| say(line(module)));
        Ok(())
    }
}

fn line(module: &Value) -> String {
    let count = |name: &str| module.get(name).and_then(Value::as_array).map_or(0, Vec::len);
    let text = |pointer: &str| module.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let reasons = module.pointer("/health/reasons").and_then(Value::as_array);
    let reasons: Vec<&str> = reasons.into_iter().flatten().filter_map(Value::as_str).collect();
    let counts = format!(
        "{:<14} {:>3} routes {:>3} events {:>3} listeners {:>2} tables",
        text("/name"),
        count("routes"),
        count("events"),
        count("listeners"),
        count("tables")
    );
    format!("{counts}  {}  {}", text("/health/status"), reasons.join("; ")).trim_end().to_owned()
}

/// The modules of a running platform. Asked through `curl`, which every machine has and which knows its
/// certificates and proxies; the token goes in by standard input, never by the command line.
fn running(url: &str, token: Option<&str>) -> Result<Value, Failure> {
    let refused = |why: String| Failure::program(url, why);
    let mut curl = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "10", "--config", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|fault| Failure::program("curl", fault))?;
    if let Some(mut input) = curl.stdin.take() {
        input
            .write_all(question(url, token)?.as_bytes())
            .map_err(|fault| refused(fault.to_string()))?;
    }
    let answer = curl.wait_with_output().map_err(|fault| refused(fault.to_string()))?;
    if !answer.status.success() {
        return Err(refused(String::from_utf8_lossy(&answer.stderr).trim().to_owned()));
    }
    let answer: Value = serde_json::from_slice(&answer.stdout)
        .map_err(|fault| refused(format!("the answer is not JSON: {fault}")))?;
    match answer.get("data") {
        Some(data) => Ok(data.clone()),
        None => {
            let code = answer.pointer("/error/code").cloned().unwrap_or(json!("unknown"));
            let message = answer.pointer("/error/message").cloned().unwrap_or_default();
            Err(refused(format!("{code}: {message}")))
        }
    }
}

/// The configuration curl reads; refuses text that would add options of its own.
fn question(url: &str, token: Option<&str>) -> Result<String, Failure> {
    let breaks_out = |text: &str| text.contains(['"', '\\']) || text.chars().any(char::is_control);
    if breaks_out(url) || token.is_some_and(breaks_out) {
        return Err(Failure::refused(
            "quotes and control characters cannot stand in --url or --token",
        ));
    }
    let address = format!("url = \"{}/v1/gateway/modules\"\n", url.trim_end_matches('/'));
    let credential = token
        .map_or_else(String::new, |token| format!("header = \"Authorization: Bearer {token}\"\n"));
    Ok(address + &credential)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_an_address_and_a_token_reaches_curl() {
        let asked = question("http://localhost/", Some("abc")).unwrap();
        let expected = "url = \"http://localhost/v1/gateway/modules\"\n\
                        header = \"Authorization: Bearer abc\"\n";
        assert_eq!(asked, expected);
        for (url, token) in [("http://a\"\noutput = \"x", None), ("http://a", Some("a\nurl = b"))] {
            assert!(question(url, token).is_err(), "{url}");
        }
    }

    #[test]
    fn a_line_shows_counts_and_what_is_wrong() {
        let module = json!({
            "name": "auth", "routes": ["GET /a"], "events": [], "listeners": [], "tables": ["auth"],
            "health": { "status": "degraded", "reasons": ["queue x is missing"] },
        });
        let line = line(&module);
        assert!(line.starts_with("auth             1 routes   0 events"), "{line}");
        assert!(line.ends_with("degraded  queue x is missing"), "{line}");
    }
}
