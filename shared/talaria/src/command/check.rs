use clap::Args;
use events::Envelope;
use serde_json::Value;

use super::generate::{fresh, report};
use crate::console::{Failure, complain, say};
use crate::generated;
use crate::platform::Platform;
use crate::wall;
use crate::workspace::Workspace;

/// Check walls, samples and the freshness of generated files; change nothing.
#[derive(Args)]
pub struct Check {}

impl Check {
    /// Checks; refuses at the first kind of check that finds something.
    pub fn run(&self) -> Result<(), Failure> {
        let (workspace, platform) = (Workspace::find(), Platform::read());
        report(&wall::survey(&platform, &workspace))?;
        fresh(&workspace, &generated::all(&platform)?)?;
        let (read, broken) = samples(&workspace);
        broken.iter().for_each(complain);
        if !broken.is_empty() {
            return Err(Failure::refused(format!("{} samples cannot be read", broken.len())));
        }
        say(format!("{read} samples can be read"));
        Ok(())
    }
}

/// Reads every sample, hand-written ones too; answers how many can be read and what is wrong with the
/// others.
fn samples(workspace: &Workspace) -> (usize, Vec<String>) {
    let (mut read, mut broken) = (0, Vec::new());
    for folder in workspace.folders("events") {
        for name in workspace.files(&format!("events/{folder}")) {
            let path = format!("events/{folder}/{name}");
            match sample(workspace, &path, folder == "domain") {
                Ok(()) => read += 1,
                Err(why) => broken.push(format!("{path}: {why}")),
            }
        }
    }
    (read, broken)
}

fn sample(workspace: &Workspace, path: &str, is_envelope: bool) -> Result<(), String> {
    let text = workspace.read(path).map_err(|failure| failure.to_string())?;
    if is_envelope {
        return Envelope::parse(&text).map(|_| ()).map_err(|fault| fault.to_string());
    }
    serde_json::from_str::<Value>(&text).map(|_| ()).map_err(|fault| fault.to_string())
}
