//! The log lines of a platform: kept for those who ask, and handed on as they come.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runtime::log::Log;

use crate::boot::LineSink;

/// Lines kept; older ones are forgotten.
const KEPT_MAX: usize = 20_000;

/// The lines. Clones share them.
#[derive(Clone)]
pub(super) struct Lines {
    kept: Arc<Mutex<VecDeque<String>>>,
    also: Option<LineSink>,
}

impl Lines {
    /// No lines yet; those to come also go to `also`.
    pub fn new(also: Option<LineSink>) -> Self {
        Self { kept: Arc::default(), also }
    }

    /// Where raw lines are put in.
    pub fn sink(&self) -> LineSink {
        let lines = self.clone();
        Arc::new(move |line| lines.put(line))
    }

    /// Where functions write their lines.
    pub fn log(&self) -> Log {
        let lines = self.clone();
        Log::to(move |line| lines.put(line))
    }

    /// All lines kept, oldest first.
    pub fn all(&self) -> Vec<String> {
        self.kept().iter().cloned().collect()
    }

    fn put(&self, line: &str) {
        if let Some(also) = &self.also {
            also(line);
        }
        let mut kept = self.kept();
        if kept.len() >= KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back(line.to_owned());
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
