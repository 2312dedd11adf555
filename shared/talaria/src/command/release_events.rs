use clap::Args;

use crate::compatibility::RELEASED;
use crate::console::{Failure, complain, say};
use crate::platform::Platform;
use crate::workspace::Workspace;
use crate::{asyncapi, compatibility, yaml};

const MADE_BY: &str = "Made by `cargo talaria release-events`; do not edit. What the last release \
                       promised about events.";

/// Record today's events as released: later changes have to be compatible with them.
#[derive(Args)]
pub struct ReleaseEvents {
    /// Record them although they break what the last release promised.
    #[arg(long)]
    accept_breaks: bool,
}

impl ReleaseEvents {
    /// Writes the document; refuses breaks of the last one unless they are accepted.
    pub fn run(&self) -> Result<(), Failure> {
        let (workspace, platform) = (Workspace::find(), Platform::read());
        let current =
            asyncapi::document(&platform).map_err(|why| Failure::refused(why.to_string()))?;
        if workspace.at(RELEASED).exists() {
            let last = yaml::read(&workspace.read(RELEASED)?, RELEASED)?;
            let breaks = compatibility::breaks(&last, &current);
            breaks.iter().for_each(complain);
            if !breaks.is_empty() && !self.accept_breaks {
                let message = format!(
                    "{} promises of the last release are broken: mend them, or give --accept-breaks",
                    breaks.len()
                );
                return Err(Failure::refused(message));
            }
        }
        let text = yaml::write(&current)?;
        workspace.write(RELEASED, &format!("# {MADE_BY}\n{}\n", text.trim_end()))?;
        say(format!("{RELEASED} written"));
        Ok(())
    }
}
