//! Money: an integer number of minor units and its currency. No floating point anywhere.

mod currency;
mod rounding;
mod split;

use std::fmt;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

pub use currency::Currency;
pub use rounding::{cumulative, nearest};
pub use split::{AllocationError, Share, Strategy, allocate};

use crate::fault::{FaultCode, Refusal};

/// The greatest amount in minor units, either sign: 2^53−1, which every JSON reader keeps exact
/// (RFC 8259 §6).
pub const AMOUNT_MAX: i64 = (1 << 53) - 1;

/// An amount of a currency in minor units, negative when owed.
///
/// `{"amount": 1234, "currency": "eur"}` is 12.34 euro.
// Amounts of different currencies have no order, so there is no `Ord`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units of the currency, an integer.
    #[serde(rename = "amount", deserialize_with = "amount")]
    #[schemars(range(min = -AMOUNT_MAX, max = AMOUNT_MAX))]
    amount_minor: i64,
    /// ISO 4217 code.
    currency: Currency,
}

/// Why a calculation with money has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("{0} and {1} cannot be added or subtracted; convert one of them first")]
    CurrencyMismatch(Currency, Currency),
    #[error("the amount exceeds {AMOUNT_MAX} minor units; use a smaller one")]
    AmountTooLarge,
    #[error("nothing can be divided by zero")]
    DivisorIsZero,
    #[error("steps are counted from 1 to the number of steps")]
    StepOutOfRange,
}

impl MoneyError {
    /// The word on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CurrencyMismatch(..) => "currency_mismatch",
            Self::AmountTooLarge => "amount_too_large",
            Self::DivisorIsZero => "divisor_is_zero",
            Self::StepOutOfRange => "step_out_of_range",
        }
    }
}

impl Money {
    /// This many minor units. Refuses amounts beyond [`AMOUNT_MAX`] with `amount_too_large`.
    pub const fn new(amount_minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        if is_amount(amount_minor) {
            Ok(Self { amount_minor, currency })
        } else {
            Err(MoneyError::AmountTooLarge)
        }
    }

    pub const fn amount_minor(self) -> i64 {
        self.amount_minor
    }

    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The sum. Refuses another currency and a sum beyond [`AMOUNT_MAX`].
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch(self.currency, other.currency));
        }
        // Two amounts of 2^53 stay far below 2^63.
        Self::new(self.amount_minor + other.amount_minor, self.currency)
    }

    /// The difference. Refuses another currency and a difference beyond [`AMOUNT_MAX`].
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.checked_add(other.negate())
    }

    /// The same amount with the other sign.
    pub const fn negate(self) -> Self {
        Self { amount_minor: -self.amount_minor, currency: self.currency }
    }
}

/// In major units with the currency's decimals: `12.34 eur`, `-0.05 eur`, `500 jpy`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.amount_minor < 0 { "-" } else { "" };
        let scale = usize::from(self.currency.scale());
        let digits = format!("{:0width$}", self.amount_minor.unsigned_abs(), width = scale + 1);
        let (major, minor) = digits.split_at(digits.len() - scale);
        let point = if minor.is_empty() { "" } else { "." };
        write!(f, "{sign}{major}{point}{minor} {}", self.currency)
    }
}

const fn is_amount(amount_minor: i64) -> bool {
    -AMOUNT_MAX <= amount_minor && amount_minor <= AMOUNT_MAX
}

fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let amount_minor = i64::deserialize(deserializer)?;
    if is_amount(amount_minor) {
        return Ok(amount_minor);
    }
    let message = format!("use at most {AMOUNT_MAX} minor units");
    Err(D::Error::custom(Refusal::new(FaultCode::OutOfRange, message)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_str, from_value, json, to_value};

    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).expect("a currency")
    }

    fn money(amount_minor: i64, code: &str) -> Money {
        Money::new(amount_minor, currency(code)).expect("an amount")
    }

    #[test]
    fn an_amount_beyond_two_to_the_53_is_refused() {
        let eur = currency("eur");
        for amount_minor in [AMOUNT_MAX + 1, -AMOUNT_MAX - 1, i64::MAX, i64::MIN] {
            assert_eq!(Money::new(amount_minor, eur), Err(MoneyError::AmountTooLarge));
        }
        for amount_minor in [0, 1, -1, AMOUNT_MAX, -AMOUNT_MAX] {
            assert_eq!(Money::new(amount_minor, eur).map(Money::amount_minor), Ok(amount_minor));
        }
    }

    #[test]
    fn sums_and_differences_are_refused_or_exact() {
        use MoneyError::{AmountTooLarge, CurrencyMismatch};
        let (eur, usd) = (currency("eur"), currency("usd"));
        let most = money(AMOUNT_MAX, "eur");
        let one = money(1, "eur");
        assert_eq!(one.checked_add(money(1, "usd")), Err(CurrencyMismatch(eur, usd)));
        assert_eq!(one.checked_sub(money(1, "usd")), Err(CurrencyMismatch(eur, usd)));
        assert_eq!(most.checked_add(one), Err(AmountTooLarge));
        assert_eq!(most.negate().checked_sub(one), Err(AmountTooLarge));
        assert_eq!(most.checked_sub(most), Ok(money(0, "eur")));
        assert_eq!(one.checked_add(money(-3, "eur")), Ok(money(-2, "eur")));
        assert_eq!(one.checked_sub(money(3, "eur")), Ok(money(-2, "eur")));
        assert_eq!(one.negate().negate(), one);
    }

    #[test]
    fn money_reads_in_major_units() {
        let table = [
            (1234, "eur", "12.34 eur"),
            (-5, "eur", "-0.05 eur"),
            (0, "eur", "0.00 eur"),
            (-100, "EUR", "-1.00 eur"),
            (500, "jpy", "500 jpy"),
            (0, "jpy", "0 jpy"),
            (-1, "jpy", "-1 jpy"),
            (1234, "bhd", "1.234 bhd"),
            (7, "bhd", "0.007 bhd"),
            (12345, "clf", "1.2345 clf"),
            (1, "clf", "0.0001 clf"),
            (AMOUNT_MAX, "eur", "90071992547409.91 eur"),
            (-AMOUNT_MAX, "jpy", "-9007199254740991 jpy"),
        ];
        for (amount_minor, code, text) in table {
            assert_eq!(money(amount_minor, code).to_string(), text);
        }
    }

    #[test]
    fn money_round_trips_through_json() {
        let sent = r#"{"amount":-1234,"currency":"EUR"}"#;
        let read: Money = from_str(sent).expect("money");
        assert_eq!(read, money(-1234, "eur"));
        assert_eq!(to_value(read).expect("JSON"), json!({ "amount": -1234, "currency": "eur" }));
    }

    #[test]
    fn an_amount_is_an_integer_within_bounds_or_refused() {
        for amount in ["1.0", "1.5", "1e2", "\"1\"", "null", "true", "9223372036854775808"] {
            let sent = format!(r#"{{"amount":{amount},"currency":"eur"}}"#);
            assert!(from_str::<Money>(&sent).is_err(), "{sent}");
        }
        for amount in [AMOUNT_MAX + 1, -AMOUNT_MAX - 1] {
            let sent = json!({ "amount": amount, "currency": "eur" });
            let error = from_value::<Money>(sent).expect_err("beyond the bound");
            let refusal = Refusal::parse(&error.to_string()).expect("a refusal");
            assert_eq!(refusal.code, FaultCode::OutOfRange);
        }
        let extra = json!({ "amount": 1, "currency": "eur", "x": 1 });
        for sent in [json!({ "amount": 1 }), json!({ "currency": "eur" }), extra] {
            assert!(from_value::<Money>(sent.clone()).is_err(), "{sent}");
        }
    }

    #[test]
    fn the_schema_asks_for_an_integer_and_a_code() {
        let schema = schemars::schema_for!(Money);
        let at = |pointer: &str| schema.pointer(pointer).cloned().unwrap_or(Value::Null);
        assert_eq!(at("/properties/amount/type"), json!("integer"));
        assert_eq!(at("/properties/amount/maximum"), json!(AMOUNT_MAX));
        assert_eq!(at("/properties/amount/minimum"), json!(-AMOUNT_MAX));
        assert_eq!(at("/properties/currency/type"), json!("string"));
        assert_eq!(at("/required"), json!(["amount", "currency"]));
        assert_eq!(at("/additionalProperties"), json!(false));
    }
}
