//! What is announced today against what the last release promised.

use super::{Breach, breach};
use crate::compatibility::RELEASED;
use crate::platform::Platform;
use crate::workspace::Workspace;
use crate::{asyncapi, compatibility, yaml};

/// Every promise that is broken.
pub fn breaches(platform: &Platform, workspace: &Workspace) -> Vec<Breach> {
    // A listener that cannot be subscribed is a breach of its own.
    let Ok(current) = asyncapi::document(platform) else { return Vec::new() };
    let released = workspace.read(RELEASED).and_then(|text| yaml::read(&text, RELEASED));
    match released {
        Ok(released) => {
            let breaks = compatibility::breaks(&released, &current);
            breaks.into_iter().map(|line| breach!("released events: {line}")).collect()
        }
        Err(failure) => vec![breach!("{failure}: write it with `cargo talaria release-events`")],
    }
}
