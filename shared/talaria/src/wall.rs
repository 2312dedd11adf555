//! Walls: limits of AWS with a margin, and rules no type can hold. Every one is checked before a file is
//! written; the measured ones are printed.

mod declared;
mod event;
mod filter;
mod listener;
mod measured;
mod overlap;
mod policy;
mod released;
mod root;
mod schema;
mod settings;
mod stages;

pub use measured::Measure;

use crate::platform::Platform;
use crate::workspace::Workspace;

/// Longest name of a root stack: what function names leave for it (Lambda takes 64 characters).
pub const STACK_NAME_MAX: usize = 20;

/// A rule that is broken; the text says where and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach(pub String);

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A breach, formatted.
macro_rules! breach {
    ($($text:tt)*) => { $crate::wall::Breach(format!($($text)*)) };
}
pub(crate) use breach;

/// What was measured, and what is broken.
pub struct Survey {
    pub measures: Vec<Measure>,
    pub breaches: Vec<Breach>,
}

/// Checks every wall.
pub fn survey(platform: &Platform, workspace: &Workspace) -> Survey {
    let mut breaches = declared::breaches(platform);
    breaches.extend(event::breaches(platform));
    breaches.extend(filter::breaches(platform));
    breaches.extend(overlap::breaches(platform));
    breaches.extend(schema::breaches(platform));
    breaches.extend(settings::breaches(platform));
    breaches.extend(released::breaches(platform, workspace));
    breaches.extend(stages::breaches(platform));
    let mut measures = measured::measures(platform);
    match root::read(workspace) {
        Ok(template) => {
            breaches.extend(root::breaches(platform, &template, &workspace.folders("functions")));
            measures.extend(measured::of_root(platform, &template));
        }
        Err(failure) => breaches.push(breach!("{failure}")),
    }
    breaches.extend(measures.iter().filter_map(Measure::breach));
    Survey { measures, breaches }
}
