//! Settings and secrets of modules: each has one owner.

use runtime::config::VARIABLES;
use runtime::page::CURSOR_SEAL;
use runtime::secrets::SecretName;

use super::{Breach, breach};
use crate::platform::Platform;

/// Every setting and secret that is declared wrongly.
pub fn breaches(platform: &Platform) -> Vec<Breach> {
    let mut found = of_settings(platform);
    found.extend(of_secrets(platform));
    found
}

/// Settings that two read, or that would refuse the start without having been set.
fn of_settings(platform: &Platform) -> Vec<Breach> {
    let mut found = Vec::new();
    let mut taken: Vec<&str> = VARIABLES.iter().map(|variable| variable.name).collect();
    for module in &platform.modules {
        for setting in &module.settings.declared {
            let name = setting.variable.name;
            if taken.contains(&name) || !name.starts_with("TALARIA_") {
                found.push(breach!("setting {name} of {} needs a name of its own", module.name));
            }
            if let Err(fault) = setting.check() {
                found.push(breach!("the default of a setting of {}: {fault}", module.name));
            }
            taken.push(name);
        }
    }
    found
}

/// Secrets that a stranger keeps or opens; whoever serves a list opens the seal of cursors.
fn of_secrets(platform: &Platform) -> Vec<Breach> {
    let mut found = Vec::new();
    for (module, row) in platform.rows() {
        let foreign = |secret: &&SecretName| secret.module() != module.name;
        for secret in row.keeps.iter().filter(foreign) {
            found
                .push(breach!("{} keeps secret {secret}: its name starts with the module", row.id));
        }
        let opened = row.secrets.iter().filter(|secret| **secret != CURSOR_SEAL);
        for secret in opened.filter(foreign) {
            found.push(breach!("{} opens secret {secret}, which another module keeps", row.id));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use runtime::Row;
    use runtime::settings::Setting;

    use super::*;
    use crate::fixture;

    #[test]
    fn a_setting_has_a_name_of_its_own_and_a_default_that_is_valid() {
        const OWN: Setting<u8> = Setting::new("TALARIA_DEMO", "3");
        let told = |setting: Setting<u8>| {
            let module = fixture::module_of([]).settings(&[OWN.spec, setting.spec]);
            of_settings(&Platform::of(vec![module])).into_iter().map(|one| one.0).collect()
        };
        let lines: [Vec<String>; 5] = [
            told(Setting::new("TALARIA_OTHER", "3")),
            told(OWN),
            told(Setting::new("TALARIA_STAGE", "3")),
            told(Setting::new("OTHER", "3")),
            told(Setting::new("TALARIA_OTHER", "3").quick("many")),
        ];
        assert_eq!(lines.each_ref().map(Vec::len), [0, 1, 1, 1, 1], "{lines:?}");
    }

    #[test]
    fn a_secret_is_opened_by_the_module_that_keeps_it() {
        const STRANGE: SecretName = SecretName::new("other/key");
        let hears = || fixture::hears("demo.on_updated", events::profile::UPDATED.spec);
        let told = |row: Row| {
            let mut module = fixture::module_of([]);
            module.rows.push(row);
            let lines = of_secrets(&Platform::of(vec![module]));
            lines.iter().any(|one| one.0.contains("secret other/key"))
        };
        assert!(told(hears().opens([STRANGE])) && told(hears().keeps([STRANGE])));
        assert!(!told(hears().opens([SecretName::new("demo/key")])));
        let lists = fixture::module_of([hears().opens([CURSOR_SEAL])]);
        assert_eq!(of_secrets(&Platform::of(vec![lists])), []);
    }
}
