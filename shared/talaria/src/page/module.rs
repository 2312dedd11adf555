//! What a module is: its README, its line in the list, its entry in the registry.

use contracts::Access;
use runtime::backbone::Backbone;
use runtime::secrets::SecretName;
use runtime::wiring::LaneError;
use runtime::{Module, Row, Trigger};
use serde_json::{Value, json};

use super::{codes, table};
use crate::platform::{Platform, is_everywhere, route_keys, trigger_word};
use crate::template;

/// The list of modules.
pub fn modules(platform: &Platform) -> String {
    let rows = platform.modules.iter().map(|module| {
        let of = |word: &str| {
            let all = module.rows.iter().filter(|row| trigger_word(&row.trigger) == word);
            all.count().to_string()
        };
        let resources = template::of_module(module).map_or(0, |one| template::resource_count(&one));
        vec![
            format!("[`{0}`](../../functions/{0}/README.md)", module.name),
            module.purpose.to_owned(),
            module.group.as_str().to_owned(),
            module.rows.len().to_string(),
            of("http"),
            of("listener"),
            of("schedule"),
            codes(module.tables.iter().map(store::Table::name)),
            resources.to_string(),
        ]
    });
    let head = [
        "module",
        "job",
        "API",
        "functions",
        "HTTP",
        "listeners",
        "schedules",
        "tables",
        "resources",
    ];
    let sections = platform.modules.iter().map(|module| {
        let rows = module.rows.iter().map(entry);
        format!("## {}\n\n{}", module.name, table(ENTRY_HEAD, rows))
    });
    let sections: Vec<String> = sections.collect();
    format!("# Modules\n\n{}\n{}", table(&head, rows), sections.join("\n"))
}

const ENTRY_HEAD: &[&str] = &["function", "started by", "reads", "writes", "announces", "asks"];

fn entry(row: &Row) -> Vec<String> {
    vec![
        format!("`{}`", row.id),
        started_by(row),
        codes(row.reads.iter().map(store::Table::name)),
        codes(row.writes.iter().map(store::Table::name)),
        codes(row.emits.iter().map(|spec| spec.name)),
        codes(&row.calls),
    ]
}

fn started_by(row: &Row) -> String {
    match &row.trigger {
        Trigger::Http(spec) => codes(route_keys(spec)),
        Trigger::Listener(heard) => codes(heard.events.iter().map(|spec| spec.name)),
        Trigger::Stream { table, .. } => format!("stream of `{}`", table.name()),
        Trigger::Schedule(expression) => format!("`{expression}`"),
        Trigger::Call(_) => "typed call".to_owned(),
        Trigger::Job => "its own queue".to_owned(),
        Trigger::Operator(_) => "the command".to_owned(),
        Trigger::Authorizer => "the HTTP APIs, for evidence".to_owned(),
        Trigger::Socket(route) => format!("socket `{route}`"),
    }
}

/// A module's README: owns, promises, listens to, never does.
pub fn readme(module: &Module) -> String {
    let text = [
        format!("# {}\n\n{}\n", module.name, module.purpose),
        format!("## Owns\n\n{}", owns(module)),
        format!("## Promises\n\n{}", promises(module)),
        format!("## Listens to\n\n{}", listens_to(module)),
        format!("## Never\n\n{}", never(module)),
        format!("## Functions\n\n{}", table(ENTRY_HEAD, module.rows.iter().map(entry))),
    ];
    text.join("\n")
}

fn bullets(lines: Vec<String>, otherwise: &str) -> String {
    if lines.is_empty() {
        return format!("{otherwise}\n");
    }
    lines.into_iter().map(|line| format!("- {line}\n")).collect()
}

fn owns(module: &Module) -> String {
    let tables = module.tables.iter().map(|table| format!("table `{}`", table.name()));
    let settings = module.settings.declared.iter();
    let settings = settings.map(|setting| format!("setting `{}`", setting.variable.name));
    let mut secrets: Vec<SecretName> =
        module.rows.iter().flat_map(|row| row.keeps.iter().copied()).collect();
    secrets.sort_unstable();
    secrets.dedup();
    let secrets = secrets.into_iter().map(|name| format!("secret `{name}`"));
    let mut events: Vec<&str> =
        module.rows.iter().flat_map(|row| row.emits.iter().map(|spec| spec.name)).collect();
    events.sort_unstable();
    events.dedup();
    let events = events.into_iter().map(|name| format!("event `{name}`"));
    bullets(tables.chain(settings).chain(secrets).chain(events).collect(), "Nothing.")
}

