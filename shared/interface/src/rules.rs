//! Rules of the catalogue that no type can hold. Every fault is told as text: whose, and what to do.

mod member;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::catalogue::Entry;
use crate::event::NAME_MAX;
use crate::largest;

/// Past-tense words that do not end in `ed`, and words of state that the field uses for what came to be.
const IRREGULAR: &[&str] = &["due", "failing", "left", "sent", "successful"];

/// What is wrong with these events; `shared` are the schemas they refer to.
pub fn faults(entries: &[Entry], shared: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.spec.name;
        found.extend(name_fault(name).map(|fault| format!("event {name} {fault}")));
        let of_members = member::faults(&entry.schema, &entry.sample, shared);
        found.extend(of_members.into_iter().map(|fault| format!("event {name}: {fault}")));
        found.extend(size_fault(entry, shared).map(|fault| format!("event {name}: {fault}")));
    }
    found.extend(of_majors(entries));
    found
}

/// What is wrong with a name: it must fit `^[a-z][a-z0-9]*(\.[a-z][a-z0-9_]*){1,3}$`, be no longer than 64
/// characters and say what happened.
pub fn name_fault(name: &str) -> Option<&'static str> {
    let mut parts = name.split('.');
    let begins = |part: &str| part.starts_with(|c: char| c.is_ascii_lowercase());
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let first = parts.next().is_some_and(|part| begins(part) && part.chars().all(letter));
    let others: Vec<&str> = parts.collect();
    let fits = |part: &&str| begins(part) && part.chars().all(|c| letter(c) || c == '_');
    if !first || !(1..=3).contains(&others.len()) || !others.iter().all(fits) {
        return Some("must be two to four parts of lower-case letters and digits");
    }
    if name.len() > NAME_MAX {
        return Some("is longer than 64 characters");
    }
    let last = others.last().and_then(|part| part.rsplit('_').next()).unwrap_or_default();
    let is_past = last.ends_with("ed") || IRREGULAR.contains(&last);
    (!is_past).then_some("must end in the past tense: say what happened")
}

fn size_fault(entry: &Entry, shared: &Map<String, Value>) -> Option<String> {
    match largest::envelope(entry, shared) {
        Ok(envelope) => envelope.to_bytes().err().map(|fault| fault.to_string()),
        Err(unbounded) => Some(unbounded.to_string()),
    }
}

/// Two majors of an event at most, one after the other, of which the older is never public and can be made
/// from the newer.
fn of_majors(entries: &[Entry]) -> Vec<String> {
    let mut majors: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        majors.entry(entry.spec.name).or_default().push(entry);
    }
    let mut found = Vec::new();
    for (name, mut majors) in majors {
        majors.sort_unstable_by_key(|entry| entry.spec.major);
        let numbers: Vec<u16> = majors.iter().map(|entry| entry.spec.major).collect();
        let stands_alone = matches!(numbers.as_slice(), [_]);
        let follows =
            matches!(numbers.as_slice(), [older, newer] if older.checked_add(1) == Some(*newer));
        if numbers.contains(&0) || !(stands_alone || follows) {
            found.push(format!(
                "event {name} has majors {numbers:?}: one, or two in sequence for one release"
            ));
        }
        let older = majors.iter().rev().skip(1);
        for entry in older.filter(|entry| entry.spec.public || entry.downgrade.is_none()) {
            found.push(format!(
                "event {name}, major {}: declare it with Event::before the newer",
                entry.spec.major
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalogue, fixture};

    #[test]
    fn a_name_says_in_two_to_four_parts_what_happened() {
        let longest = format!("{}.{}ed", "a".repeat(30), "b".repeat(31));
        let allowed = [
            "notification.sent",
            "subscription.past_due",
            "auth.session.reuse_detected",
            "a1.b_2.c.d_ed",
            &longest,
        ];
        for name in allowed {
            assert_eq!(name_fault(name), None, "{name}");
        }
        let parts = "must be two to four parts of lower-case letters and digits";
        let past = "must end in the past tense: say what happened";
        let too_long = format!("{}x", longest.replace("ed", "xed"));
        let refused = [
            ("created", parts),
            ("", parts),
            ("a.", parts),
            (".a", parts),
            ("a..created", parts),
            ("a.b.c.d.created", parts),
            ("Auth.user.created", parts),
            ("auth.User.created", parts),
            ("1auth.user.created", parts),
            ("auth.1user.created", parts),
            ("auth_x.user.created", parts),
            ("auth.user-x.created", parts),
            ("auth.üser.created", parts),
            ("auth.user.create", past),
            ("auth.user.past_tense", past),
            (&too_long, "is longer than 64 characters"),
        ];
        for (name, fault) in refused {
            assert_eq!(name_fault(name), Some(fault), "{name}");
        }
    }

    #[test]
    fn at_most_two_majors_of_an_event_stand_side_by_side() {
        let entries = || Catalogue::of(fixture::describe).entries;
        assert_eq!(of_majors(&entries()), [] as [String; 0]);
        type Spoil = fn(&mut Vec<Entry>);
        let cases: [(Spoil, &str); 5] = [
            (|all| all[0].spec.major = 3, "has majors [1, 3]"),
            (|all| all[0].spec.major = 1, "has majors [1, 1]"),
            (|all| all[1].spec.major = 0, "has majors [0, 2]"),
            (|all| all[1].spec.public = true, "major 1: declare it with Event::before"),
            (|all| all[1].downgrade = None, "major 1: declare it with Event::before"),
        ];
        for (spoil, expected) in cases {
            let mut spoilt = entries();
            spoil(&mut spoilt);
            let found = of_majors(&spoilt);
            assert!(found.iter().any(|fault| fault.contains(expected)), "{expected}: {found:?}");
        }
        let mut alone = entries();
        alone.truncate(1);
        assert_eq!(of_majors(&alone), [] as [String; 0]);
    }
}
