//! Where tables are: their physical names, and the clients that reach them.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;

use crate::table::Table;

/// Where tables are: `<prefix><name>`, unless configuration names one itself.
#[derive(Clone, Debug, Default)]
pub struct Names {
    prefix: String,
    renamed: HashMap<String, String>,
}

impl Names {
    /// All tables are called `<prefix><name>`, for example `talaria-dev-outbox`.
    pub fn prefixed(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), renamed: HashMap::new() }
    }

    /// The tables of these logical names have these physical names.
    #[must_use]
    pub fn renamed(mut self, tables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.renamed.extend(tables);
        self
    }

    /// The physical name of a table.
    pub fn physical(&self, table: &Table) -> String {
        let renamed = self.renamed.get(table.name()).cloned();
        renamed.unwrap_or_else(|| format!("{}{}", self.prefix, table.name()))
    }
}

/// A database besides the usual one, for a module that has its own.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// What tells endpoints apart: tables of one change have to share it.
    pub url: String,
    pub client: Client,
}
