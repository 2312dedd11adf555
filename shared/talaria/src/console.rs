//! What the command says: results on standard output, refusals on standard error.

use std::io::Write;

/// Why a command did not do what it was asked to; the text says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The files of the project do not allow it.
    #[error("{0}")]
    Refused(String),
    /// A file could not be read or written.
    #[error("{path}: {fault}")]
    File { path: String, fault: std::io::Error },
    /// Another program failed or could not be started.
    #[error("{program}: {reason}")]
    Program { program: String, reason: String },
}

impl Failure {
    /// The project does not allow it, for this reason.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Refused(reason.into())
    }

    /// A fault of the file at `path`.
    pub fn file(path: &std::path::Path, fault: std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), fault }
    }

    /// A fault of another program.
    pub fn program(program: &str, reason: impl ToString) -> Self {
        Self::Program { program: program.to_owned(), reason: reason.to_string() }
    }
}

/// Writes one line of a result. A closed output, such as a pager that was left, is no fault.
pub fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Writes one line about what went wrong.
pub fn complain(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
