use contracts::Nothing;
use contracts::gateway::ApiDocument;
use kernel::Error;
use runtime::{Anonymous, Ctx, Reply};

/// The API document, as `build.rs` joined it from those of the modules.
const DOCUMENT: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));
/// Names its content.
const TAG: &str = env!("OPENAPI_TAG");

/// Answers the API document.
pub async fn handle(_: Ctx<Anonymous>, _: Nothing) -> Result<Reply<ApiDocument>, Error> {
    Ok(Reply::new(ApiDocument(DOCUMENT)).tagged(TAG))
}
