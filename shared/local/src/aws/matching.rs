//! One value against one matcher: the operators that SNS filter policies and Lambda event filters
//! share.

use serde_json::Value;

/// Numbers of a policy lie within ±10⁹ and count to five decimals (SNS Developer Guide, "Filter
/// policy constraints").
const LARGEST_NUMBER: f64 = 1e9;
const DECIMALS: f64 = 1e5;

/// One entry of the list that a policy gives for a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Matcher {
    /// Exactly this string, number, boolean or null.
    Exact(Value),
    /// A string that begins so.
    Prefix(String),
    /// A string that ends so.
    Suffix(String),
    /// This string in any case.
    IgnoreCase(String),
    /// Some value that matches none of these.
    AnythingBut(Vec<Matcher>),
    /// A number within these bounds.
    Numeric(Vec<(Comparison, f64)>),
    /// Present, or absent.
    Exists(bool),
}

/// How a number compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Matcher {
    /// Reads one entry; says what is wrong with it otherwise.
    pub fn parse(entry: &Value) -> Result<Self, String> {
        let Value::Object(members) = entry else {
            return match entry {
                Value::Array(_) => Err("a match value cannot be a list".to_owned()),
                Value::Number(number) => within_range(number.as_f64()).map(|_| exact(entry)),
                _ => Ok(exact(entry)),
            };
        };
        let mut members = members.iter();
        let (Some((operator, operand)), None) = (members.next(), members.next()) else {
            return Err("a match object has exactly one operator".to_owned());
        };
        let text = || {
            let text = operand.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
            text.ok_or_else(|| format!("{operator} needs a non-empty string"))
        };
        match operator.as_str() {
            "prefix" => text().map(Self::Prefix),
            "suffix" => text().map(Self::Suffix),
            "equals-ignore-case" => text().map(Self::IgnoreCase),
            "exists" => operand
                .as_bool()
                .map(Self::Exists)
                .ok_or_else(|| "exists needs true or false".to_owned()),
            "anything-but" => anything_but(operand),
            "numeric" => numeric(operand),
            other => Err(format!("unrecognized match type {other}")),
        }
    }

    /// Reads the list a policy gives for a key.
    pub fn parse_list(list: &Value) -> Result<Vec<Self>, String> {
        match list.as_array().filter(|entries| !entries.is_empty()) {
            Some(entries) => entries.iter().map(Self::parse).collect(),
            None => Err("match value must be a non-empty list".to_owned()),
        }
    }

    /// Whether one of `matchers` matches one of a key's values; `None`: the key is absent.
    pub fn any(matchers: &[Self], values: Option<&[Value]>) -> bool {
        matchers.iter().any(|matcher| match (matcher, values) {
            (Self::Exists(wanted), values) => *wanted == values.is_some(),
            (_, None) => false,
            (matcher, Some(values)) => values.iter().any(|value| matcher.matches(value)),
        })
    }

    fn matches(&self, value: &Value) -> bool {
        match self {
            Self::Exact(wanted) => match (wanted.as_f64(), value.as_f64()) {
                (Some(wanted), Some(number)) => scaled(wanted) == scaled(number),
                _ => wanted == value,
            },
            Self::Prefix(prefix) => value.as_str().is_some_and(|text| text.starts_with(prefix)),
            Self::Suffix(suffix) => value.as_str().is_some_and(|text| text.ends_with(suffix)),
            Self::IgnoreCase(wanted) => {
                value.as_str().is_some_and(|text| text.to_lowercase() == wanted.to_lowercase())
            }
            Self::AnythingBut(others) => !others.iter().any(|other| other.matches(value)),
            Self::Numeric(bounds) => value
                .as_f64()
                .is_some_and(|number| bounds.iter().all(|(how, bound)| how.holds(number, *bound))),
            Self::Exists(wanted) => *wanted,
        }
    }
}

impl Comparison {
    fn parse(sign: &Value) -> Result<Self, String> {
        match sign.as_str() {
            Some("=") => Ok(Self::Equal),
            Some("<") => Ok(Self::Less),
            Some("<=") => Ok(Self::LessOrEqual),
            Some(">") => Ok(Self::Greater),
            Some(">=") => Ok(Self::GreaterOrEqual),
            _ => Err(format!("{sign} is not one of = < <= > >=")),
        }
    }

    fn holds(self, number: f64, bound: f64) -> bool {
        let (number, bound) = (scaled(number), scaled(bound));
        match self {
            Self::Equal => number == bound,
            Self::Less => number < bound,
            Self::LessOrEqual => number <= bound,
            Self::Greater => number > bound,
            Self::GreaterOrEqual => number >= bound,
        }
    }
}

fn exact(value: &Value) -> Matcher {
    Matcher::Exact(value.clone())
}

fn anything_but(operand: &Value) -> Result<Matcher, String> {
    let others = match operand {
        Value::Array(entries) if !entries.is_empty() => {
            entries.iter().map(Matcher::parse).collect::<Result<_, _>>()?
        }
        Value::Object(members) if ["prefix", "suffix"].iter().any(|o| members.contains_key(*o)) => {
            vec![Matcher::parse(operand)?]
        }
        Value::String(_) | Value::Number(_) => vec![Matcher::parse(operand)?],
        _ => return Err("anything-but needs a value, a list, a prefix or a suffix".to_owned()),
    };
    Ok(Matcher::AnythingBut(others))
}

fn numeric(operand: &Value) -> Result<Matcher, String> {
    let parts = operand.as_array().filter(|parts| matches!(parts.len(), 2 | 4));
    let parts = parts.ok_or_else(|| "numeric needs one or two comparisons".to_owned())?;
    let bounds = parts.chunks(2).map(|pair| match pair {
        [sign, bound] => Ok((Comparison::parse(sign)?, within_range(bound.as_f64())?)),
        _ => Err("numeric needs pairs of comparison and number".to_owned()),
    });
    bounds.collect::<Result<_, String>>().map(Matcher::Numeric)
}

fn within_range(number: Option<f64>) -> Result<f64, String> {
    number
        .filter(|number| number.abs() <= LARGEST_NUMBER)
        .ok_or_else(|| "a number must lie between -10^9 and 10^9".to_owned())
}

fn scaled(number: f64) -> i128 {
    (number * DECIMALS).round() as i128
}
