use clap::Args;

use crate::artefact;
use crate::console::{Failure, complain, say};
use crate::generated;
use crate::platform::Platform;
use crate::wall::{self, Survey};
use crate::workspace::Workspace;

/// Write what follows from the declarations: templates, documents, samples of events.
#[derive(Args)]
pub struct Generate {
    /// Write nothing; list what is stale and fail if anything is.
    #[arg(long)]
    check: bool,
}

impl Generate {
    /// Generates; refuses where a wall is broken, and writes nothing then.
    pub fn run(&self) -> Result<(), Failure> {
        let (workspace, platform) = (Workspace::find(), Platform::read());
        report(&wall::survey(&platform, &workspace))?;
        let artefacts = generated::all(&platform)?;
        if self.check {
            return fresh(&workspace, &artefacts);
        }
        let written = artefact::write(&workspace, &artefacts)?;
        written.iter().for_each(say);
        say(format!("{} files, {} written or removed", artefacts.len(), written.len()));
        Ok(())
    }
}

/// Prints every count, then refuses where a wall is broken.
pub fn report(survey: &Survey) -> Result<(), Failure> {
    for measure in &survey.measures {
        say(format!("{:5} of {:5}  {}", measure.count, measure.limit, measure.what));
    }
    if survey.breaches.is_empty() {
        return Ok(());
    }
    survey.breaches.iter().for_each(complain);
    Err(Failure::refused(format!("{} rules are broken", survey.breaches.len())))
}

/// Refuses stale files, each by name.
pub fn fresh(workspace: &Workspace, artefacts: &[artefact::Artefact]) -> Result<(), Failure> {
    let stale = artefact::stale(workspace, artefacts);
    if stale.is_empty() {
        say(format!("{} generated files are fresh", artefacts.len()));
        return Ok(());
    }
    stale.iter().for_each(complain);
    Err(Failure::refused(format!("{} files are stale: run `cargo talaria gen`", stale.len())))
}
