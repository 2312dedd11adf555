//! Splitting an amount so that nothing is lost and nothing invented.

use std::num::NonZeroU64;

use super::Money;

/// The finest common denominator: times the greatest amount it still fits 128 bits.
const WHOLE_MAX: u128 = 1 << 75;

/// One part of an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// An exact fraction of the whole.
    Fraction { numerator: u64, denominator: NonZeroU64 },
    /// One minus all fractions; at most once in a split.
    Remaining,
}

/// Who gets the units that are left when every part is rounded down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// One unit each from the front.
    #[default]
    First,
    /// One unit each from the back; used for discounts.
    Last,
}

/// Why an amount cannot be split so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllocationError {
    #[error("the parts exceed the whole; make them sum to at most one")]
    ExceedsTotal,
    #[error("only one part can be the remaining one")]
    TwoRemainders,
    #[error("the parts leave something over; make them sum to one or add a remaining part")]
    Incomplete,
    #[error("the fractions are too fine to compare exactly; use smaller denominators")]
    TooFine,
}

impl AllocationError {
    /// The word on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ExceedsTotal => "allocation_exceeds_total",
            Self::TwoRemainders => "allocation_two_remainders",
            Self::Incomplete => "allocation_incomplete",
            Self::TooFine => "allocation_too_fine",
        }
    }
}

/// Splits `total` into `parts`, in their order; the answer sums to `total`.
///
/// Each part is rounded down, then the units left over go one each to the parts that are not zero,
/// as `strategy` says. A negative total is split like its opposite, so that a reversal undoes the
/// split exactly.
///
/// Refuses parts that sum to more than one, two remaining parts, parts that sum to less than one
/// without a remaining part, and fractions whose common denominator exceeds 2^75.
pub fn allocate(
    total: Money,
    parts: &[Share],
    strategy: Strategy,
) -> Result<Vec<Money>, AllocationError> {
    let (weights, whole) = weigh(parts)?;
    let units = total.amount_minor.unsigned_abs();
    let floor = |weight: &u128| i64::try_from(u128::from(units) * weight / whole);
    let amounts: Result<Vec<i64>, _> = weights.iter().map(floor).collect();
    let mut amounts = amounts.map_err(|_| AllocationError::TooFine)?;
    let left_over = total.amount_minor.abs() - amounts.iter().sum::<i64>();
    let parts = amounts.iter_mut().zip(&weights).filter(|(_, weight)| **weight > 0);
    match strategy {
        Strategy::First => give_one_each(left_over, parts),
        Strategy::Last => give_one_each(left_over, parts.rev()),
    }
    let sign = total.amount_minor.signum();
    let part = |units| Money { amount_minor: sign * units, currency: total.currency };
    Ok(amounts.into_iter().map(part).collect())
}

/// The parts as multiples of a common unit fraction, and how many of those make the whole.
fn weigh(parts: &[Share]) -> Result<(Vec<u128>, u128), AllocationError> {
    let whole = common_denominator(parts)?;
    let weights: Option<Vec<u128>> = parts.iter().map(|part| weight(part, whole)).collect();
    let mut weights = weights.ok_or(AllocationError::ExceedsTotal)?;
    let taken = weights.iter().try_fold(0_u128, |sum, weight| sum.checked_add(*weight));
    let remaining =
        taken.and_then(|taken| whole.checked_sub(taken)).ok_or(AllocationError::ExceedsTotal)?;
    let mut remainders =
        weights.iter_mut().zip(parts).filter(|(_, part)| **part == Share::Remaining);
    match remainders.next() {
        Some((weight, _)) => *weight = remaining,
        None if remaining > 0 => return Err(AllocationError::Incomplete),
        None => {}
    }
    if remainders.next().is_some() {
        return Err(AllocationError::TwoRemainders);
    }
    Ok((weights, whole))
}

fn common_denominator(parts: &[Share]) -> Result<u128, AllocationError> {
    let mut whole = 1_u128;
    for part in parts {
        if let Share::Fraction { denominator, .. } = part {
            let denominator = u128::from(denominator.get());
            let factor = denominator / greatest_common_divisor(whole, denominator);
            whole = whole
                .checked_mul(factor)
                .filter(|whole| *whole <= WHOLE_MAX)
                .ok_or(AllocationError::TooFine)?;
        }
    }
    Ok(whole)
}

/// The fraction as a multiple of 1/`whole`; nothing yet for the remaining part. `None` is far
/// beyond the whole.
fn weight(part: &Share, whole: u128) -> Option<u128> {
    match part {
        Share::Fraction { numerator, denominator } => {
            (whole / u128::from(denominator.get())).checked_mul(u128::from(*numerator))
        }
        Share::Remaining => Some(0),
    }
}

fn give_one_each<'a>(units: i64, parts: impl Iterator<Item = (&'a mut i64, &'a u128)>) {
    (0..units).zip(parts).for_each(|(_, (amount, _))| *amount += 1);
}

