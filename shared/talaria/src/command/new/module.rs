use clap::{Args, ValueEnum};

use super::edit::{before_last, pascal, sorted_line};
use super::{Draft, check_text, check_word, filled};
use crate::console::Failure;

/// A module: crate, contracts, events, catalog line, nested stack.
#[derive(Args)]
pub struct Module {
    /// One word: also the crate, the table and the start of every id.
    name: String,
    /// What it is for, in one sentence.
    #[arg(long)]
    purpose: String,
    /// The API its routes belong to.
    #[arg(long, default_value = "money")]
    group: Group,
}

#[derive(Clone, Copy, ValueEnum)]
enum Group {
    Identity,
    Money,
    Engagement,
}

impl Group {
    const fn name(self) -> &'static str {
        match self {
            Self::Identity => "Identity",
            Self::Money => "Money",
            Self::Engagement => "Engagement",
        }
    }

    /// The line of the nested stack that switches it; identity is always there.
    const fn condition(self) -> &'static str {
        match self {
            Self::Identity => "",
            Self::Money => "    Condition: Money\n",
            Self::Engagement => "    Condition: Engagement\n",
        }
    }
}

const CRATE: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../../../scaffold/manifest.txt")),
    ("src/main.rs", include_str!("../../../scaffold/main.txt")),
    ("src/lib.rs", include_str!("../../../scaffold/lib.txt")),
    ("src/domain.rs", include_str!("../../../scaffold/domain.txt")),
    ("src/domain/note.rs", include_str!("../../../scaffold/note.txt")),
    ("src/http.rs", include_str!("../../../scaffold/http.txt")),
    ("src/http/get.rs", include_str!("../../../scaffold/get.txt")),
    ("src/http/set.rs", include_str!("../../../scaffold/set.txt")),
    ("src/store.rs", include_str!("../../../scaffold/store.txt")),
    ("src/store/keys.rs", include_str!("../../../scaffold/keys.txt")),
];
const CONTRACTS: &str = include_str!("../../../scaffold/contracts.txt");
const EVENTS: &str = include_str!("../../../scaffold/events.txt");
const JOURNEY: &str = include_str!("../../../scaffold/journey.txt");
const STACK: &str = include_str!("../../../scaffold/stack.txt");

impl Module {
    /// Drafts the module and its lines in every list.
    pub fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Failure> {
        check_word("module", &self.name)?;
        check_text("purpose", &self.purpose)?;
        let name = self.name.as_str();
        let words = [
            ("name", name),
            ("Name", &pascal(name)),
            ("NAME", &name.to_uppercase()),
            ("purpose", self.purpose.as_str()),
            ("Group", self.group.name()),
            ("condition", self.group.condition()),
        ];
        for (path, scaffold) in CRATE {
            draft.add(&format!("functions/{name}/{path}"), filled(scaffold, &words))?;
        }
        draft.add(&format!("shared/contracts/src/{name}.rs"), filled(CONTRACTS, &words))?;
        draft.add(&format!("shared/events/src/{name}.rs"), filled(EVENTS, &words))?;
        draft.add(&format!("tests/it/journeys/{name}.rs"), filled(JOURNEY, &words))?;
        enlist(draft, name)?;
        let stack = filled(STACK, &words);
        draft.change("template.yaml", |text| {
            before_last(
                text,
                "  # One nested stack per module, above.",
                stack.trim_start_matches('\n'),
            )
        })
    }
}

/// The module's line in every list of modules.
fn enlist(draft: &mut Draft<'_>, name: &str) -> Result<(), Failure> {
    draft.change("Cargo.toml", |text| {
        let line = format!("{name} = {{ path = \"functions/{name}\" }}");
        in_block(text, "# What we do", &line)
    })?;
    draft.change("shared/catalog/Cargo.toml", |text| {
        in_block(text, "[dependencies]", &format!("{name}.workspace = true"))
    })?;
    draft.change("shared/catalog/src/lib.rs", |text| in_list(text, name))?;
    draft.change("tests/it/journeys.rs", |text| {
        in_block(text, "journeys! {", &format!("    {name},"))
    })?;
    for declares in ["contracts", "events"] {
        draft.change(&format!("shared/{declares}/src/lib.rs"), |text| {
            let text = sorted_line(text, "pub mod ", &format!("pub mod {name};"))?;
            in_list(&text, name)
        })?;
    }
    Ok(())
}

/// Puts a module into the list of modules of a crate.
fn in_list(text: &str, name: &str) -> Option<String> {
    in_block(text, "modules! {", &format!("    {name}"))
}

/// Puts a line behind a heading, before the first line that sorts after it.
fn in_block(text: &str, heading: &str, line: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.iter().position(|one| *one == heading)? + 1;
    let block = lines.iter().skip(from).take_while(|one| !one.is_empty());
    let at = from + block.take_while(|one| **one < line).count();
    let (before, after) = lines.split_at(at.min(lines.len()));
    let all = before.iter().copied().chain([line]).chain(after.iter().copied());
    Some(all.collect::<Vec<_>>().join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    #[test]
    fn a_module_can_be_drafted_into_the_project_as_it_is() {
        let workspace = Workspace::find();
        let mut draft = Draft::of(&workspace);
        let module = Module {
            name: "billing".to_owned(),
            purpose: "Bills.".to_owned(),
            group: Group::Money,
        };
        module.draft(&mut draft).unwrap();
        let text = |path: &str| {
            let found = draft.files.iter().find(|(drafted, _)| drafted == path);
            found.map(|(_, text)| text.clone()).unwrap_or_default()
        };
        for list in ["catalog", "contracts", "events"] {
            let list = text(&format!("shared/{list}/src/lib.rs"));
            assert!(list.contains("modules! {\n    auth\n    billing\n    gateway\n"), "{list}");
        }
        assert!(text("shared/events/src/lib.rs").contains("mod auth;\npub mod billing;\n"));
        let manifest = text("Cargo.toml");
        assert!(manifest.contains("billing = { path = \"functions/billing\" }\ngateway ="));
        assert!(text("template.yaml").contains("  BillingStack:\n"));
        assert!(text("tests/it/journeys.rs").contains("    auth,\n    billing,\n    gateway"));
        assert!(text("tests/it/journeys/billing.rs").contains("/v1/billing"));
        for (path, text) in &draft.files {
            assert!(!text.contains("__"), "{path} has words left to fill");
        }
    }

    #[test]
    fn a_module_that_is_there_is_refused() {
        let workspace = Workspace::find();
        let (name, purpose) = ("auth".to_owned(), "Again.".to_owned());
        let module = Module { name, purpose, group: Group::Money };
        assert!(module.draft(&mut Draft::of(&workspace)).is_err());
    }
}
