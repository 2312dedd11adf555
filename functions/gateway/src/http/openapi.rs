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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::domain::registry;

    #[test]
    fn the_one_document_tells_of_every_route_of_every_module() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let modules = registry::all().unwrap();
        let routes: Vec<&String> = modules.iter().flat_map(|module| &module.routes).collect();
        assert!(!routes.is_empty() && modules.len() > 2);
        for route in routes {
            let (method, path) = route.split_once(' ').unwrap();
            let operation = &document["paths"][path][method.to_lowercase()];
            assert!(operation.get("operationId").is_some(), "{route}");
        }
    }
}
