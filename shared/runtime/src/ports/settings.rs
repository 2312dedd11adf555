//! Settings of one module: declared in its own crate, read at the start, and handed to its functions
//! alone. What every function needs is [`Config`](crate::Config).

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::Arc;

use kernel::Error;

use super::config::{ConfigError, Variable};

/// One setting of a module. Its type is the rule: what cannot be read as one refuses the start.
pub struct Setting<T> {
    pub spec: SettingSpec,
    types: PhantomData<fn() -> T>,
}

/// A setting without its type.
#[derive(Clone, Copy, Debug)]
pub struct SettingSpec {
    pub variable: Variable,
    /// What platforms in memory set, so that tests do not wait.
    pub quick: Option<&'static str>,
    read: fn(&str) -> Result<Value, String>,
}

type Value = Arc<dyn Any + Send + Sync>;

impl<T: FromStr<Err: Display> + Send + Sync + 'static> Setting<T> {
    /// A setting read from this variable, and what holds where it is not set.
    pub const fn new(name: &'static str, default: &'static str) -> Self {
        let variable = Variable { name, default: Some(default), docs: "" };
        Self { spec: SettingSpec { variable, quick: None, read: read::<T> }, types: PhantomData }
    }

    /// What platforms in memory set, so that tests do not wait.
    pub const fn quick(mut self, text: &'static str) -> Self {
        self.spec.quick = Some(text);
        self
    }

    /// What it is; the [`settings!`](crate::settings) table fills it in.
    pub const fn documented(mut self, docs: &'static str) -> Self {
        self.spec.variable.docs = docs;
        self
    }
}

impl SettingSpec {
    /// The value that this text or, without one, the default stands for.
    fn value(&self, text: Option<&str>) -> Result<Value, ConfigError> {
        let name = self.variable.name;
        let text = text.or(self.variable.default).ok_or(ConfigError::Missing(name))?;
        (self.read)(text).map_err(|reason| ConfigError::Invalid { name, reason })
    }

    /// Refuses a default, or a quick value, that is not valid itself.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.value(None)?;
        self.quick.map_or(Ok(()), |text| self.value(Some(text)).map(|_| ()))
    }
}

fn read<T: FromStr<Err: Display> + Send + Sync + 'static>(text: &str) -> Result<Value, String> {
    match text.parse::<T>() {
        Ok(value) => Ok(Arc::new(value)),
        Err(fault) => Err(fault.to_string()),
    }
}

/// Declares the settings of a module: constants, and `SETTINGS`, which lists them all for its table.
///
/// A macro, because only a macro can hand a doc comment to the program: the comment is what operators
/// read.
#[macro_export]
macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ty = $setting:expr;)+) => {
        $($(#[doc = $doc])+
        pub const $name: $kind = $setting.documented(concat!($($doc),+));)+

        /// Every setting of this module.
        pub const SETTINGS: &[$crate::settings::SettingSpec] = &[$($name.spec),+];
    };
}

/// The settings a module declares, and their values once they are read.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub declared: Vec<SettingSpec>,
    values: BTreeMap<&'static str, Value>,
}

impl Settings {
    /// These settings, not read yet: the defaults hold.
    pub fn of(declared: &[SettingSpec]) -> Self {
        Self { declared: declared.to_vec(), values: BTreeMap::new() }
    }

    /// Reads the values; refuses the first that is malformed, by its name.
    pub fn read(&self, variables: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let value = |spec: &SettingSpec| {
            let name = spec.variable.name;
            Ok((name, spec.value(variables.get(name).map(String::as_str))?))
        };
        let values = self.declared.iter().map(value).collect::<Result<_, _>>()?;
        Ok(Self { declared: self.declared.clone(), values })
    }

    /// The value of a setting; one that the module's table does not hand in is our own fault.
    pub fn get<T: Clone + 'static>(&self, setting: &Setting<T>) -> Result<T, Error> {
        let name = setting.spec.variable.name;
        let undeclared = || {
            Error::internal(format!("{name} is no setting of this module: add it to .settings(…)"))
        };
        let declared = self.declared.iter().find(|spec| spec.variable.name == name);
        let declared = declared.ok_or_else(undeclared)?;
        let value = match self.values.get(name) {
            Some(value) => value.clone(),
            None => declared.value(None).map_err(|fault| Error::internal(fault.to_string()))?,
        };
        value.downcast_ref::<T>().cloned().ok_or_else(undeclared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    mod own {
        use super::super::Setting;

        crate::settings! {
            /// How many.
            COUNT: Setting<u8> = Setting::new("TALARIA_COUNT", "3").quick("1");
            /// What.
            WHAT: Setting<String> = Setting::new("TALARIA_WHAT", "");
        }
    }
    use own::{COUNT, SETTINGS, WHAT};

    fn read(name: &str, text: &str) -> Result<Settings, ConfigError> {
        let variables = [(name.to_owned(), text.to_owned()), ("OTHER".to_owned(), "x".to_owned())];
        Settings::of(SETTINGS).read(&variables.into())
    }

    #[test]
    fn a_setting_has_the_value_that_is_set_or_its_default() {
        let set = read("TALARIA_COUNT", "4").unwrap();
        assert_eq!((set.get(&COUNT), set.get(&WHAT)), (Ok(4), Ok(String::new())));
        assert_eq!(Settings::of(SETTINGS).get(&COUNT), Ok(3));
    }

    #[test]
    fn a_malformed_setting_is_named() {
        for (name, text) in [("TALARIA_COUNT", "many"), ("TALARIA_COUNT", "256")] {
            let refused = read(name, text).unwrap_err().to_string();
            assert!(refused.starts_with("environment variable TALARIA_COUNT"), "{refused}");
        }
        let wrong: Setting<u8> = Setting::new("TALARIA_WRONG", "3").quick("few");
        assert!(wrong.spec.check().is_err() && SETTINGS.iter().all(|one| one.check().is_ok()));
    }

    #[test]
    fn a_setting_of_another_module_cannot_be_read() {
        let refused = Settings::default().get(&COUNT).unwrap_err();
        assert!(refused.message().contains("TALARIA_COUNT is no setting of this module"));
    }
}
