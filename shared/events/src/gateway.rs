//! Events of module `gateway`.

use kernel::EntityKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Event, Fact, events};

events! {
    /// A module is not well.
    DEGRADED: Event<ModuleChanged> =
        Event::new("gateway.module.degraded", EntityKind::Operation).urgent();

    /// A module is well again.
    RECOVERED: Event<ModuleChanged> = Event::new("gateway.module.recovered", EntityKind::Operation);
}

/// Data of both events.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ModuleChanged {
    #[schemars(length(max = 32), extend("x-pii" = "fact"))]
    pub module: String,
}

impl Fact for ModuleChanged {
    fn sample() -> Self {
        Self { module: "notification".to_owned() }
    }
}
