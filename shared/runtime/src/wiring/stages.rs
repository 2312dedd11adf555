//! What a stage changes about a listener. Everything else about it stands in its module's table, and
//! nothing in variables: the process and the template read the same rows.

use crate::module::listening::Listening;
use crate::module::row::Row;
use crate::module::table::Module;
use crate::ports::backbone::Backbone;

/// What one stage changes about one listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    pub stage: &'static str,
    pub listener: &'static str,
    /// Other tries, with the pauses between them in seconds.
    pub tries: Option<(u32, &'static [u32])>,
    /// Another number of invocations at once, 2–1,000.
    pub concurrency: Option<u32>,
}

/// Every stage that differs.
pub const STAGES: &[Tuning] = &[
    // A development stack sends through somebody's test account, and whoever waits for the mail looks.
    Tuning {
        stage: "dev",
        listener: "notification.dispatch_mail",
        tries: Some((3, &[5, 15])),
        concurrency: Some(2),
    },
];

/// What stages change about this listener.
pub fn of(listener: &str) -> impl Iterator<Item = &'static Tuning> {
    STAGES.iter().filter(move |one| one.listener == listener)
}

impl Tuning {
    /// The listener's row with the change.
    #[must_use]
    pub fn tuned(&self, row: &Row) -> Row {
        let mut row = row.clone();
        if let Some(listening) = row.listening_mut() {
            self.tune(listening);
        }
        row
    }

    pub(crate) fn tune(&self, listening: &mut Listening) {
        if let Some((tries, backoff_s)) = self.tries {
            (listening.tries, listening.backoff_s) = (tries, backoff_s.to_vec());
        }
        listening.concurrency = self.concurrency.or(listening.concurrency);
    }
}

impl Module {
    /// The module as it is at this stage.
    pub fn at(mut self, stage: &str) -> Self {
        for row in &mut self.rows {
            let tunings = of(row.id).filter(|one| one.stage == stage);
            let Some(listening) = row.listening_mut() else { continue };
            tunings.for_each(|one| one.tune(listening));
        }
        self
    }
}

impl Backbone {
    /// Who hears what at this stage.
    pub(crate) fn at(mut self, stage: &str) -> Self {
        for hearing in &mut self.listeners {
            let tuned = STAGES
                .iter()
                .filter(|one| one.stage == stage && one.listener == hearing.listener)
                .filter_map(|one| one.tries);
            for (tries, backoff_s) in tuned {
                (hearing.tries, hearing.backoff_s) = (tries, backoff_s.to_vec());
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::event::Outcome;
    use crate::module::table::{Group, listen_all};

    #[test]
    fn only_its_own_stage_tunes_a_listener_and_only_as_far_as_it_says() {
        for tuning in STAGES {
            let heard = [interface::ops::ACTION_PERFORMED.spec];
            let row = listen_all(tuning.listener, heard, |_, _| async { Ok(Outcome::Done) });
            let module = Module::new("mail", Group::Engagement, "Sends.", [row]);
            let settings = |module: Module| {
                let heard = module.rows[0].listening().unwrap();
                (heard.tries, heard.backoff_s.clone(), heard.concurrency)
            };
            let plain = settings(module.clone());
            let (tries, backoff_s) = tuning.tries.map_or_else(
                || (plain.0, plain.1.clone()),
                |(tries, backoff_s)| (tries, backoff_s.to_vec()),
            );
            let expected = (tries, backoff_s, tuning.concurrency);
            assert_eq!(settings(module.clone().at(tuning.stage)), expected);
            assert_eq!(settings(module.at("prod")), plain, "{}", tuning.listener);
        }
    }
}
