use clap::{Args, ValueEnum};

use super::edit::{before_first_after, before_last, pascal, sorted_line};
use super::{Draft, check_text, check_word, filled, id_parts};
use crate::console::Failure;
use crate::platform::path_parameters;

/// An endpoint: a contract, a handler in a file of its own, a row.
#[derive(Args)]
pub struct Endpoint {
    /// Its id: <module>.<verb>.
    id: String,
    method: Method,
    /// The path, with parameters in braces: /v1/bills/{bill_id}.
    path: String,
    /// What it does, in one sentence: the public documentation.
    #[arg(long)]
    summary: String,
    #[command(flatten)]
    access: Access,
}

/// There is no default: every endpoint says who may call it.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Access {
    /// For a person, on rows of their own.
    #[arg(long)]
    own: bool,
    /// For every principal except publishable keys.
    #[arg(long)]
    any_principal: bool,
    /// For everyone, for this reason.
    #[arg(long, value_name = "REASON")]
    public: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Method {
    #[value(name = "GET")]
    Get,
    #[value(name = "POST")]
    Post,
    #[value(name = "PUT")]
    Put,
    #[value(name = "PATCH")]
    Patch,
    #[value(name = "DELETE")]
    Delete,
}

impl Method {
    const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

impl Access {
    /// The alias of the endpoint's type, the decision, and who the handler is given.
    fn words(&self) -> (&'static str, String, &'static str) {
        match &self.public {
            Some(reason) => ("Public", format!("public(\"{reason}\")"), "Anonymous"),
            None if self.own => ("Own", "own()".to_owned(), "User"),
            None => ("Granted", "any_principal()".to_owned(), "Principal"),
        }
    }
}

const HANDLER: &str = include_str!("../../../scaffold/endpoint.txt");
const CONTRACT: &str = include_str!("../../../scaffold/contract.txt");
const TYPES: &str = include_str!("../../../scaffold/contract_types.txt");

impl Endpoint {
    /// Drafts the endpoint.
    pub fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Failure> {
        let (module, verb) = id_parts(&self.id)?;
        check_text("summary", &self.summary)?;
        check_text("path", &self.path)?;
        check_text("reason", self.access.public.as_deref().unwrap_or_default())?;
        let fields = path_parameters(&self.path);
        for field in &fields {
            check_word("parameter", field)?;
        }
        let (kind, access, caller) = self.access.words();
        let audit = match self.method {
            Method::Get => String::new(),
            _ => format!("\n            .audited(\"{module}.{verb}\")"),
        };
        let sample: Vec<String> =
            fields.iter().map(|field| format!("\"{field}\": \"demo\"")).collect();
        let words = [
            ("module", module),
            ("verb", verb),
            ("Verb", &pascal(verb)),
            ("VERB", &verb.to_uppercase()),
            ("summary", &self.summary),
            ("Kind", kind),
            ("method", self.method.name()),
            ("path", &self.path),
            ("access", &access),
            ("audit", &audit),
            ("Caller", caller),
            ("fields", &declared(&fields)),
            ("sample", &format!("{{ {} }}", sample.join(", "))),
        ];
        let folder = format!("functions/{module}/src");
        draft.add(&format!("{folder}/http/{verb}.rs"), filled(HANDLER, &words))?;
        enlist_in_http(draft, &folder, verb)?;
        draft.change(&format!("shared/contracts/src/{module}.rs"), |text| {
            let entry = filled(CONTRACT, &words);
            let text = before_first_after(text, "endpoints! {", "}", entry.trim_end_matches('\n'))?;
            Some(imported(&text, kind) + &filled(TYPES, &words))
        })?;
        let row = format!(
            "            runtime::module::serve(&contracts::{module}::{}, http::{verb}::handle),",
            verb.to_uppercase()
        );
        draft.change(&format!("{folder}/lib.rs"), |text| before_last(text, "        ],", &row))
    }
}

/// The module's list of endpoints, made where it has none yet.
fn enlist_in_http(draft: &mut Draft<'_>, folder: &str, verb: &str) -> Result<(), Failure> {
    let (http, line) = (format!("{folder}/http.rs"), format!("pub mod {verb};"));
    if draft.has(&http) {
        return draft.change(&http, |text| sorted_line(text, "pub mod ", &line));
    }
    draft.add(&http, format!("//! The endpoints, one file each.\n\n{line}\n"))?;
    draft.change(&format!("{folder}/lib.rs"), |text| sorted_line(text, "mod ", "mod http;"))
}

/// Members for the parameters of the path.
fn declared(fields: &[&str]) -> String {
    let fields: String =
        fields.iter().map(|field| format!("    pub {field}: kernel::text::Slug,\n")).collect();
    if fields.is_empty() { fields } else { format!("\n{fields}") }
}

/// The file with `crate::<kind>` among its imports.
fn imported(text: &str, kind: &str) -> String {
    let is_import = |line: &str| line.starts_with("use crate::{");
    let words = |line: &str| {
        let separators = |c: char| !c.is_alphanumeric() && c != '_';
        line.split(separators).any(|word| word == kind)
    };
    let lines = text.lines().map(|line| match is_import(line) && !words(line) {
        true => line.replacen('{', &format!("{{{kind}, "), 1),
        false => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    #[test]
    fn an_endpoint_is_a_contract_a_file_and_a_row() {
        let workspace = Workspace::find();
        let mut draft = Draft::of(&workspace);
        let endpoint = Endpoint {
            id: "profile.badge".to_owned(),
            method: Method::Put,
            path: "/v1/profiles/{handle}/badge".to_owned(),
            summary: "Sets a badge.".to_owned(),
            access: Access {
                own: false,
                any_principal: false,
                public: Some("all see it".to_owned()),
            },
        };
        endpoint.draft(&mut draft).unwrap();
        let text = |path: &str| {
            let found = draft.files.iter().find(|(drafted, _)| drafted == path);
            found.map(|(_, text)| text.clone()).unwrap_or_default()
        };
        let contract = text("shared/contracts/src/profile.rs");
        assert!(contract.contains("BADGE: Public<BadgeRequest, BadgeAnswer> ="), "{contract}");
        let decided = ".public(\"all see it\")\n            .audited(\"profile.badge\")\n";
        assert!(contract.contains(decided), "{contract}");
        assert!(contract.contains("pub handle: kernel::text::Slug,"));
        assert!(contract.contains("use crate::{Public, "));
        let row = "runtime::module::serve(&contracts::profile::BADGE, http::badge::handle),";
        assert!(text("functions/profile/src/lib.rs").contains(row));
        assert!(text("functions/profile/src/http.rs").contains("pub mod badge;\npub mod get;"));
        for (path, text) in &draft.files {
            assert!(!text.contains("__"), "{path} has words left to fill");
        }
    }
}
