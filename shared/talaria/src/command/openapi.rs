use clap::Args;

use crate::artefact::Artefact;
use crate::console::{Failure, say};
use crate::openapi;
use crate::platform::Platform;

/// Print the whole API document, as the gateway serves it.
#[derive(Args)]
pub struct OpenApi {}

impl OpenApi {
    /// Prints it.
    pub fn run(&self) -> Result<(), Failure> {
        let document = openapi::document(&Platform::read());
        say(Artefact::json("openapi.json", &document).text.trim_end());
        Ok(())
    }
}