fn greatest_common_divisor(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{AMOUNT_MAX, Currency};

    const REST: Share = Share::Remaining;

    /// Total, parts, and the amounts by `First` and by `Last`.
    type Row<'a> = (i64, &'a [Share], &'a [i64], &'a [i64]);

    fn money(amount_minor: i64) -> Money {
        let eur = Currency::parse("eur").expect("a currency");
        Money::new(amount_minor, eur).expect("an amount")
    }

    fn of(numerator: u64, denominator: u64) -> Share {
        let denominator = NonZeroU64::new(denominator).expect("not zero");
        Share::Fraction { numerator, denominator }
    }

    fn split(total: i64, parts: &[Share], strategy: Strategy) -> Result<Vec<i64>, AllocationError> {
        let amounts = allocate(money(total), parts, strategy)?;
        Ok(amounts.into_iter().map(Money::amount_minor).collect())
    }

    #[test]
    fn parts_that_are_no_split_are_refused() {
        use AllocationError::{ExceedsTotal, Incomplete, TooFine, TwoRemainders};
        let table: [(&[Share], AllocationError); 12] = [
            (&[of(1, 2), of(2, 3)], ExceedsTotal),
            (&[of(1, 1), of(1, 1_000_000)], ExceedsTotal),
            (&[of(2, 1), REST], ExceedsTotal),
            (&[of(u64::MAX, 1), of(u64::MAX, 1)], ExceedsTotal),
            (&[of(u64::MAX, 1), of(0, u64::MAX)], ExceedsTotal),
            (&[REST, REST], TwoRemainders),
            (&[REST, of(1, 2), REST], TwoRemainders),
            (&[], Incomplete),
            (&[of(0, 1)], Incomplete),
            (&[of(1, 3), of(1, 3)], Incomplete),
            (&[of(999_999, 1_000_000)], Incomplete),
            (&[of(1, u64::MAX), of(1, u64::MAX - 1), REST], TooFine),
        ];
        for total in [0, 100, -100, AMOUNT_MAX] {
            for (parts, expected) in table {
                assert_eq!(split(total, parts, Strategy::First), Err(expected), "{parts:?}");
            }
        }
    }

    #[test]
    fn left_over_units_go_to_the_front_or_to_the_back() {
        let thirds = [of(1, 3), of(1, 3), of(1, 3)];
        let gaps = [of(0, 1), of(1, 3), of(0, 5), of(1, 3), REST, of(0, 1)];
        let table: [Row; 14] = [
            (100, &thirds, &[34, 33, 33], &[33, 33, 34]),
            (-100, &thirds, &[-34, -33, -33], &[-33, -33, -34]),
            (101, &thirds, &[34, 34, 33], &[33, 34, 34]),
            (1, &thirds, &[1, 0, 0], &[0, 0, 1]),
            (2, &thirds, &[1, 1, 0], &[0, 1, 1]),
            (0, &thirds, &[0, 0, 0], &[0, 0, 0]),
            (100, &gaps, &[0, 34, 0, 33, 33, 0], &[0, 33, 0, 33, 34, 0]),
            (100, &[REST], &[100], &[100]),
            (100, &[of(1, 1)], &[100], &[100]),
            (100, &[of(1, 1), REST], &[100, 0], &[100, 0]),
            (100, &[of(1, 8), REST], &[13, 87], &[12, 88]),
            (100, &[REST, of(1, 8)], &[88, 12], &[87, 13]),
            (999, &[of(29, 1000), of(3, 100), REST], &[29, 30, 940], &[28, 30, 941]),
            (AMOUNT_MAX, &[of(1, 2), REST], &[1 << 52, (1 << 52) - 1], &[(1 << 52) - 1, 1 << 52]),
        ];
        for (total, parts, first, last) in table {
            assert_eq!(split(total, parts, Strategy::First).as_deref(), Ok(first), "{total}");
            assert_eq!(split(total, parts, Strategy::Last).as_deref(), Ok(last), "{total}");
        }
    }

    #[test]
    fn parts_sum_to_the_total_and_are_within_one_unit_of_exact() {
        let splits: [&[Share]; 4] = [
            &[of(1, 7), of(2, 7), REST],
            &[of(333_333, 1_000_000), of(29, 1000), REST, of(1, 1_000_000_000_000)],
            &[of(1, 2), of(1, 3), of(1, 7), of(1, 42)],
            &[of(u64::MAX - 1, u64::MAX), REST],
        ];
        let totals = (-50..=50).chain([12_345, 999_999_999_999, AMOUNT_MAX, -AMOUNT_MAX]);
        for total in totals {
            for parts in splits {
                let (weights, whole) = weigh(parts).expect("a split");
                for strategy in [Strategy::First, Strategy::Last] {
                    let amounts = split(total, parts, strategy).expect("a split");
                    assert_eq!(amounts.iter().sum::<i64>(), total, "{total} {parts:?}");
                    for (amount, weight) in amounts.iter().zip(&weights) {
                        let scaled = u128::from(amount.unsigned_abs()) * whole;
                        let exact = u128::from(total.unsigned_abs()) * weight;
                        assert!(scaled.abs_diff(exact) <= whole, "{total} {parts:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn splitting_the_opposite_undoes_the_split() {
        let parts = [of(1, 7), of(2, 7), REST];
        for total in 0..200 {
            let amounts = split(total, &parts, Strategy::First).expect("a split");
            let opposite = split(-total, &parts, Strategy::First).expect("a split");
            assert!(amounts.iter().zip(&opposite).all(|(a, b)| a + b == 0), "{total}");
        }
    }
}
