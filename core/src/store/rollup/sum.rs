//! Exact sums, of more digits than any amount.

use rust_decimal::Decimal;

use crate::store::failure::damaged;
use crate::store::rows::SumRow;
use crate::types::Result;

/// An exact sum of decimals: a number with so many decimals, the last of which is not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Sum {
    mantissa: i128,
    scale: u32,
}

impl Sum {
    fn new(mut mantissa: i128, mut scale: u32) -> Self {
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        Self { mantissa, scale }
    }

    /// Adds; nothing if the sum has more digits than fit.
    pub(in crate::store) fn add(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let aligned = |sum: Self| sum.mantissa.checked_mul(10_i128.checked_pow(scale - sum.scale)?);
        Some(Self::new(aligned(self)?.checked_add(aligned(other)?)?, scale))
    }

    /// Returns it as an amount; nothing if that cannot be exact.
    pub(in crate::store) fn amount(self) -> Option<Decimal> {
        Decimal::try_from_i128_with_scale(self.mantissa, self.scale).ok()
    }

    /// Returns it as it is kept.
    pub(super) fn row(self) -> SumRow {
        SumRow { mantissa: self.mantissa, scale: u8::try_from(self.scale).unwrap_or(u8::MAX) }
    }

    /// Reads it as it is kept.
    pub(in crate::store) fn read(table: &str, row: &SumRow) -> Result<Self> {
        if u32::from(row.scale) > Decimal::MAX_SCALE {
            return Err(damaged(table, "a sum is malformed"));
        }
        Ok(Self::new(row.mantissa, row.scale.into()))
    }
}

impl From<Decimal> for Sum {
    fn from(amount: Decimal) -> Self {
        Self::new(amount.mantissa(), amount.scale())
    }
}

impl std::ops::Neg for Sum {
    type Output = Self;

    fn neg(self) -> Self {
        // No decimal has the least number there is, whose opposite does not exist; nor has a sum that was added up.
        Self { mantissa: self.mantissa.saturating_neg(), ..self }
    }
}

/// Adds sums that may be of more digits than fit already.
pub(super) fn add(left: Option<Sum>, right: Option<Sum>) -> Option<Sum> {
    left.zip(right).and_then(|(left, right)| left.add(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(text: &str) -> Sum {
        Sum::from(text.parse::<Decimal>().unwrap())
    }

    #[test]
    fn a_sum_is_exact_whatever_the_scales() {
        let total = sum("0.1").add(sum("0.0000000000000000000000000001")).unwrap();
        assert_eq!(total.amount().unwrap().to_string(), "0.1000000000000000000000000001");
        assert_eq!(total.add(-sum("0.0000000000000000000000000001")).unwrap(), sum("0.10"));
        assert_eq!(sum("-1.50").add(sum("1.5")).unwrap(), Sum::default());
    }

    #[test]
    fn a_sum_holds_more_digits_than_an_amount_and_then_says_so() {
        let great = sum("79228162514264337593543950335");
        let double = great.add(great).unwrap();
        assert_eq!(double.amount(), None);
        assert_eq!(double.add(-great).unwrap().amount(), great.amount());
        assert_eq!(great.add(sum("0.0000000000000000000000000001")), None);
        assert_eq!(add(None, Some(great)), None);
    }

    #[test]
    fn a_sum_is_read_as_it_was_kept() {
        for text in ["0", "-0.5", "12.3400", "79228162514264337593543950335"] {
            assert_eq!(Sum::read("t", &sum(text).row()).unwrap(), sum(text));
        }
        assert!(Sum::read("t", &SumRow { mantissa: 1, scale: 29 }).is_err());
    }
}
