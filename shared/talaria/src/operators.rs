//! What all commands for operators share: where the platform is, on what terms something is done,
//! and how answers are shown.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use clap::Args;
use contracts::Operation;
use contracts::platform::{EventAddress, Plan};
use kernel::{Cursor, EventId, Limit, List, TenantId};
use runtime::Config;
use runtime::operate::{Operators, Terms, Unanswered};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::console::{Failure, say};

/// Takes the lines of a result as they come.
pub type Lines<'a> = &'a mut (dyn FnMut(String) + Send);

/// Where the platform is, and how to answer.
#[derive(Args, Clone)]
pub struct Place {
    /// The AWS address of a local cloud.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8081")]
    endpoint: String,
    /// A deployed stack instead; region and credentials are those of the environment.
    #[arg(long, value_name = "NAME", conflicts_with = "endpoint")]
    stack: Option<String>,
    /// Answer JSON.
    #[arg(long)]
    pub json: bool,
}

/// Which part of a list.
#[derive(Args, Clone)]
pub struct Part {
    /// So many, 1 to 100.
    #[arg(long, default_value_t = 25)]
    limit: u64,
    /// Go on where a list ended.
    #[arg(long)]
    cursor: Option<String>,
}

impl Part {
    /// How many; refused beyond 1 to 100.
    pub fn limit(&self) -> Result<Limit, Failure> {
        limit(self.limit)
    }

    /// This part of a list.
    pub fn of<Filters>(&self, filters: Filters) -> Result<List<Filters>, Failure> {
        let cursor = self.cursor.as_deref().map(Cursor::new);
        Ok(List { filters, limit: self.limit()?, cursor })
    }
}

/// The size of a page.
pub fn limit(number: u64) -> Result<Limit, Failure> {
    Limit::parse(number).map_err(|_| Failure::refused("--limit is 1 to 100"))
}

/// On what terms something is changed.
#[derive(Args, Clone, Default)]
pub struct Consent {
    /// Do it; without it the answer only says what would be done.
    #[arg(long)]
    yes: bool,
    /// Why, in 3 to 500 characters: kept with the action.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Names the order: sent again under the same name, it is done once.
    #[arg(long, value_name = "NAME")]
    key: Option<String>,
}

/// Whose event, where the event's address does not say it.
#[derive(Args, Clone)]
pub struct Owner {
    /// The tenant.
    #[arg(long, value_name = "ID")]
    pub tenant: Option<TenantId>,
    /// Its test data instead of its live data.
    #[arg(long)]
    pub test: bool,
}

impl Owner {
    /// The event that is meant: a whole address, or an id of this tenant.
    pub fn event(&self, text: &str) -> Result<EventAddress, Failure> {
        if let Ok(address) = text.parse() {
            return Ok(address);
        }
        let refused = |why: &str| Failure::refused(format!("{text}: {why}"));
        let event: EventId = text.parse().map_err(|_| {
            refused("write <tenant>/<l|t>/<event id> as lists print it, or an id and --tenant")
        })?;
        let tenant = self.tenant.ok_or_else(|| refused("say whose it is: --tenant"))?;
        Ok(EventAddress::of_id(tenant, !self.test, event))
    }
}

/// The functions of operators at one place.
pub struct Desk {
    operators: Operators,
    operator: String,
}

impl Place {
    /// Reaches the functions. Refuses a deployed stack without a region and credentials.
    pub fn desk(&self) -> Result<Desk, Failure> {
        let mut settings: BTreeMap<String, String> =
            std::env::vars().filter(|(name, _)| name.starts_with("AWS_")).collect();
        match &self.stack {
            Some(stack) => {
                for name in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
                    if !settings.contains_key(name) {
                        return Err(Failure::refused(format!(
                            "{name} is not set: export it, for example by `aws configure \
                             export-credentials --format env`"
                        )));
                    }
                }
                settings.insert("TALARIA_FUNCTION_PREFIX".to_owned(), format!("{stack}-"));
            }
            None => {
                settings.clear();
                settings.insert("AWS_ENDPOINT_URL".to_owned(), self.endpoint.clone());
            }
        }
        // Orders need no issuer; the setting has no default.
        settings.insert("TALARIA_ISSUER".to_owned(), "http://127.0.0.1".to_owned());
        let config =
            Config::read(&settings).map_err(|fault| Failure::refused(fault.to_string()))?;
        let operators = Operators::connect(config).map_err(Failure::refused)?;
        let operator = std::env::var("USER").ok().filter(|name| !name.is_empty());
        Ok(Desk { operators, operator: operator.unwrap_or_else(|| "operator".to_owned()) })
    }
}

