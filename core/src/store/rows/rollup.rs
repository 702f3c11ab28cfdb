//! Rows of rollups: what records of one stretch of time add up to.

use super::rows;

rows! {
    /// A row of `usage_rollups`: the records of a month by its days, or those of a day by its hours.
    RollupRow in "usage_rollups" as compact {
        classes: Vec<RollupClassRow>,
    }
    /// Records that ended alike. All but the first and the slots are numbers of names; where there is no cost, there is no currency.
    RollupClassRow in "usage_rollups" as compact {
        is_adjustment: bool,
        usage_type: u64,
        status: u64,
        cost_status: u64,
        currency: u64,
        slots: Vec<RollupSlotRow>,
    }
    /// What the records of a day of the month, or of an hour of the day, add up to. Requests are those that may be charged for.
    RollupSlotRow in "usage_rollups" as compact {
        slot: u8,
        records: u64,
        requests: u64,
        input_tokens: i128,
        output_tokens: i128,
        other_tokens: i128,
        cost: Option<SumRow>,
        meters: Vec<(u64, Option<SumRow>)>,
    }
    /// An exact sum: a number with so many decimals.
    SumRow in "usage_rollups" as compact {
        mantissa: i128,
        scale: u8,
    }
}
