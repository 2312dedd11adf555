//! Where the functions of a module log: one group for all of them. The streams in it are named after
//! their functions (Lambda Developer Guide, "Configuring CloudWatch log groups").

use runtime::Module;
use serde_json::{Value, json};

use super::Resources;
use super::intrinsic::{filled, kept, only_if, reference, resource};

/// The logical name of the group.
pub const GROUP: &str = "Logs";

/// The group, where the module has a function.
pub fn group(module: &Module) -> Resources {
    if module.rows.is_empty() {
        return Resources::new();
    }
    let properties = json!({
        "LogGroupName": filled(format!("/aws/lambda/${{Name}}-{}", module.name)),
        "RetentionInDays": reference("LogRetentionDays"),
        "KmsKeyId": only_if("OwnKey", reference("KmsKey")),
    });
    [(GROUP.to_owned(), kept(resource("AWS::Logs::LogGroup", properties)))].into_iter().collect()
}

/// What functions say about where they log.
pub fn config() -> Value {
    json!({ "LogGroup": reference(GROUP) })
}
