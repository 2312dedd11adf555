//! Rounding to whole minor units.

use super::{AMOUNT_MAX, Money, MoneyError};

/// The integer nearest to `numerator / denominator`, ties away from zero.
///
/// Rounds once per line, never a unit price before multiplying. Refuses a result beyond
/// [`AMOUNT_MAX`] and a denominator of zero.
pub fn nearest(numerator: i128, denominator: i128) -> Result<i64, MoneyError> {
    let (n, d) = (numerator.unsigned_abs(), denominator.unsigned_abs());
    if d == 0 {
        return Err(MoneyError::DivisorIsZero);
    }
    let (quotient, rest) = (n / d, n % d);
    // Equals ⌊(2n + d) / 2d⌋, which would overflow for the largest n.
    let rounded = if rest >= d - rest { quotient.saturating_add(1) } else { quotient };
    match i64::try_from(rounded) {
        Ok(rounded) if rounded > AMOUNT_MAX => Err(MoneyError::AmountTooLarge),
        Ok(rounded) if (numerator < 0) != (denominator < 0) => Ok(-rounded),
        Ok(rounded) => Ok(rounded),
        Err(_) => Err(MoneyError::AmountTooLarge),
    }
}

/// The amount of step `step` of `steps` of `total`, counted from 1.
///
/// Every step is the difference of two rounded running totals, so steps never drift and sum to
/// `total` exactly. Refuses steps outside `1..=steps`.
pub fn cumulative(total: Money, step: u32, steps: u32) -> Result<Money, MoneyError> {
    if step == 0 || step > steps {
        return Err(MoneyError::StepOutOfRange);
    }
    let total_minor = i128::from(total.amount_minor());
    let until = |step: u32| nearest(total_minor * i128::from(step), i128::from(steps));
    Money::new(until(step)? - until(step - 1)?, total.currency())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    const MAX: i128 = AMOUNT_MAX as i128;

    fn money(amount_minor: i64) -> Money {
        let eur = Currency::parse("eur").expect("a currency");
        Money::new(amount_minor, eur).expect("an amount")
    }

    #[test]
    fn ties_round_away_from_zero() {
        let table = [
            // n, d, nearest
            (0, 1, 0),
            (1, 2, 1),
            (-1, 2, -1),
            (1, -2, -1),
            (-1, -2, 1),
            (3, 2, 2),
            (-3, 2, -2),
            (5, 2, 3),
            (-5, 2, -3),
            (1, 3, 0),
            (2, 3, 1),
            (-1, 3, 0),
            (-2, 3, -1),
            (49, 100, 0),
            (50, 100, 1),
            (149, 100, 1),
            (150, 100, 2),
            (MAX, 1, AMOUNT_MAX),
            (-MAX, 1, -AMOUNT_MAX),
            (MAX * 2 - 1, 2, AMOUNT_MAX),
            (1, i128::MAX, 0),
            (i128::MIN, i128::MAX, -1),
            (i128::MIN, i128::MIN, 1),
        ];
        for (n, d, expected) in table {
            assert_eq!(nearest(n, d), Ok(expected), "{n}/{d}");
        }
    }

    #[test]
    fn results_that_are_no_amount_are_refused() {
        use MoneyError::{AmountTooLarge, DivisorIsZero};
        let table = [
            (1, 0, DivisorIsZero),
            (0, 0, DivisorIsZero),
            (MAX + 1, 1, AmountTooLarge),
            (-MAX - 1, 1, AmountTooLarge),
            (MAX * 2 + 1, 2, AmountTooLarge),
            (i128::MAX, 1, AmountTooLarge),
            (i128::MIN, 1, AmountTooLarge),
            (i128::MIN, -1, AmountTooLarge),
        ];
        for (n, d, expected) in table {
            assert_eq!(nearest(n, d), Err(expected), "{n}/{d}");
        }
    }

    #[test]
    fn nearest_is_the_formula_of_the_specification() {
        for n in -200_i128..=200 {
            for d in 1..=40 {
                let formula = n.signum() * ((2 * n.abs() + d) / (2 * d));
                assert_eq!(nearest(n, d).map(i128::from), Ok(formula), "{n}/{d}");
            }
        }
    }

    #[test]
    fn steps_are_these() {
        let table: [(i64, &[i64]); 6] = [
            (100, &[33, 34, 33]),
            (-100, &[-33, -34, -33]),
            (5, &[3, 2]),
            (-5, &[-3, -2]),
            (1, &[0, 1, 0]),
            (0, &[0, 0]),
        ];
        for (total, expected) in table {
            let steps = u32::try_from(expected.len()).expect("few steps");
            let got: Vec<_> = (1..=steps)
                .map(|step| cumulative(money(total), step, steps).expect("a step").amount_minor())
                .collect();
            assert_eq!(got, expected, "{total}");
        }
    }

    #[test]
    fn steps_sum_to_the_total_and_differ_by_at_most_one() {
        for total in [0, 1, -1, 7, 99, 100, -101, 12_345, AMOUNT_MAX, -AMOUNT_MAX] {
            for steps in [1, 2, 3, 7, 12, 31, 365] {
                let amounts: Vec<_> = (1..=steps)
                    .map(|step| cumulative(money(total), step, steps).expect("a step"))
                    .map(Money::amount_minor)
                    .collect();
                assert_eq!(amounts.iter().sum::<i64>(), total, "{total} in {steps}");
                let even = total / i64::from(steps);
                assert!(amounts.iter().all(|amount| (amount - even).abs() <= 1), "{total} {steps}");
            }
        }
    }

    #[test]
    fn a_step_that_does_not_exist_is_refused() {
        for (step, steps) in [(0, 3), (4, 3), (0, 0), (1, 0), (u32::MAX, 1)] {
            assert_eq!(cumulative(money(9), step, steps), Err(MoneyError::StepOutOfRange));
        }
    }
}
