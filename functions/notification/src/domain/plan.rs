//! The plan: what one event means for one person, and which rule decided it. The order of the rules
//! is contract.

use serde::{Deserialize, Serialize};

use super::binding::Binding;
use super::channel::Channel;
use super::outcome::{Outcome, SkipReason};

/// What is known of the person at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Whether they have a mail address, and whether they have proven it.
    pub mail: MailAddress,
    /// Whether the same message was planned for them before.
    pub guarded: bool,
}

/// The standing of a person's mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MailAddress {
    None,
    Unverified,
    Verified,
}

/// The rules, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Who is told.
    Audience,
    /// What it is about, and whether that can be switched off.
    Category,
    /// Whether the person wants it on this channel.
    Preference,
    /// Whether there is somewhere to send it.
    Address,
    /// Whether it was planned before.
    Dedupe,
    /// Whether all channels get it, or one after the other.
    Mode,
}

/// One step of a plan, as `why` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Decision {
    pub rule: Rule,
    /// What the rule looked at; never a name or an address.
    pub input: String,
    /// `passed`, or the outcome it led to.
    pub result: String,
}

/// One channel of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    pub channel: Channel,
    /// Why it is left out; nothing where it is due.
    pub skipped: Option<SkipReason>,
}

/// A plan: how it came about, and one row per channel. Without rows there is nothing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub decisions: Vec<Decision>,
    pub rows: Vec<Planned>,
}

/// Plans the binding's message for one person. A channel that is left out never touches the others.
pub fn decide(binding: &Binding, snapshot: &Snapshot) -> Plan {
    let category = binding.category;
    let kind = if category.is_mandatory() { "mandatory" } else { "optional" };
    let mut decisions = vec![
        noted(Rule::Audience, "user", None),
        noted(Rule::Category, &format!("{} {kind}", category.as_str()), None),
    ];
    for channel in binding.channels {
        // Nobody has stored a preference yet: the binding's channels are the defaults.
        decisions.push(noted(Rule::Preference, &format!("{} default", channel.as_str()), None));
    }
    let mut rows = Vec::new();
    for channel in binding.channels.iter().copied() {
        let (input, skipped) = address(channel, binding, snapshot.mail);
        decisions.push(noted(Rule::Address, &format!("{} {input}", channel.as_str()), skipped));
        rows.push(Planned { channel, skipped });
    }
    if snapshot.guarded {
        decisions.push(noted(Rule::Dedupe, "known", Some(SkipReason::Duplicate)));
        return Plan { decisions, rows: Vec::new() };
    }
    decisions.push(noted(Rule::Dedupe, "new", None));
    decisions.push(noted(Rule::Mode, "all", None));
    Plan { decisions, rows }
}

fn address(
    channel: Channel,
    binding: &Binding,
    mail: MailAddress,
) -> (&'static str, Option<SkipReason>) {
    match (channel, mail) {
        (Channel::Database, _) => ("inbox", None),
        (Channel::Mail, MailAddress::Verified) => ("verified", None),
        (Channel::Mail, MailAddress::Unverified) => {
            let wanted = binding.category.demands_verified();
            ("unverified", wanted.then_some(SkipReason::NoAddress))
        }
        (Channel::Mail, MailAddress::None) => ("none", Some(SkipReason::NoAddress)),
    }
}

fn noted(rule: Rule, input: &str, skipped: Option<SkipReason>) -> Decision {
    let result = match skipped {
        None => "passed".to_owned(),
        Some(reason) => Outcome::Skipped(reason).to_string(),
    };
    Decision { rule, input: input.to_owned(), result }
}

#[cfg(test)]
mod tests {
    use super::super::category::Category;
    use super::super::template::Template;
    use super::*;

    fn binding(category: Category) -> Binding {
        Binding {
            event: "a.b.c",
            category,
            template: Template::Welcome,
            channels: &[Channel::Database, Channel::Mail],
            expires_after: None,
        }
    }

    fn plan(category: Category, mail: MailAddress, guarded: bool) -> Plan {
        decide(&binding(category), &Snapshot { mail, guarded })
    }

    #[test]
    fn mail_goes_where_there_is_an_address_the_category_accepts() {
        use Category::{Account, Billing, Security};
        use MailAddress::{None as NoMail, Unverified, Verified};
        let skipped = Some(SkipReason::NoAddress);
        let table = [
            (Account, NoMail, skipped),
            (Account, Unverified, None),
            (Account, Verified, None),
            (Security, Unverified, None),
            (Billing, Unverified, skipped),
            (Billing, Verified, None),
        ];
        for (category, mail, expected) in table {
            let rows = plan(category, mail, false).rows;
            let inbox = Planned { channel: Channel::Database, skipped: None };
            let mail = Planned { channel: Channel::Mail, skipped: expected };
            assert_eq!(rows, [inbox, mail], "{category:?}");
        }
    }

    #[test]
    fn what_was_planned_before_has_no_rows() {
        let plan = plan(Category::Account, MailAddress::Verified, true);
        assert_eq!(plan.rows, []);
        let last = plan.decisions.last().unwrap();
        assert_eq!((last.rule, last.result.as_str()), (Rule::Dedupe, "skipped:duplicate"));
    }

    #[test]
    fn every_rule_says_what_it_decided_in_order() {
        let plan = plan(Category::Account, MailAddress::None, false);
        let story: Vec<String> = plan
            .decisions
            .iter()
            .map(|one| format!("{:?} {} {}", one.rule, one.input, one.result))
            .collect();
        assert_eq!(
            story,
            [
                "Audience user passed",
                "Category account optional passed",
                "Preference database default passed",
                "Preference mail default passed",
                "Address database inbox passed",
                "Address mail none skipped:no_address",
                "Dedupe new passed",
                "Mode all passed",
            ]
        );
    }
}