fn promises(module: &Module) -> String {
    let line = |row: &Row| {
        let (docs, access) = match &row.trigger {
            Trigger::Http(spec) => (spec.docs, format!(", {}", said(spec.access))),
            Trigger::Call(spec) => (spec.docs, ", to other modules".to_owned()),
            _ => return None,
        };
        let first = docs.lines().next().unwrap_or_default().trim();
        Some(format!("`{}`{access}: {first}", row.id))
    };
    bullets(module.rows.iter().filter_map(line).collect(), "No endpoint.")
}

fn said(access: Access) -> String {
    match access {
        Access::Undecided => "undecided".to_owned(),
        Access::Public { reason } => format!("public ({reason})"),
        Access::Handle { what } => format!("by {what}"),
        Access::Open { reason } => format!("open ({reason})"),
        Access::Own { .. } => "for a person's own rows".to_owned(),
        Access::AnyPrincipal => "for any principal".to_owned(),
        Access::Permission(permission) => format!("with `{}`", permission.as_str()),
    }
}

fn listens_to(module: &Module) -> String {
    let line = |row: &Row| {
        let heard = row.listening()?;
        Some(format!(
            "{} as `{}`: {} tries, then {} s between",
            codes(heard.events.iter().map(|spec| spec.name)),
            row.id,
            heard.tries,
            heard.backoff_s.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
        ))
    };
    bullets(module.rows.iter().filter_map(line).collect(), "No event.")
}

/// What follows from what is not declared.
fn never(module: &Module) -> String {
    let mut lines = vec![
        "imports another module, or writes a table that is neither its own nor the platform's"
            .to_owned(),
        "changes state and announces it in two steps: both are one transaction".to_owned(),
    ];
    let any = |test: fn(&Row) -> bool| module.rows.iter().any(test);
    if !any(|row| !row.calls.is_empty()) {
        lines.push("asks another module".to_owned());
    }
    if !any(|row| row.mails) {
        lines.push("sends mail".to_owned());
    }
    if !any(|row| !row.secrets.is_empty() || !row.keeps.is_empty()) {
        lines.push("opens a secret".to_owned());
    }
    if !any(|row| row.listening().is_some()) {
        lines.push("listens".to_owned());
    }
    bullets(lines, "")
}

/// The registry the gateway answers from.
pub fn registry(platform: &Platform) -> Value {
    let entry = |module: &Module| {
        let routes = module.rows.iter().filter_map(Row::http).filter(|spec| !is_everywhere(spec));
        let routes: Vec<String> = routes.flat_map(route_keys).collect();
        let mut events: Vec<&str> =
            module.rows.iter().flat_map(|row| row.emits.iter().map(|spec| spec.name)).collect();
        events.sort_unstable();
        events.dedup();
        let listeners = module.rows.iter().filter(|row| row.listening().is_some());
        json!({
            "name": module.name,
            "routes": routes,
            "events": events,
            "listeners": listeners.map(|row| row.id).collect::<Vec<_>>(),
            "tables": module.tables.iter().map(store::Table::name).collect::<Vec<_>>(),
        })
    };
    Value::Array(platform.modules.iter().map(entry).collect())
}

/// Who hears what: what every program has to know of the modules it does not hold.
pub fn backbone(platform: &Platform) -> Result<Value, LaneError> {
    Ok(json!(Backbone::of(&platform.modules)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_registry_leaves_out_routes_that_fit_every_path() {
        let registry = registry(&Platform::read());
        assert!(!registry.to_string().contains("{proxy+}"));
    }

    #[test]
    fn a_readme_says_what_a_module_owns_promises_hears_and_never_does() {
        let readme = readme(&fixture::module());
        for part in [
            "- table `profile`",
            "- secret `auth/signing/es256`",
            "- `profile.get`, for a person's own rows: Answers the caller's own profile.",
            "- `profile.profile.updated` as `demo.on_updated`: 5 tries, then 30, 60, 120 s between",
            "- sends mail",
        ] {
            assert!(readme.contains(part), "{part}\n{readme}");
        }
        assert!(!readme.contains("- opens a secret"));
    }
}
