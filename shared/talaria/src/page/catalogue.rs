//! Closed lists: settings, error codes, alarms.

use kernel::FaultCode;
use runtime::config::SETTINGS;
use runtime::http::catalogue;

use super::table;
use crate::template::alarm::KINDS;
use crate::template::is_set_on_aws;

/// Every environment variable of a function.
pub fn environment() -> String {
    let rows = SETTINGS.iter().map(|setting| {
        let default = match setting.default {
            None => "must be set".to_owned(),
            Some("") => "empty".to_owned(),
            Some(default) => format!("`{default}`"),
        };
        let on_aws = if is_set_on_aws(setting.name) { "template" } else { "default, or Lambda" };
        vec![
            format!("`{}`", setting.name),
            default,
            on_aws.to_owned(),
            setting.docs.trim().to_owned(),
        ]
    });
    let tables = "Besides, `TALARIA_TABLE_<TABLE>` names the physical table of one logical table, and \
                  `TALARIA_TABLE_ENDPOINT_<TABLE>` the DynamoDB endpoint it is reached at, for modules \
                  that have a database of their own. Secrets never stand in the environment; the address \
                  of the mail system may hold a password and is a hidden parameter.";
    format!(
        "# Environment\n\nWhat a function reads at its start. It refuses to start on a missing or \
         malformed value.\n\n{}\n{tables}\n",
        table(&["variable", "default", "on AWS from", "meaning"], rows)
    )
}

/// Every error code and field code.
pub fn error_codes() -> String {
    let mut all: Vec<_> = catalogue().iter().collect();
    all.sort_by_key(|one| (one.status, one.code));
    let rows = all.into_iter().map(|one| {
        vec![
            format!("`{}`", one.code),
            one.status.to_string(),
            format!("`{}`", one.error_type),
            one.title.to_owned(),
        ]
    });
    let fields = FaultCode::ALL.iter().map(|code| vec![format!("`{}`", code.as_str())]);
    format!(
        "# Error codes\n\nEvery error is a problem document (RFC 9457) with a member `error` that holds \
         `type`, `code`, `message` and `param`. Codes are forever.\n\n{}\n## Field codes\n\nIn \
         `errors[]` of `validation_failed`, one for every fault.\n\n{}",
        table(&["code", "status", "type", "meaning"], rows),
        table(&["code"], fields)
    )
}

/// Every kind of alarm of a module.
pub fn alarms() -> String {
    let sections = KINDS.iter().map(|kind| {
        format!(
            "## {}\n\n{}\n\n- Raised by: {}.\n- What to do: {}\n",
            kind.name, kind.meaning, kind.threshold, kind.action
        )
    });
    format!(
        "# Alarms\n\nEach module's stack raises these where they apply, and joins them in one composite \
         alarm, `<stack>-<module>-health`. Alarms that page go to parameter `PageTopic`, the others to \
         `TicketTopic`.\n\n{}",
        sections.collect::<Vec<_>>().join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_and_no_setting_is_left_out() {
        let (codes, settings) = (error_codes(), environment());
        for one in catalogue() {
            assert!(codes.contains(&format!("| `{}` |", one.code)), "{}", one.code);
        }
        for setting in SETTINGS {
            assert!(settings.contains(&format!("| `{}` |", setting.name)), "{}", setting.name);
        }
    }
}
