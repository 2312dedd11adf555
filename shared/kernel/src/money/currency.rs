//! The currencies of ISO 4217.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use iso_currency::{Currency as Iso, IntoEnumIterator};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::fault::{FaultCode, Refusal};

/// A currency of ISO 4217, written as its lower-case code.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(Iso);

impl Currency {
    /// Every currency, the retired ones and the metals included.
    pub fn all() -> impl Iterator<Item = Self> {
        Iso::iter().map(Self)
    }

    /// The currency of this code in any case. Refuses unknown codes with `unknown_value`.
    pub fn parse(code: &str) -> Result<Self, Refusal> {
        Iso::from_code(&code.to_ascii_uppercase()).map(Self).ok_or_else(|| {
            Refusal::new(FaultCode::UnknownValue, "use a currency code of ISO 4217, such as eur")
        })
    }

    /// The currency of this ISO 4217 number.
    pub fn from_numeric(number: u16) -> Option<Self> {
        Iso::from_numeric(number).map(Self)
    }

    /// The ISO 4217 number.
    pub fn numeric(self) -> u16 {
        self.0.numeric()
    }

    /// Decimals of the major unit, 0 to 4: 2 for cents. 0 where ISO 4217 names no minor unit.
    pub fn scale(self) -> u8 {
        self.0.exponent().and_then(|decimals| u8::try_from(decimals).ok()).unwrap_or(0)
    }

    /// Whether somebody can be charged in it: neither retired nor without minor unit (metals,
    /// drawing rights, test codes).
    pub fn is_chargeable(self) -> bool {
        let is_retired = matches!(self.0, Iso::BGN | Iso::CUC | Iso::HRK | Iso::SLL | Iso::ZWL);
        !is_retired && self.0.exponent().is_some()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.code().to_ascii_lowercase())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Currency {
    type Err = Refusal;

    fn from_str(code: &str) -> Result<Self, Refusal> {
        Self::parse(code)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Cow::<str>::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for Currency {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[A-Za-z]{3}$",
            "description": "ISO 4217 currency code; answers write it in lower case.",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn codes_are_read_in_any_case_and_written_in_lower_case() {
        for code in ["eur", "EUR", "eUr"] {
            assert_eq!(
                Currency::parse(code).map(|currency| currency.to_string()),
                Ok("eur".into())
            );
        }
    }

    #[test]
    fn unknown_codes_are_refused() {
        for code in ["", "eu", "euro", "btc", " eur", "é€", "xxy", "EUR\0"] {
            let refusal = Currency::parse(code).expect_err(code);
            assert_eq!(refusal.code, FaultCode::UnknownValue, "{code}");
        }
        let error = from_value::<Currency>(json!("zzz")).expect_err("unknown");
        assert!(error.to_string().starts_with("unknown_value: "), "{error}");
    }

    #[test]
    fn every_currency_is_found_by_its_code_and_its_number() {
        for currency in Currency::all() {
            assert_eq!(Currency::parse(&currency.to_string()), Ok(currency));
            assert_eq!(Currency::from_numeric(currency.numeric()), Some(currency));
            assert!(currency.scale() <= 4, "{currency}");
        }
        assert_eq!(Currency::all().count(), 183);
    }

    #[test]
    fn two_decimals_are_the_rule_and_the_exceptions_are_these() {
        let none = "bif clp djf gnf isk jpy kmf krw pyg rwf ugx uyi vnd vuv xaf xof xpf";
        let three = "bhd iqd jod kwd lyd omr tnd";
        let four = "clf uyw";
        let listed = |list: &str, code: &str| list.split(' ').any(|listed| listed == code);
        for currency in Currency::all().filter(|currency| currency.0.exponent().is_some()) {
            let code = currency.to_string();
            let expected = match code.as_str() {
                code if listed(none, code) => 0,
                code if listed(three, code) => 3,
                code if listed(four, code) => 4,
                _ => 2,
            };
            assert_eq!(currency.scale(), expected, "{code}");
        }
    }

    #[test]
    fn metals_and_retired_currencies_are_not_charged() {
        for code in ["eur", "jpy", "ves", "sle"] {
            assert!(Currency::parse(code).is_ok_and(Currency::is_chargeable), "{code}");
        }
        for code in ["xau", "xdr", "xxx", "xts", "hrk", "bgn", "cuc", "sll", "zwl"] {
            assert!(
                Currency::parse(code).is_ok_and(|currency| !currency.is_chargeable()),
                "{code}"
            );
        }
    }
}
