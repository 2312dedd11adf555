mod edit;
mod endpoint;
mod listener;
mod module;

use clap::{Args, Subcommand};

use crate::console::{Failure, say};
use crate::workspace::Workspace;

/// Start new code: it compiles, is tested, and stands in every table it has to.
#[derive(Args)]
pub struct New {
    #[command(subcommand)]
    command: NewCommand,
}

#[derive(Subcommand)]
enum NewCommand {
    Endpoint(endpoint::Endpoint),
    Listener(listener::Listener),
    Module(module::Module),
}

impl New {
    /// Writes the files; refuses names that are taken, and writes nothing then.
    pub fn run(&self) -> Result<(), Failure> {
        let workspace = Workspace::find();
        let mut draft = Draft::of(&workspace);
        match &self.command {
            NewCommand::Endpoint(endpoint) => endpoint.draft(&mut draft)?,
            NewCommand::Listener(listener) => listener.draft(&mut draft)?,
            NewCommand::Module(module) => module.draft(&mut draft)?,
        }
        draft.write()
    }
}

/// Files as they will be, written together once all of them are known.
pub struct Draft<'a> {
    workspace: &'a Workspace,
    files: Vec<(String, String)>,
}

impl<'a> Draft<'a> {
    fn of(workspace: &'a Workspace) -> Self {
        Self { workspace, files: Vec::new() }
    }

    /// Adds a file; refuses one that is there.
    pub fn add(&mut self, path: &str, text: String) -> Result<(), Failure> {
        if self.workspace.at(path).exists() {
            return Err(Failure::refused(format!("{path} is there already: choose another name")));
        }
        self.files.push((path.to_owned(), text));
        Ok(())
    }

    /// Changes a file, as it is or as this draft has it.
    pub fn change(
        &mut self,
        path: &str,
        change: impl FnOnce(&str) -> Option<String>,
    ) -> Result<(), Failure> {
        let drafted = self.files.iter().position(|(drafted, _)| drafted == path);
        let before = match drafted.and_then(|at| self.files.get(at)) {
            Some((_, text)) => text.clone(),
            None => self.workspace.read(path)?,
        };
        let unlike =
            || Failure::refused(format!("{path} is not written as expected: edit it by hand"));
        let after = change(&before).ok_or_else(unlike)?;
        self.files.retain(|(drafted, _)| drafted != path);
        self.files.push((path.to_owned(), after));
        Ok(())
    }

    /// Whether a file is there, or will be.
    pub fn has(&self, path: &str) -> bool {
        self.workspace.at(path).exists() || self.files.iter().any(|(drafted, _)| drafted == path)
    }

    /// The text of a file as it is.
    pub fn read(&self, path: &str) -> Result<String, Failure> {
        self.workspace.read(path)
    }

    fn write(self) -> Result<(), Failure> {
        for (path, text) in &self.files {
            self.workspace.write(path, text)?;
            say(path);
        }
        self.format();
        say("Next: write the decision and its test, and use it in tests/it/journeys/<module>.rs;");
        say("then `cargo talaria gen` and what CONTRIBUTING.md says about samples.");
        Ok(())
    }

    /// Puts line breaks where the house has them; without `rustfmt` the next `cargo fmt` does it.
    fn format(&self) {
        let sources = self.files.iter().map(|(path, _)| path).filter(|path| path.ends_with(".rs"));
        let paths = sources.map(|path| self.workspace.at(path));
        let mut rustfmt = std::process::Command::new("rustfmt");
        rustfmt.current_dir(self.workspace.root()).args(["--edition", "2024"]).args(paths);
        let _ = rustfmt.status();
    }
}

/// Refuses what is no word of lower-case letters, digits and underscores.
pub fn check_word(what: &str, word: &str) -> Result<(), Failure> {
    let starts = word.starts_with(|c: char| c.is_ascii_lowercase());
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    match starts && word.len() <= 32 && word.chars().all(is_word) {
        true => Ok(()),
        false => Err(Failure::refused(format!(
            "{what} {word} must be 1 to 32 lower-case letters, digits and underscores"
        ))),
    }
}

/// The module and the verb of an id; refuses what is none.
pub fn id_parts(id: &str) -> Result<(&str, &str), Failure> {
    let parts = id.split_once('.');
    let (module, verb) =
        parts.ok_or_else(|| Failure::refused(format!("{id} must be <module>.<verb>")))?;
    check_word("module", module)?;
    check_word("verb", verb)?;
    Ok((module, verb))
}

/// Refuses text that would end the string it is written into.
pub fn check_text(what: &str, text: &str) -> Result<(), Failure> {
    match text.contains(['"', '\\']) || text.chars().any(char::is_control) {
        true => {
            Err(Failure::refused(format!("{what} cannot hold quotes, backslashes or line breaks")))
        }
        false => Ok(()),
    }
}

/// The scaffold with its words filled in.
pub fn filled(scaffold: &str, words: &[(&str, &str)]) -> String {
    words
        .iter()
        .fold(scaffold.to_owned(), |text, (name, word)| text.replace(&format!("__{name}__"), word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_texts_that_would_break_out_are_refused() {
        for word in ["billing", "two_words", "a1"] {
            assert!(check_word("module", word).is_ok(), "{word}");
        }
        for word in ["", "Billing", "1a", "a-b", "a.b", "../a"] {
            assert!(check_word("module", word).is_err(), "{word}");
        }
        assert!(check_text("purpose", "Says \"hello\".").is_err());
    }

    #[test]
    fn every_word_of_a_scaffold_is_filled_by_its_case() {
        let words = [("name", "billing"), ("Name", "Billing"), ("NAME", "BILLING")];
        assert_eq!(filled("__name__ __Name__ __NAME__", &words), "billing Billing BILLING");
    }
}
