//! Plans that once failed: each is lived at every run.

use super::plan::Plan;

const CORPUS: &str = include_str!("corpus.txt");

/// Every plan, and why it is kept.
pub fn plans() -> Vec<(Plan, &'static str)> {
    let lines = CORPUS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| parse(line).unwrap_or_else(|| panic!("no line of the corpus: {line}")))
        .collect()
}

fn parse(line: &'static str) -> Option<(Plan, &'static str)> {
    let (plan, why) = line.rsplit_once(" # ")?;
    let plan = match plan.split_once(' ')? {
        ("seed", seed) => Plan::of(seed.parse().ok()?),
        ("plan", json) => serde_json::from_str(json).ok()?,
        _ => return None,
    };
    Some((plan, why))
}
