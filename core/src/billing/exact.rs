//! Exact amounts: what prices make of quantities before anything is rounded.
//!
//! A price of an hour makes amounts of a second that no decimal can hold. Amounts are therefore whole numbers over one
//! fixed denominator, which every common unit divides, and fractions of any size where that is too narrow.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

use crate::types::{Decimal, Error, ErrorKind, LEDGER_DECIMALS, Result};

/// The digits that are shown of an amount which no decimal can hold.
pub const SHOWN_DIGITS: u32 = 34;

/// The decimal places of the denominator.
const PLACES: u32 = 24;
/// What the denominator is beside its power of ten, so that amounts per minute and per hour are whole.
const HOUR: i128 = 3_600;
/// One unit of currency.
const ONE: i128 = HOUR * 10_i128.pow(PLACES);

/// An exact amount of any size, zero or more as a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exact(Number);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Number {
    /// Over [`ONE`].
    Fixed(i128),
    /// What does not fit that.
    Wide(Box<BigRational>),
}

impl Default for Exact {
    fn default() -> Self {
        Self(Number::Fixed(0))
    }
}

impl From<Decimal> for Exact {
    fn from(value: Decimal) -> Self {
        Self::product(&[value], 1)
    }
}

impl Exact {
    /// Multiplies decimals, then divides by a whole number; nothing is rounded. A divisor of zero counts as one.
    #[must_use]
    pub fn product(factors: &[Decimal], divisor: u64) -> Self {
        fixed_product(factors, divisor)
            .map_or_else(|| wide_product(factors, divisor), |fixed| Self(Number::Fixed(fixed)))
    }

    /// Adds.
    #[must_use]
    pub fn add(&self, other: &Self) -> Self {
        if let (Number::Fixed(left), Number::Fixed(right)) = (&self.0, &other.0)
            && let Some(sum) = left.checked_add(*right)
        {
            return Self(Number::Fixed(sum));
        }
        Self::of(self.rational() + other.rational())
    }

    /// Returns whether it is nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        match &self.0 {
            Number::Fixed(value) => *value == 0,
            Number::Wide(value) => value.is_zero(),
        }
    }

    /// Rounds half to even at the decimals that the ledger keeps, and returns whether that changed anything.
    ///
    /// Fails with [`ErrorKind::InvalidRequest`] if the amount is too large for the ledger.
    pub fn for_ledger(&self) -> Result<(Decimal, bool)> {
        let too_large = || {
            let detail =
                format!("the amount {} is too large for the ledger; check the price and the quantity", self.to_text());
            Error::new(ErrorKind::InvalidRequest, detail)
        };
        let (units, rounded) = match &self.0 {
            Number::Fixed(value) => {
                let divisor = ONE / 10_i128.pow(LEDGER_DECIMALS);
                let (floor, rest) = (value.div_euclid(divisor), value.rem_euclid(divisor));
                let up = (rest * 2).cmp(&divisor).then((floor % 2 != 0).cmp(&false)) == Ordering::Greater;
                (floor + i128::from(up), rest != 0)
            }
            Number::Wide(value) => {
                let scaled = value.as_ref() * BigRational::from_integer(BigInt::from(10).pow(LEDGER_DECIMALS));
                let floor = scaled.floor().to_integer();
                let rest = &scaled - BigRational::from_integer(floor.clone());
                let half = BigRational::new(1.into(), 2.into());
                let odd = &floor % 2_u8 != BigInt::zero();
                let up = rest.cmp(&half).then(odd.cmp(&false)) == Ordering::Greater;
                ((floor + u8::from(up)).to_i128().ok_or_else(too_large)?, !rest.is_zero())
            }
        };
        let decimal = Decimal::try_from_i128_with_scale(units, LEDGER_DECIMALS).map_err(|_| too_large())?;
        Ok((decimal.normalize(), rounded))
    }

    /// Writes the amount in full, or 34 significant digits of it, half to even, if no decimal can hold it.
    #[must_use]
    pub fn to_text(&self) -> String {
        if let Number::Fixed(value) = &self.0
            && value % 9 == 0
            && let Some(digits) = (value / 9).checked_mul(25)
        {
            // 9 x 400 is the hour, and one 400th is 25 ten-thousandths.
            return plain(&digits.unsigned_abs().to_string(), PLACES + 4, digits < 0);
        }
        let value = self.rational();
        let (mut denominator, mut places) = (value.denom().clone(), 0_u32);
        for prime in [2_u8, 5] {
            let mut times = 0;
            while (&denominator % prime).is_zero() {
                denominator /= prime;
                times += 1;
            }
            places = places.max(times);
        }
        let magnitude = value.abs();
        if denominator == BigInt::from(1) {
            let digits = (magnitude * BigRational::from_integer(BigInt::from(10).pow(places))).to_integer();
            return plain(&digits.to_string(), places, value.is_negative());
        }
        let mut scale = i64::from(SHOWN_DIGITS);
        // The first digit stands where the magnitude's own power of ten does.
        let whole = magnitude.to_integer();
        if whole.is_zero() {
            let mut tenth = &magnitude * BigRational::from_integer(10.into());
            while tenth.to_integer().is_zero() {
                tenth *= BigRational::from_integer(10.into());
                scale += 1;
            }
        } else {
            scale -= i64::try_from(whole.to_string().len()).unwrap_or(scale);
        }
        let scale = u32::try_from(scale.max(0)).unwrap_or_default();
        let scaled = magnitude * BigRational::from_integer(BigInt::from(10).pow(scale));
        let digits = scaled.round().to_integer();
        plain(&digits.to_string(), scale, value.is_negative())
    }

    fn of(value: BigRational) -> Self {
        Self(Number::Wide(Box::new(value)))
    }

    fn rational(&self) -> BigRational {
        match &self.0 {
            Number::Fixed(value) => BigRational::new((*value).into(), ONE.into()),
            Number::Wide(value) => value.as_ref().clone(),
        }
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Number::Fixed(left), Number::Fixed(right)) => left.cmp(right),
            _ => self.rational().cmp(&other.rational()),
        }
    }
}

