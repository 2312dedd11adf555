use contracts::Nothing;
use kernel::Error;
use runtime::{Anonymous, Ctx, Reply};
use serde_json::Value;

/// The API document, as `talaria gen` wrote it.
const DOCUMENT: &str = include_str!("../../../../docs/generated/openapi.json");

/// Answers the API document.
pub async fn handle(_: Ctx<Anonymous>, _: Nothing) -> Result<Reply<Value>, Error> {
    let document = serde_json::from_str(DOCUMENT)
        .map_err(|fault| Error::internal(format!("the API document is broken: {fault}")))?;
    let tag: String =
        runtime::digest::hex_sha256(&[DOCUMENT.as_bytes()]).chars().take(16).collect();
    Ok(Reply::new(document).tagged(&tag))
}
