//! Closed lists: settings, error codes, alarms.

use kernel::FaultCode;
use runtime::config::{VARIABLES, Variable};
use runtime::http::on_wire;

use super::table;
use crate::platform::Platform;
use crate::template::alarm::KINDS;
use crate::template::is_set_on_aws;

/// Every environment variable: what all functions read, and what those of one module do.
pub fn environment(platform: &Platform) -> String {
    let rows = VARIABLES.iter().map(|variable| {
        let on_aws = if is_set_on_aws(variable.name) { "template" } else { "default, or Lambda" };
        told(variable, on_aws.to_owned())
    });
    let own = platform.modules.iter().flat_map(|module| {
        let of = format!("`{}`", module.name);
        module.settings.declared.iter().map(move |one| told(&one.variable, of.clone()))
    });
    let tables = "Besides, `TALARIA_TABLE_<TABLE>` names the physical table of one logical table, and \
                  `TALARIA_TABLE_ENDPOINT_<TABLE>` the DynamoDB endpoint it is reached at, for modules \
                  that have a database of their own. Secrets never stand in the environment; the address \
                  of the mail system may hold a password and is a hidden parameter.";
    format!(
        "# Environment\n\nWhat a function reads at its start. It refuses to start on a missing or \
         malformed value.\n\n{}\n{tables}\n\n## Settings of modules\n\nRead by the functions of one \
         module alone; its template holds the default.\n\n{}",
        table(&["variable", "default", "on AWS from", "meaning"], rows),
        table(&["variable", "default", "module", "meaning"], own)
    )
}

fn told(variable: &Variable, of: String) -> Vec<String> {
    let default = match variable.default {
        None => "must be set".to_owned(),
        Some("") => "empty".to_owned(),
        Some(default) => format!("`{default}`"),
    };
    vec![format!("`{}`", variable.name), default, of, variable.docs.trim().to_owned()]
}

/// Every error code and field code.
pub fn error_codes(platform: &Platform) -> String {
    let mut all = platform.problems.clone();
    all.sort_by_key(|problem| (on_wire(problem.kind()).0, problem.code()));
    let rows = all.into_iter().map(|problem| {
        let (status, error_type) = on_wire(problem.kind());
        vec![
            format!("`{}`", problem.code()),
            status.to_string(),
            format!("`{error_type}`"),
            problem.title().to_owned(),
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
        let platform = Platform::read();
        let (codes, settings) = (error_codes(&platform), environment(&platform));
        for problem in &platform.problems {
            assert!(codes.contains(&format!("| `{}` |", problem.code())), "{problem:?}");
        }
        let own = platform.modules.iter().flat_map(|module| &module.settings.declared);
        let own: Vec<&str> = own.map(|setting| setting.variable.name).collect();
        assert!(own.contains(&"TALARIA_ARGON2_PASSES"), "{own:?}");
        for name in VARIABLES.iter().map(|variable| variable.name).chain(own) {
            assert!(settings.contains(&format!("| `{name}` |")), "{name}");
        }
    }
}
