//! What stages change about listeners: only listeners there are, and only within the limits.

use runtime::wiring::{STAGES, Tuning};

use super::{Breach, breach, listener};
use crate::platform::Platform;

pub fn breaches(platform: &Platform) -> Vec<Breach> {
    of(platform, STAGES)
}

fn of(platform: &Platform, stages: &[Tuning]) -> Vec<Breach> {
    let mut found = Vec::new();
    for (at, tuning) in stages.iter().enumerate() {
        let Tuning { stage, listener: id, .. } = tuning;
        let same = |other: &Tuning| other.stage == *stage && other.listener == *id;
        if stages.iter().take(at).any(same) {
            found.push(breach!("stage {stage} changes {id} twice"));
        }
        let Some((module, row, _)) = platform.listeners().find(|(_, row, _)| row.id == *id) else {
            found.push(breach!("stage {stage} changes {id}, which is no listener"));
            continue;
        };
        let tuned = listener::breaches(module, &tuning.tuned(row)).into_iter();
        found.extend(tuned.map(|Breach(text)| breach!("at stage {stage}: {text}")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_stage_changes_listeners_there_are_and_within_the_limits() {
        let row = fixture::hears("demo.on_updated", events::profile::UPDATED.spec);
        let platform = Platform::of(vec![fixture::module_of([row])]);
        let tuning =
            |listener, tries, concurrency| Tuning { stage: "dev", listener, tries, concurrency };
        let table: [(&[Tuning], &[&str]); 5] = [
            (&[tuning("demo.on_updated", Some((3, &[5])), Some(2))], &[]),
            (
                &[tuning("demo.on_nothing", None, None)],
                &["stage dev changes demo.on_nothing, which is no listener"],
            ),
            (
                &[tuning("demo.on_updated", None, Some(1))],
                &["at stage dev: demo.on_updated: concurrency is 1; 2 to 1000 are allowed"],
            ),
            (
                &[tuning("demo.on_updated", Some((21, &[5])), None)],
                &["at stage dev: demo.on_updated: tries is 21; 1 to 20 are allowed"],
            ),
            (
                &[tuning("demo.on_updated", None, None), tuning("demo.on_updated", None, None)],
                &["stage dev changes demo.on_updated twice"],
            ),
        ];
        for (stages, expected) in table {
            let found: Vec<String> = of(&platform, stages).into_iter().map(|one| one.0).collect();
            assert_eq!(found, expected);
        }
    }
}
