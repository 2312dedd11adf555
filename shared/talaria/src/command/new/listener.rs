use clap::Args;

use super::edit::{before_last, sorted_line};
use super::{Draft, filled, id_parts};
use crate::console::Failure;
use crate::platform::Platform;

/// A listener: a handler in a file of its own, a row.
#[derive(Args)]
pub struct Listener {
    /// Its id: <module>.on_<event>.
    id: String,
    /// The event it hears: auth.user.registered.
    event: String,
}

const HANDLER: &str = include_str!("../../../scaffold/listener.txt");

impl Listener {
    /// Drafts the listener; refuses an event that is not in the catalogue.
    pub fn draft(&self, draft: &mut Draft<'_>) -> Result<(), Failure> {
        let (module, verb) = id_parts(&self.id)?;
        let Some(file) = verb.strip_prefix("on_").filter(|event| !event.is_empty()) else {
            return Err(Failure::refused(format!("{} must be <module>.on_<event>", self.id)));
        };
        let platform = Platform::of(Vec::new());
        let Some(entry) = platform.event(&self.event) else {
            return Err(Failure::refused(format!(
                "{} is not in the catalogue of events",
                self.event
            )));
        };
        let source = entry.spec.family();
        let declared = draft.read(&file_of(source))?;
        let Some((constant, data)) = constant_of(&declared, &self.event) else {
            let message =
                format!("{} is not declared as expected: write the listener by hand", self.event);
            return Err(Failure::refused(message));
        };
        let words = [("source", source), ("Data", &data), ("event", &self.event)];
        let folder = format!("functions/{module}/src");
        draft.add(&format!("{folder}/on/{file}.rs"), filled(HANDLER, &words))?;
        let (list, line) = (format!("{folder}/on.rs"), format!("pub mod {file};"));
        if draft.has(&list) {
            draft.change(&list, |text| sorted_line(text, "pub mod ", &line))?;
        } else {
            draft.add(&list, format!("//! The listeners, one file each.\n\n{line}\n"))?;
            draft
                .change(&format!("{folder}/lib.rs"), |text| sorted_line(text, "mod ", "mod on;"))?;
        }
        let row = format!(
            "            runtime::module::listen(\"{module}.on_{file}\", &events::{source}::{constant}, \
             on::{file}::handle),"
        );
        draft.change(&format!("{folder}/lib.rs"), |text| before_last(text, "        ],", &row))
    }
}

/// Where the events of a family are declared: those about the platform itself belong to the framework.
fn file_of(family: &str) -> String {
    let of_platform = events::ops::OUTBOX_STALLED.spec.family();
    let declares = if family == of_platform { "interface" } else { "events" };
    format!("shared/{declares}/src/{family}.rs")
}

/// The constant of an event and the type of its data: `USER_REGISTERED: Event<UserRegistered> = …`.
fn constant_of(declared: &str, event: &str) -> Option<(String, String)> {
    let (before, _) = declared.split_once(&format!("\"{event}\""))?;
    let (before, rest) = before.rsplit_once(": Event<")?;
    let constant = before.rsplit(|c: char| c.is_whitespace()).next()?;
    let data = rest.split('>').next()?;
    Some((constant.to_owned(), data.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    #[test]
    fn every_event_is_found_where_it_is_declared() {
        let workspace = Workspace::find();
        for entry in Platform::of(Vec::new()).events {
            let path = file_of(entry.spec.family());
            let found = constant_of(&workspace.read(&path).unwrap(), entry.spec.name);
            assert!(found.is_some(), "{}", entry.spec.name);
        }
        let declared = "    A: Event<B> =\n        Event::new(\"x.y.done\", EntityKind::Link);";
        assert_eq!(constant_of(declared, "x.y.done"), Some(("A".to_owned(), "B".to_owned())));
    }

    #[test]
    fn a_listener_is_a_file_and_a_row() {
        let workspace = Workspace::find();
        let mut draft = Draft::of(&workspace);
        let listener = |id: &str| {
            let event = "auth.email.verified".to_owned();
            Listener { id: id.to_owned(), event }
        };
        assert!(listener("profile.email_verified").draft(&mut draft).is_err());
        listener("profile.on_email_verified").draft(&mut draft).unwrap();
        let table = draft.files.iter().find(|(path, _)| path == "functions/profile/src/lib.rs");
        let (_, table) = table.unwrap();
        assert!(table.contains("mod http;\nmod on;\nmod store;"), "{table}");
        assert!(table.contains(
            "runtime::module::listen(\"profile.on_email_verified\", &events::auth::EMAIL_VERIFIED, \
             on::email_verified::handle),"
        ));
        for (path, text) in &draft.files {
            assert!(!text.contains("__"), "{path} has words left to fill");
        }
    }
}
