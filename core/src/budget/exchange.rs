//! Conversion of amounts: the one place beside a bill where an amount is rounded, into a figure of its own.

use num_bigint::BigInt;
use num_traits::{ToPrimitive, Zero};

use crate::types::{Conversion, Decimal, Error, ErrorKind, Exchange, LEDGER_DECIMALS, Result};

/// Which way a converted amount is rounded at the ledger's last decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Towards {
    /// To the nearest, of two to the even one.
    Nearest,
    /// Up, so that what is held is never too little.
    Up,
}

/// Converts an amount and rounds it once, at the 18th decimal.
///
/// Fails with [`ErrorKind::InvalidRequest`] if the result is too large for the ledger.
pub fn convert(exchange: &Exchange, amount: Decimal, towards: Towards) -> Result<Decimal> {
    let too_large = || {
        let Exchange { from, to, rate, .. } = exchange;
        let detail = format!("{amount} {from} at the rate {rate} is too large in {to} for the ledger; check the rate");
        Error::new(ErrorKind::InvalidRequest, detail)
    };
    let power = |places: u32| BigInt::from(10).pow(places);
    let rate = exchange.rate;
    let mut numerator = BigInt::from(amount.mantissa()) * power(LEDGER_DECIMALS);
    let mut denominator = power(amount.scale());
    if exchange.is_inverse {
        numerator *= power(rate.scale());
        denominator *= rate.mantissa();
    } else {
        numerator *= rate.mantissa();
        denominator *= power(rate.scale());
    }
    if denominator.is_zero() {
        return Err(too_large());
    }
    // A rate is above zero, so the remainder of the division towards minus infinity is zero or more.
    let mut floor = &numerator / &denominator;
    let mut rest = &numerator % &denominator;
    if rest < BigInt::zero() {
        floor -= 1;
        rest += &denominator;
    }
    let up = match towards {
        Towards::Up => !rest.is_zero(),
        Towards::Nearest => {
            let twice = &rest * 2;
            twice > denominator || (twice == denominator && !(&floor % 2_u8).is_zero())
        }
    };
    let units = (floor + u8::from(up)).to_i128().ok_or_else(too_large)?;
    Decimal::try_from_i128_with_scale(units, LEDGER_DECIMALS).map(|value| value.normalize()).map_err(|_| too_large())
}

/// Converts an amount to the nearest one and keeps the rate beside it. Fails as [`convert`] does.
pub fn conversion(exchange: Exchange, amount: Decimal) -> Result<Conversion> {
    Ok(Conversion { exchange, amount: convert(&exchange, amount, Towards::Nearest)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Currency, FxRateId};

    fn exchange(rate: &str, is_inverse: bool) -> Exchange {
        let fx_rate_id = FxRateId::new(1);
        Exchange { fx_rate_id, from: Currency::CNY, to: Currency::USD, rate: rate.parse().unwrap(), is_inverse }
    }

    #[test]
    fn amounts_are_multiplied_or_divided_and_rounded_once() {
        for (amount, rate, is_inverse, nearest, up) in [
            ("10", "0.14", false, "1.4", "1.4"),
            ("7", "7", true, "1", "1"),
            ("1", "7", true, "0.142857142857142857", "0.142857142857142858"),
            ("2", "3", true, "0.666666666666666667", "0.666666666666666667"),
            ("0.5", "0.000000000000000001", false, "0", "0.000000000000000001"),
            ("1.5", "0.000000000000000001", false, "0.000000000000000002", "0.000000000000000002"),
            ("2.5", "0.000000000000000001", false, "0.000000000000000002", "0.000000000000000003"),
            ("-2.5", "0.000000000000000001", false, "-0.000000000000000002", "-0.000000000000000002"),
            ("-3.5", "0.000000000000000001", false, "-0.000000000000000004", "-0.000000000000000003"),
            ("0", "7.2", true, "0", "0"),
        ] {
            let convert =
                |towards| convert(&exchange(rate, is_inverse), amount.parse().unwrap(), towards).unwrap().to_string();
            assert_eq!(convert(Towards::Nearest), nearest, "{amount} at {rate}");
            assert_eq!(convert(Towards::Up), up, "{amount} at {rate}");
        }
    }

    #[test]
    fn a_conversion_that_overflows_is_refused() {
        let error = convert(&exchange("7922816251426433759354395033", false), Decimal::MAX, Towards::Nearest);
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidRequest);
        assert!(convert(&exchange("0", true), Decimal::ONE, Towards::Nearest).is_err());
    }
}
