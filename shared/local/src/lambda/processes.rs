//! Functions in processes of their own: the very programs that are deployed, over the Runtime API.
//! Environments are made on demand, kept warm, and killed at a timeout and at the end.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use runtime::{Module, Row};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::runtime_api::{Job, RuntimeApi};
use super::{LineSink, Run, Runner};
use crate::mapping::InvokeError;

/// Environments of one function at once; further calls wait.
const ENVIRONMENTS_MAX: usize = 10;

/// Why functions cannot be run as processes.
#[derive(Debug, thiserror::Error)]
pub enum ProcessesError {
    /// A module has not been built.
    #[error("{} is missing; build it with: cargo build --package {module}", path.display())]
    NotBuilt {
        /// The module.
        module: &'static str,
        /// Where its program should be.
        path: PathBuf,
    },
}

/// Runs functions as processes. Clones share the environments.
#[derive(Clone)]
pub struct Processes {
    inner: Arc<Inner>,
}

struct Inner {
    functions: HashMap<&'static str, Function>,
    api: RuntimeApi,
    api_address: SocketAddr,
    numbers: AtomicU64,
    running: Running,
    lines: LineSink,
}

/// (function id, process id) by environment.
type Running = Arc<Mutex<BTreeMap<u64, (&'static str, u32)>>>;

struct Function {
    program: PathBuf,
    variables: BTreeMap<String, String>,
    slots: Arc<Semaphore>,
    idle: Mutex<Vec<Environment>>,
}

/// One process, killed when dropped.
struct Environment {
    number: u64,
    api: RuntimeApi,
    running: Running,
    jobs: mpsc::Sender<Job>,
    child: Child,
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.api.close(self.number);
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

impl Processes {
    /// The functions of these modules, whose programs are in `folder`. `variables` are the settings of
    /// every function; `{listener}` in them stands for the function. Refuses a missing program.
    pub fn new(
        modules: &[Module],
        folder: &Path,
        variables: &BTreeMap<String, String>,
        api_address: SocketAddr,
        lines: LineSink,
    ) -> Result<Self, ProcessesError> {
        let mut functions = HashMap::new();
        for module in modules {
            let program = folder.join(module.name);
            if !program.is_file() {
                return Err(ProcessesError::NotBuilt { module: module.name, path: program });
            }
            let others = modules.iter().filter(|other| other.name != module.name);
            let others = others.flat_map(|other| &other.settings.declared);
            let foreign: Vec<&str> = others.map(|setting| setting.variable.name).collect();
            let mut variables = variables.clone();
            variables.retain(|name, _| !foreign.contains(&name.as_str()));
            for row in &module.rows {
                let function = Function {
                    program: program.clone(),
                    variables: variables_of(row, &variables),
                    slots: Arc::new(Semaphore::new(ENVIRONMENTS_MAX)),
                    idle: Mutex::default(),
                };
                functions.insert(row.id, function);
            }
        }
        let (api, numbers) = (RuntimeApi::default(), AtomicU64::new(0));
        let running = Running::default();
        Ok(Self { inner: Arc::new(Inner { functions, api, api_address, numbers, running, lines }) })
    }

    /// (function id, process id) of every process, the oldest first.
    pub fn running(&self) -> Vec<(&'static str, u32)> {
        let running = self.inner.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.values().copied().collect()
    }

    /// Serves the Runtime API on a listener that is bound already, until the task is ended.
    pub async fn serve(&self, listener: TcpListener) -> std::io::Result<()> {
        axum::serve(listener, self.inner.api.router()).await
    }

    /// Kills every idle process.
    pub fn stop(&self) {
        for function in self.inner.functions.values() {
            function.idle().clear();
        }
    }
}

impl Runner for Processes {
    fn run(&self, run: Run) -> BoxFuture<'static, Result<String, InvokeError>> {
        let inner = self.inner.clone();
        Box::pin(async move { inner.run(run).await })
    }
}

impl Inner {
    async fn run(&self, run: Run) -> Result<String, InvokeError> {
        let missing = || InvokeError::Failed(format!("there is no function {}", run.function));
        let function = self.functions.get(run.function).ok_or_else(missing)?;
        let _slot = function.slots.clone().acquire_owned().await;
        let mut environment = match function.warm() {
            Some(environment) => environment,
            None => self.start(run.function, function)?,
        };
        // From here on the environment is killed when this future is dropped: at a timeout.
        let (reply, outcome) = oneshot::channel();
        let sent = environment.jobs.send(Job { run, reply }).await;
        sent.map_err(|_| InvokeError::Crashed)?;
        let outcome = tokio::select! {
            biased;
            outcome = outcome => outcome.map_err(|_| InvokeError::Crashed)?,
            _ = environment.child.wait() => return Err(InvokeError::Crashed),
        };
        function.idle().push(environment);
        outcome
    }

    fn start(&self, id: &'static str, function: &Function) -> Result<Environment, InvokeError> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let jobs = self.api.open(number);
        let child = Command::new(&function.program)
            .env_clear()
            .envs(&function.variables)
            .env("AWS_LAMBDA_RUNTIME_API", format!("http://{}/{number}", self.api_address))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = child.map_err(|error| {
            self.api.close(number);
            InvokeError::Failed(format!(
                "{} cannot be started: {error}",
                function.program.display()
            ))
        })?;
        if let Some(output) = child.stdout.take() {
            tokio::spawn(forward(output, id, self.lines.clone()));
        }
        if let Some(output) = child.stderr.take() {
            tokio::spawn(forward(output, id, self.lines.clone()));
        }
        let running = self.running.clone();
        if let Some(process) = child.id() {
            let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
            running.insert(number, (id, process));
        }
        Ok(Environment { number, api: self.api.clone(), running, jobs, child })
    }
}

impl Function {
    /// An environment whose process still runs; those that died meanwhile are forgotten.
    fn warm(&self) -> Option<Environment> {
        let mut idle = self.idle();
        while let Some(mut environment) = idle.pop() {
            if matches!(environment.child.try_wait(), Ok(None)) {
                return Some(environment);
            }
        }
        None
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Environment>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a program prints becomes log lines; what is no line of ours is marked with its function.
async fn forward(output: impl AsyncRead + Unpin, function: &'static str, lines: LineSink) {
    let mut output = BufReader::new(output).lines();
    while let Ok(Some(line)) = output.next_line().await {
        match line.starts_with('{') {
            true => lines(&line),
            false => lines(&format!("{function}: {line}")),
        }
    }
}

/// The environment of a function (Lambda Developer Guide, "Working with Lambda environment variables",
/// "Defined runtime environment variables").
fn variables_of(row: &Row, variables: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let name = runtime::wiring::resource_name(row.id);
    let of_listener = |(variable, value): (&String, &String)| {
        (variable.clone(), value.replace("{listener}", &name))
    };
    let prefix = variables.get("TALARIA_FUNCTION_PREFIX").map(String::as_str).unwrap_or_default();
    let function = format!("{prefix}{name}");
    let own = [
        ("_HANDLER", row.id.to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", row.memory_mb.to_string()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{function}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "local".to_owned()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", function),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("TZ", ":UTC".to_owned()),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    variables.iter().map(of_listener).chain(own).collect()
}
