//! Other names of events. They are accepted wherever an event type is an input, and answered with the
//! canonical word: the one that is declared.

/// Words for one fact, each list once. The event tables pick the canonical word by declaring it:
/// [`crate::rules`] refuses a list of which two words are declared, and a list of which none is, as soon
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
}
