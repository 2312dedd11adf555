//! Other names of events. They are accepted wherever an event type is an input, and answered with the
//! canonical word: the one that is declared.

use std::collections::BTreeSet;

use crate::Catalogue;
use crate::catalogue::Entry;

/// Words for one fact, each list once. The event tables pick the canonical word by declaring it:
/// [`faults`] refuses a list of which two words are declared, and a list of which none is, as soon
/// as the catalogue holds any event whose name begins with the first part of one of its words.
pub const SYNONYMS: &[&[&str]] = &[
    &["user.user.created", "user.created", "user_was_created"],
    &["user.user.updated", "user.updated", "user_was_updated"],
    &["user.user.deleted", "user.deleted", "user_was_deleted"],
    &["investment.created", "investment_created"],
    &["client.client.created", "client.created"],
    &["auth.factor.enrolled", "auth.mfa.enabled"],
    &["transaction.entry.recorded", "ledger.entry.posted"],
    &["transaction.imbalance.detected", "ledger.imbalance.detected"],
    &["payment.created", "payment.initiated"],
    &["payment.dispute.created", "payment.disputed"],
    &["invoice.finalized", "invoice.issued"],
    &["subscription.canceled", "subscription.cancelled"],
    &["withdrawal.created", "withdrawal.requested"],
    &["funding.successful", "funding.completed"],
    &["swap.completed", "swap.executed"],
];

/// Words whose module is here and whose fact is not yet announced. The list may only shrink.
pub const PENDING: &[&str] = &["auth.factor.enrolled"];

/// All words for the fact that this word names; none where it has no other.
pub fn synonyms(word: &str) -> &'static [&'static str] {
    SYNONYMS.iter().find(|words| words.contains(&word)).copied().unwrap_or_default()
}

/// The newest major of the event of this name, or of any other name of the same fact.
pub fn find<'a>(catalogue: &'a Catalogue, name: &str) -> Option<&'a Entry> {
    let synonyms = synonyms(name);
    let is_meant = |entry: &&Entry| entry.spec.name == name || synonyms.contains(&entry.spec.name);
    catalogue.entries.iter().filter(is_meant).max_by_key(|entry| entry.spec.major)
}

/// What is wrong with the words for these events, as text.
pub fn faults(entries: &[Entry]) -> Vec<String> {
    let names: BTreeSet<&str> = entries.iter().map(|entry| entry.spec.name).collect();
    of_synonyms(&names, SYNONYMS, PENDING)
}

/// Of each list exactly one word is declared, once there are events whose names begin like one of them.
fn of_synonyms(names: &BTreeSet<&str>, synonyms: &[&[&str]], pending: &[&str]) -> Vec<String> {
    let family = |word: &str| word.split_once('.').map(|(family, _)| family.to_owned());
    let families: BTreeSet<String> = names.iter().filter_map(|name| family(name)).collect();
    let mut found = Vec::new();
    for words in synonyms {
        let declared: Vec<&&str> = words.iter().filter(|word| names.contains(**word)).collect();
        let waits = pending.iter().find(|word| words.contains(word));
        let is_due =
            words.iter().filter_map(|word| family(word)).any(|one| families.contains(&one));
        match (declared.as_slice(), waits) {
            ([_], None) => {}
            ([_], Some(word)) => {
                found.push(format!("event {word} is announced: strike it from PENDING"));
            }
            ([], None) if is_due => found.push(format!(
                "none of {} is an event: declare the one that is to be canonical",
                words.join(", ")
            )),
            ([], _) => {}
            _ => found.push(format!("{} name one fact: declare one of them", words.join(", "))),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_names_two_facts() {
        let words: Vec<&str> = SYNONYMS.iter().flat_map(|words| words.iter().copied()).collect();
        for word in &words {
            assert_eq!(words.iter().filter(|other| *other == word).count(), 1, "{word}");
        }
        assert!(SYNONYMS.iter().all(|words| words.len() > 1));
    }

    #[test]
    fn words_for_one_fact_find_each_other() {
        assert_eq!(synonyms("user_was_deleted"), synonyms("user.deleted"));
        assert_eq!(synonyms("auth.user.registered"), &[] as &[&str]);
    }

    #[test]
    fn exactly_one_word_of_a_fact_is_declared_once_its_module_is_here() {
        let words: &[&[&str]] = &[&["a.b.created", "c.created", "b_was_created"]];
        let cases: [(&[&str], &[&str], Option<&str>); 9] = [
            (&["x.y.done_ed"], &[], None),
            (&["a.b.created"], &[], None),
            (&["c.created", "a.b.deleted"], &[], None),
            (&["a.b.created", "c.created"], &[], Some("name one fact: declare one of them")),
            (&["a.b.deleted"], &[], Some("declare the one that is to be canonical")),
            (&["c.deleted"], &[], Some("declare the one that is to be canonical")),
            (&["b.deleted"], &[], None),
            (&["a.b.deleted"], &["a.b.created"], None),
            (&["a.b.created"], &["a.b.created"], Some("strike it from PENDING")),
        ];
        for (names, pending, expected) in cases {
            let found = of_synonyms(&names.iter().copied().collect(), words, pending);
            match expected {
                None => assert_eq!(found, [] as [String; 0], "{names:?}"),
                Some(end) => assert!(found.len() == 1 && found[0].ends_with(end), "{found:?}"),
            }
        }
    }

    #[test]
    fn an_event_is_found_by_its_name_and_by_every_other_name_of_its_fact() {
        let mut catalogue = crate::catalogue();
        let mut entry = catalogue.entries.remove(0);
        entry.spec.name = "payment.created";
        catalogue.entries = vec![entry];
        for name in ["payment.created", "payment.initiated"] {
            assert_eq!(find(&catalogue, name).unwrap().spec.name, "payment.created", "{name}");
        }
        for name in ["payment.disputed", "payment", "payment.created@2", ""] {
            assert!(find(&catalogue, name).is_none(), "{name}");
        }
    }
}