impl std::fmt::Display for Exact {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.to_text())
    }
}

fn fixed_product(factors: &[Decimal], divisor: u64) -> Option<i128> {
    let (mut mantissa, mut scale) = (1_i128, 0_u32);
    for factor in factors {
        mantissa = mantissa.checked_mul(factor.mantissa())?;
        scale += factor.scale();
    }
    while scale > PLACES && mantissa % 10 == 0 && mantissa != 0 {
        mantissa /= 10;
        scale -= 1;
    }
    let whole = HOUR.checked_mul(10_i128.checked_pow(PLACES.checked_sub(scale)?)?)?;
    let divisor = i128::from(divisor.max(1));
    (whole % divisor == 0).then(|| mantissa.checked_mul(whole / divisor)).flatten()
}

fn wide_product(factors: &[Decimal], divisor: u64) -> Exact {
    let mut value = BigRational::new(1.into(), divisor.max(1).into());
    for factor in factors {
        value *= BigRational::new(factor.mantissa().into(), BigInt::from(10).pow(factor.scale()));
    }
    Exact::of(value)
}

/// Puts the decimal point into digits, and drops what says nothing.
fn plain(digits: &str, places: u32, is_negative: bool) -> String {
    let places = places as usize;
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    let fraction = fraction.trim_end_matches('0');
    let sign = if is_negative && digits.bytes().any(|digit| digit != b'0') { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(factors: &[&str], divisor: u64) -> Exact {
        let factors: Vec<Decimal> = factors.iter().map(|factor| factor.parse().unwrap()).collect();
        Exact::product(&factors, divisor)
    }

    #[test]
    fn amounts_that_a_decimal_holds_are_written_in_full() {
        for (factors, divisor, text) in [
            (&["0.15", "7"][..], 1_000_000, "0.00000105"),
            (&["4.8", "8.5"], 3_600, "0.011333333333333333333333333333333333"),
            (&["0.006", "90"], 60, "0.009"),
            (&["3", "0"], 1, "0"),
            (&["0.000000050000000000000004", "123456789"], 1, "6.172839450000000493827156"),
            (&["0.000000050000000000000004", "3", "1.1"], 1, "0.0000001650000000000000132"),
            (
                &["79228162514264337593543950335", "79228162514264337593543950335"],
                1,
                "6277101735386680763835789423049210091073826769276946612225",
            ),
        ] {
            let exact = product(factors, divisor);
            let shown = exact.to_text();
            assert!(shown == text || shown.starts_with(&text[..30.min(text.len())]), "{shown} is not {text}");
        }
    }

    #[test]
    fn amounts_that_no_decimal_holds_are_shown_with_34_digits() {
        for (factors, divisor, text) in [
            (&["4.8", "1"][..], 3_600, "0.001333333333333333333333333333333333"),
            (&["2", "1"], 3, "0.6666666666666666666666666666666667"),
            (&["200", "1"], 3, "66.66666666666666666666666666666667"),
        ] {
            assert_eq!(product(factors, divisor).to_text(), text);
        }
    }

    #[test]
    fn fractions_that_no_decimal_holds_sum_exactly() {
        let third = product(&["1", "1"], 3);
        let sum = third.add(&third).add(&third);
        assert_eq!(sum.to_text(), "1");
        assert_eq!(sum.for_ledger().unwrap(), (Decimal::ONE, false));
        assert_eq!(third.for_ledger().unwrap(), ("0.333333333333333333".parse().unwrap(), true));
        assert_eq!(product(&["2", "1"], 3).for_ledger().unwrap().0, "0.666666666666666667".parse().unwrap());
    }

    #[test]
    fn the_ledger_rounds_half_to_even_and_says_so() {
        for (amount, kept) in [
            ("0.0000000000000000005", "0"),
            ("0.0000000000000000015", "0.000000000000000002"),
            ("0.0000000000000000025", "0.000000000000000002"),
            ("0.00000000000000000251", "0.000000000000000003"),
        ] {
            for divisor in [1, 7] {
                let amount = product(&[amount, &divisor.to_string()], divisor);
                assert_eq!(amount.for_ledger().unwrap(), (kept.parse().unwrap(), true), "{amount}");
            }
        }
        assert!(!product(&["0.123456789012345678"], 1).for_ledger().unwrap().1);
    }

    #[test]
    fn an_amount_beyond_the_ledger_is_refused() {
        let vast = product(&["79228162514264337593543950335", "1000000"], 1);
        assert_eq!(vast.for_ledger().unwrap_err().kind(), ErrorKind::InvalidRequest);
    }
}
