//! Functions in this process: the code of the modules on the cloud's own client, clock and chance.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use kernel::Timestamp;
use runtime::backbone::Backbone;
use runtime::cache;
use runtime::clock::{Clock, Entropy};
use runtime::log::Log;
use runtime::mail::Mailer;
use runtime::{Config, Function, Meta, Module, Ports, Surroundings};

use super::{Run, Runner};
use crate::Cloud;
use crate::clock::VirtualClock;
use crate::fault::SplitMix;
use crate::mapping::InvokeError;

/// Runs functions in this process. They share one set of ports; only those that declare it have mail.
pub struct InProcess {
    functions: HashMap<&'static str, Function>,
    ports: Arc<Ports>,
}

impl InProcess {
    /// The functions of these modules on this cloud.
    pub fn new(
        modules: &[Module],
        cloud: &Cloud,
        config: Config,
        entropy: Arc<dyn Entropy>,
        mailer: Arc<dyn Mailer>,
        log: Log,
    ) -> Self {
        let backbone = Backbone::of(modules).unwrap_or_default();
        let around = |mailer| Surroundings {
            http: cloud.http_client(),
            clock: Arc::new(cloud.clock().clone()),
            entropy: entropy.clone(),
            cache: Arc::new(cache::InProcess::default()),
            mailer,
            log: log.clone(),
            backbone: LazyLock::new({
                let backbone = backbone.clone();
                Box::new(|| backbone)
            }),
        };
        let ports = Arc::new(Ports::connect(config.clone(), around(None)));
        let mailing = Arc::new(Ports::connect(config, around(Some(mailer))));
        let function = |module: &Arc<Module>, row: &runtime::Row| {
            let ports = if row.mails { &mailing } else { &ports };
            (row.id, Function::new(module.clone(), row.clone(), ports.clone()))
        };
        let functions = modules.iter().flat_map(|module| {
            let module = Arc::new(module.clone());
            module.rows.iter().map(|row| function(&module, row)).collect::<Vec<_>>()
        });
        Self { functions: functions.collect(), ports }
    }

    /// The ports of functions without mail.
    pub fn ports(&self) -> &Arc<Ports> {
        &self.ports
    }
}

impl Runner for InProcess {
    fn run(&self, run: Run) -> BoxFuture<'static, Result<String, InvokeError>> {
        let function = self.functions.get(run.function).cloned();
        Box::pin(async move {
            let missing = || InvokeError::Failed(format!("there is no function {}", run.function));
            let function = function.ok_or_else(missing)?;
            let deadline = Timestamp::from_ms(run.deadline_ms);
            let meta = Meta { deadline, trace: None, cold: run.cold };
            let running = AssertUnwindSafe(function.invoke(&run.event, &meta)).catch_unwind();
            match running.await {
                Ok(answer) => answer.map_err(|failed| InvokeError::Failed(failed.to_string())),
                Err(_) => Err(InvokeError::Failed("the function panicked".to_owned())),
            }
        })
    }
}

/// The functions' clock is the cloud's.
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.now_ms())
    }
}

/// Chance that is the same in every run of one seed: for tests, never for anything secret.
pub struct SeededEntropy {
    random: Mutex<SplitMix>,
}

impl SeededEntropy {
    /// The chance of this seed.
    pub fn new(seed: u64) -> Self {
        Self { random: Mutex::new(SplitMix::new(seed)) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            for (to, from) in chunk.iter_mut().zip(random.next().to_le_bytes()) {
                *to = from;
            }
        }
    }
}
