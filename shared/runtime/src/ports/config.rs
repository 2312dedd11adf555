//! Configuration of every function, declared once: the table below is the struct, the reader and the
//! documentation. What one module alone needs is among its [settings](crate::settings).

use std::collections::BTreeMap;

use super::name::resource_name;

/// The stage of a laptop.
pub const LOCAL: &str = "local";

/// One environment variable of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    pub name: &'static str,
    /// What holds when it is not set; `None` means it must be set.
    pub default: Option<&'static str>,
    pub docs: &'static str,
}

/// Why a process refuses to start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("environment variable {0} is not set")]
    Missing(&'static str),
    #[error("environment variable {name} is not valid: {reason}")]
    Invalid { name: &'static str, reason: String },
}

macro_rules! variables {
    ($($(#[doc = $doc:literal])+ $field:ident: $kind:ty = $name:literal $(or $default:literal)?;)+) => {
        /// The settings of one process.
        #[derive(Clone, Debug)]
        pub struct Config {
            $($(#[doc = $doc])+ pub $field: $kind,)+
            /// Physical table names that do not follow the prefix, by table.
            pub table_names: BTreeMap<String, String>,
            /// DynamoDB endpoints of modules that have a database of their own, by table.
            pub table_endpoints: BTreeMap<String, String>,
        }

        /// Every variable, for the documentation.
        pub const VARIABLES: &[Variable] = &[
            $(Variable {
                name: $name,
                default: variables!(@default $($default)?),
                docs: concat!($($doc),+),
            },)+
        ];

        impl Config {
            /// Reads the settings from `variables`; refuses the first that is missing or malformed.
            pub fn read(variables: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
                Ok(Self {
                    $($field: read(variables, $name, variables!(@default $($default)?))?,)+
                    table_names: family(variables, "TALARIA_TABLE_"),
                    table_endpoints: family(variables, "TALARIA_TABLE_ENDPOINT_"),
                })
            }
        }
    };
    (@default $default:literal) => { Some($default) };
    (@default) => { None };
}

variables! {
    /// The stage: `local`, `dev`, `staging` or `prod`.
    stage: String = "TALARIA_STAGE" or "local";
    /// What physical table names start with.
    table_prefix: String = "TALARIA_TABLE_PREFIX" or "talaria-local-";
    /// What Lambda function names start with; the entry's id follows with a dash for the dot.
    function_prefix: String = "TALARIA_FUNCTION_PREFIX" or "talaria-local-";
    /// What secret names start with.
    secret_prefix: String = "TALARIA_SECRET_PREFIX" or "talaria/local/";
    /// The issuer of our tokens: an absolute URL without trailing slash.
    issuer: String = "TALARIA_ISSUER";
    /// The audience of access tokens; the issuer where empty.
    audience: String = "TALARIA_AUDIENCE" or "";
    /// Origins of web pages that may call the API, separated by commas (RFC 6454).
    allowed_origins: String = "TALARIA_ALLOWED_ORIGINS" or "";
    /// The standard topic events are published to.
    events_topic: String = "TALARIA_EVENTS_TOPIC" or "";
    /// The FIFO topic events of ordered entities are published to.
    events_fifo_topic: String = "TALARIA_EVENTS_FIFO_TOPIC" or "";
    /// What the URLs of queues start with; the queue's own name follows.
    queue_prefix: String = "TALARIA_QUEUE_PREFIX" or "";
    /// The bucket published events are archived in; nowhere where empty.
    archive_bucket: String = "TALARIA_ARCHIVE_BUCKET" or "";
    /// The id of the HTTP API events must come from; not checked where empty.
    api_id: String = "TALARIA_API_ID" or "";
    /// Where mail goes: `smtp://host:port` (local), `smtps://user:password@host:port`, or empty.
    mail_url: SecretSetting = "TALARIA_MAIL_URL" or "";
    /// The sender of all mail.
    mail_from: String = "TALARIA_MAIL_FROM" or "Talaria <no-reply@talaria.invalid>";
    /// Test mode: answers carry their DynamoDB requests and cost in headers.
    test_mode: bool = "TALARIA_TEST_MODE" or "false";
    /// The commit this build was made from.
    commit: String = "TALARIA_COMMIT" or "unknown";
    /// Changes with every parameter of a stack, so that a changed parameter reaches running functions.
    config_version: String = "TALARIA_CONFIG_VERSION" or "0";
    /// The AWS region.
    region: String = "AWS_REGION" or "eu-central-1";
    /// One endpoint for all AWS services; each service's own endpoint goes before it.
    aws_endpoint: String = "AWS_ENDPOINT_URL" or "";
    /// The endpoint of DynamoDB.
    dynamodb_endpoint: String = "AWS_ENDPOINT_URL_DYNAMODB" or "";
    /// The endpoint of SQS.
    sqs_endpoint: String = "AWS_ENDPOINT_URL_SQS" or "";
    /// The endpoint of SNS.
    sns_endpoint: String = "AWS_ENDPOINT_URL_SNS" or "";
    /// The endpoint of S3.
    s3_endpoint: String = "AWS_ENDPOINT_URL_S3" or "";
    /// The endpoint of Secrets Manager.
    secretsmanager_endpoint: String = "AWS_ENDPOINT_URL_SECRETS_MANAGER" or "";
    /// The endpoint of Lambda, for typed calls.
    lambda_endpoint: String = "AWS_ENDPOINT_URL_LAMBDA" or "";
    /// Credentials, set by Lambda.
    access_key_id: String = "AWS_ACCESS_KEY_ID" or "local";
    /// Credentials, set by Lambda.
    secret_access_key: SecretSetting = "AWS_SECRET_ACCESS_KEY" or "local";
    /// Credentials, set by Lambda.
    session_token: SecretSetting = "AWS_SESSION_TOKEN" or "";
}

impl Config {
    /// The audience of access tokens.
    pub fn api_audience(&self) -> &str {
        if self.audience.is_empty() { &self.issuer } else { &self.audience }
    }

    /// The Lambda function of an entry: the prefix and the id with a dash for the dot.
    pub fn function_name(&self, id: &str) -> String {
        format!("{}{}", self.function_prefix, resource_name(id))
    }

    /// Whether pages of this origin may call us: our own, and those configured.
    pub fn allows_origin(&self, origin: &str) -> bool {
        origin == self.issuer || self.allowed_origins.split(',').any(|one| one.trim() == origin)
    }

    /// Whether this is a laptop and not a deployment.
    pub fn is_local(&self) -> bool {
        self.stage == LOCAL
    }
}

/// A setting that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretSetting(String);

impl SecretSetting {
    /// The value itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SecretSetting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[hidden]")
    }
}

impl std::str::FromStr for SecretSetting {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

fn read<T: std::str::FromStr<Err: std::fmt::Display>>(
    variables: &BTreeMap<String, String>,
    name: &'static str,
    default: Option<&'static str>,
) -> Result<T, ConfigError> {
    let text = variables.get(name).map(String::as_str).or(default);
    let text = text.ok_or(ConfigError::Missing(name))?;
    text.parse().map_err(|fault: T::Err| ConfigError::Invalid { name, reason: fault.to_string() })
}

/// `PREFIX_<TABLE>` variables by table name in lower case.
fn family(variables: &BTreeMap<String, String>, prefix: &str) -> BTreeMap<String, String> {
    const RESERVED: [&str; 2] = ["PREFIX", "ENDPOINT_"];
    let own = |name: &str| !RESERVED.iter().any(|reserved| name.starts_with(reserved));
    let names = variables.iter().filter_map(|(name, value)| {
        let table = name.strip_prefix(prefix)?;
        (!value.is_empty() && own(table)).then(|| (table.to_lowercase(), value.clone()))
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_missing_setting_is_named() {
        let refused = Config::read(&variables(&[])).unwrap_err();
        assert_eq!(refused.to_string(), "environment variable TALARIA_ISSUER is not set");
    }

    #[test]
    fn a_malformed_setting_is_named() {
        let set = [("TALARIA_ISSUER", "http://127.0.0.1"), ("TALARIA_TEST_MODE", "maybe")];
        let refused = Config::read(&variables(&set)).unwrap_err();
        assert!(refused.to_string().starts_with("environment variable TALARIA_TEST_MODE"));
    }

    #[test]
    fn a_module_can_have_a_table_and_an_endpoint_of_its_own() {
        let config = Config::read(&variables(&[
            ("TALARIA_ISSUER", "http://127.0.0.1"),
            ("TALARIA_TABLE_PROFILE", "people"),
            ("TALARIA_TABLE_ENDPOINT_PROFILE", "http://127.0.0.1:8001"),
        ]))
        .unwrap();
        assert_eq!(config.table_names, variables(&[("profile", "people")]));
        assert_eq!(config.table_endpoints, variables(&[("profile", "http://127.0.0.1:8001")]));
    }
}
