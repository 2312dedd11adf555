//! The log lines of a platform: kept for those who ask, and handed on as they come.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runtime::log::Log;

use crate::lambda::LineSink;

/// Lines kept; older ones are forgotten.
const KEPT_MAX: usize = 20_000;

/// The lines. Clones share them.
#[derive(Clone)]
pub(super) struct Lines {
    kept: Option<Arc<Mutex<VecDeque<String>>>>,
    also: Option<LineSink>,
}

impl Lines {
    /// No lines yet; those to come are kept where `keeps` says so, and go to `also`.
    pub fn new(keeps: bool, also: Option<LineSink>) -> Self {
        Self { kept: keeps.then(Arc::default), also }
    }

    /// Where raw lines are put in.
    pub fn sink(&self) -> LineSink {
        let lines = self.clone();
        Arc::new(move |line| lines.put(line))
    }

    /// Where functions write their lines.
    pub fn log(&self) -> Log {
        if self.kept.is_none() && self.also.is_none() {
            return Log::silent();
        }
        let lines = self.clone();
        Log::to(move |line| lines.put(line))
    }

    /// All lines kept, oldest first.
    pub fn all(&self) -> Vec<String> {
        let kept = self.kept.as_ref().map(|kept| locked(kept).iter().cloned().collect());
        kept.unwrap_or_default()
    }

    fn put(&self, line: &str) {
        if let Some(also) = &self.also {
            also(line);
        }
        let Some(kept) = &self.kept else { return };
        let mut kept = locked(kept);
        if kept.len() >= KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back(line.to_owned());
    }
}

fn locked(kept: &Mutex<VecDeque<String>>) -> MutexGuard<'_, VecDeque<String>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
