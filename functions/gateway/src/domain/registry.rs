//! The module registry: written by `talaria gen` from the module tables, because no module imports
//! another.

use contracts::gateway::{ModuleHealth, ModuleView};
use kernel::Error;
use serde::Deserialize;

const REGISTRY: &str = include_str!("../../../../docs/generated/modules.json");

/// One module as its table says.
#[derive(Clone, Debug, Deserialize)]
pub struct Registered {
    pub name: String,
    /// `METHOD /path`.
    pub routes: Vec<String>,
    pub events: Vec<String>,
    pub listeners: Vec<String>,
    pub tables: Vec<String>,
}

impl Registered {
    /// What callers see of it.
    pub fn view(self, health: ModuleHealth) -> ModuleView {
        ModuleView {
            name: self.name,
            version: env!("CARGO_PKG_VERSION"),
            routes: self.routes,
            events: self.events,
            listeners: self.listeners,
            tables: self.tables,
            health,
        }
    }
}

/// Every module, by name.
pub fn all() -> Result<Vec<Registered>, Error> {
    serde_json::from_str(REGISTRY)
        .map_err(|fault| Error::internal(format!("the module registry is broken: {fault}")))
}

/// The methods a path has, in alphabetical order; none where no route fits it.
pub fn methods_of(path: &str) -> Result<Vec<String>, Error> {
    let modules = all()?;
    let routes = modules.iter().flat_map(|one| &one.routes);
    let mut methods: Vec<String> = routes
        .filter_map(|route| route.split_once(' '))
        .filter(|(_, template)| fits(template, path))
        .map(|(method, _)| method.to_owned())
        .collect();
    methods.sort_unstable();
    methods.dedup();
    Ok(methods)
}

fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut found) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            (Some(parameter), Some(text)) if parameter.starts_with('{') && !text.is_empty() => {}
            (Some(wanted), Some(found)) if wanted == found => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_its_template_only() {
        let cases = [
            ("/v1/profile", "/v1/profile", true),
            ("/v1/profiles/{user_id}", "/v1/profiles/usr_1", true),
            ("/v1/profiles/{user_id}", "/v1/profiles/", false),
            ("/v1/profiles/{user_id}", "/v1/profiles", false),
            ("/v1/profiles/{user_id}", "/v1/profiles/usr_1/x", false),
            ("/v1/profile", "/v1/profile/", false),
        ];
        for (template, path, expected) in cases {
            assert_eq!(fits(template, path), expected, "{template} {path}");
        }
    }

    #[test]
    fn every_route_of_the_registry_is_found_by_its_own_path() {
        for module in all().unwrap() {
            for (method, path) in module.routes.iter().filter_map(|route| route.split_once(' ')) {
                assert!(methods_of(path).unwrap().contains(&method.to_owned()), "{method} {path}");
            }
        }
    }
}
