//! Where the probes keep what they found.

pub mod keys;

use contracts::gateway::ModuleHealth;
use kernel::{EntityKind, EntityRef, Error, Timestamp};
use runtime::Ctx;
use runtime::rate::CELLS;
use store::{Aggregate, Consistency, Head, Key, Stored, Table, Versioned};

use crate::domain::health::{self, Probed};
use crate::domain::registry;

impl Stored for Probed {
    const TABLE: Table = CELLS;

    fn key(&self) -> Key {
        keys::health(&self.module)
    }
}

impl Versioned for Probed {
    fn head(&self) -> Head {
        self.head
    }
}

impl Aggregate for Probed {
    fn entity(&self) -> EntityRef {
        EntityRef::new(EntityKind::Operation, &self.module)
    }
}

/// The health of the modules.
pub struct HealthRows<'a> {
    store: &'a store::Store,
}

impl<'a> HealthRows<'a> {
    /// The rows, for this call.
    pub fn of<Who>(ctx: &'a Ctx<Who>) -> Self {
        Self { store: ctx.store() }
    }

    /// Every module of the registry, in its order.
    pub async fn all(&self, now: Timestamp) -> Result<Vec<ModuleHealth>, Error> {
        let modules = registry::all()?;
        let probed = self.probed(&modules).await?;
        let shown = modules.iter().zip(probed);
        Ok(shown.map(|(module, probed)| health::shown(&module.name, probed, now)).collect())
    }

    /// One module.
    pub async fn of_module(&self, module: &str, now: Timestamp) -> Result<ModuleHealth, Error> {
        let probed = self.store.get(&keys::health(module), Consistency::Eventual).await?;
        Ok(health::shown(module, probed, now))
    }

    /// What the probes found, in the order of `modules`.
    pub async fn probed(
        &self,
        modules: &[registry::Registered],
    ) -> Result<Vec<Option<Probed>>, Error> {
        let keys: Vec<Key> = modules.iter().map(|module| keys::health(&module.name)).collect();
        Ok(self.store.get_many(&keys, Consistency::Eventual).await?)
    }
}