impl Desk {
    /// Asks for something that changes nothing.
    pub async fn ask<Q: Serialize, S: DeserializeOwned>(
        &self,
        operation: &Operation<Q, S>,
        request: &Q,
    ) -> Result<S, Failure> {
        self.order(operation, request, &Consent::default()).await
    }

    /// Orders a change on these terms.
    pub async fn order<Q: Serialize, S: DeserializeOwned>(
        &self,
        operation: &Operation<Q, S>,
        request: &Q,
        consent: &Consent,
    ) -> Result<S, Failure> {
        let terms = Terms {
            operator: self.operator.clone(),
            reason: consent.reason.clone(),
            confirmed: consent.yes,
            key: consent.key.clone(),
        };
        self.operators.ask(operation, request, &terms).await.map_err(explained)
    }
}

fn explained(fault: Unanswered) -> Failure {
    match fault {
        Unanswered::NobodyThere(place) => Failure::refused(format!(
            "nothing answers at {place}: start the platform with `cargo local`, or name a deployed one \
             with --stack"
        )),
        Unanswered::Refused { code, message } => match code.as_str() {
            "reason_required" => Failure::refused(format!("{message} (--reason)")),
            _ => Failure::refused(format!("{code}: {message}")),
        },
        other => Failure::refused(other.to_string()),
    }
}

/// Runs a command to its end and prints its lines.
pub fn run<F, T>(command: F) -> Result<(), Failure>
where
    F: AsyncFnOnce(Lines<'_>) -> Result<T, Failure>,
{
    let executor = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|fault| Failure::refused(fault.to_string()))?;
    executor.block_on(command(&mut |line| say(line))).map(|_| ())
}

/// One answer as JSON.
pub fn json(answer: &impl Serialize, lines: Lines<'_>) {
    if let Ok(text) = serde_json::to_string_pretty(answer) {
        lines(text);
    }
}

/// One answer as one line of JSON.
pub fn json_line(answer: &impl Serialize, lines: Lines<'_>) {
    if let Ok(text) = serde_json::to_string(answer) {
        lines(text);
    }
}

/// A table with these headings; a line that says so where there is nothing.
pub fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]], lines: Lines<'_>) {
    if rows.is_empty() {
        return lines("nothing".to_owned());
    }
    let headings = headings.map(str::to_owned);
    let all = || std::iter::once(&headings).chain(rows);
    let widths: Vec<usize> = (0..N)
        .map(|at| all().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max())
        .map(Option::unwrap_or_default)
        .collect();
    for row in all() {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        lines(cells.collect::<Vec<_>>().join("  ").trim_end().to_owned());
    }
}

/// What an order did, or would do.
pub fn plan(plan: &Plan, place: &Place, lines: Lines<'_>) {
    if place.json {
        return json(plan, lines);
    }
    for step in &plan.steps {
        lines(format!("{}  {}", step.target, step.change));
    }
    for left in &plan.passed_over {
        lines(format!("{}  left alone: {}", left.target, left.why));
    }
    if let Some(replay) = plan.replay_id {
        lines(format!("replay {replay}"));
    }
    if !plan.done && !plan.steps.is_empty() {
        lines("dry run: nothing was changed; add --yes to do it".to_owned());
    }
}

/// How to go on with a list that has more.
pub fn more(next: Option<&Cursor>, lines: Lines<'_>) {
    if let Some(cursor) = next {
        lines(format!("more: --cursor {}", cursor.as_str()));
    }
}

/// A value that may be absent.
pub fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
