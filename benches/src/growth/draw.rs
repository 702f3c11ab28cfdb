//! Records that look like those of an app in use, drawn from a seed: the same seed and number draw the same record.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tollway::store::{ReserveRequest, Settlement};
use tollway::types::{
    Attribute, BilledBy, Capability, CostStatus, Currency, Decimal, Facts, Meter, ModelConfigId, Money, PriceId,
    ReceiptLine, RecordStatus, ReservationId, Unit, Usage, UsageFlag,
};

/// How many users there are. The first ones call most.
pub(super) const USERS: u64 = 1_000;
/// A user of whom there is one record among the first hundred.
pub(super) const RARE_USER: &str = "user-who-came-once";
/// What calls were made for.
const FEATURES: [&str; 12] = [
    "chat",
    "search",
    "summary",
    "translation",
    "review",
    "import",
    "mail",
    "tests",
    "labels",
    "agent",
    "voice",
    "report",
];
/// Who made them.
const TEAMS: u64 = 40;
/// Models: provider, name, name that was served, micros of a dollar for a million tokens in and out.
const MODELS: [(&str, &str, &str, i64, i64); 8] = [
    ("openai", "gpt-4o-mini", "gpt-4o-mini-2024-07-18", 150_000, 600_000),
    ("openai", "gpt-4o", "gpt-4o-2024-08-06", 2_500_000, 10_000_000),
    ("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", 3_000_000, 15_000_000),
    ("anthropic", "claude-haiku-4-5", "claude-haiku-4-5-20251001", 1_000_000, 5_000_000),
    ("gemini", "gemini-2.5-flash", "gemini-2.5-flash", 300_000, 2_500_000),
    ("deepseek", "deepseek-chat", "deepseek-chat", 280_000, 420_000),
    ("openai", "text-embedding-3-small", "text-embedding-3-small", 20_000, 0),
    ("dashscope", "qwen-plus", "qwen-plus", 800_000, 2_000_000),
];

/// How many of the first models are priced in dollars.
const IN_DOLLARS: u64 = 7;

/// The instants between which calls lie.
pub(super) fn span() -> (Timestamp, SignedDuration) {
    // 2026-08-22T00:00:00Z, and 91 days: they have passed, as the days of an app's records have.
    let start = Timestamp::from_second(1_787_356_800).unwrap_or_default();
    (start, SignedDuration::from_hours(91 * 24))
}

/// A generator of numbers that repeats itself from a seed (`SplitMix64`).
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn of(seed: u64, number: u64) -> Self {
        let mut draw = Self(seed ^ number.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        draw.next();
        draw
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Draws a number below a bound, small ones more often.
    fn low(&mut self, bound: u64) -> u64 {
        let (one, other) = (self.below(bound), self.below(bound));
        one.min(other)
    }

    fn unique_id(&mut self, at: Timestamp) -> String {
        let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}",
            millis >> 16,
            millis & 0xFFFF,
            high & 0xFFF,
            0x8000 | (high >> 12) & 0x3FFF,
            low & 0xFFFF_FFFF_FFFF
        )
    }

    fn letters(&mut self, count: usize) -> String {
        const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let letter = |place: u64| usize::try_from(place).ok().and_then(|place| LETTERS.get(place)).copied();
        (0..count).filter_map(|_| letter(self.below(62))).map(char::from).collect()
    }
}

/// One call: what it holds, and how it ends.
pub(super) struct Drawn {
    pub(super) request: ReserveRequest,
    pub(super) settlement: Settlement,
}

/// Draws a call among so many.
pub(super) fn call(seed: u64, number: u64, among: u64) -> Drawn {
    let (start, length) = span();
    let share = i64::try_from(u128::from(number) * length.as_millis().unsigned_abs() / u128::from(among.max(1)));
    let started_at = start.saturating_add(SignedDuration::from_millis(share.unwrap_or(0))).unwrap_or(start);
    let mut draw = Draw::of(seed, number);
    let place = draw.low(MODELS.len() as u64);
    drawn(draw, number, place, started_at)
}

/// Draws a call in dollars that begins at an instant.
pub(super) fn at(seed: u64, number: u64, started_at: Timestamp) -> Drawn {
    let mut draw = Draw::of(seed, number);
    let place = draw.low(IN_DOLLARS);
    drawn(draw, number, place, started_at)
}

fn drawn(mut draw: Draw, number: u64, place: u64, started_at: Timestamp) -> Drawn {
    let &(provider, model, served, input_price, output_price) =
        usize::try_from(place).ok().and_then(|place| MODELS.get(place)).unwrap_or(&MODELS[0]);
    let currency = if provider == "dashscope" { Currency::CNY } else { Currency::USD };
    let is_embedding = output_price == 0;
    let user = if number == 77 { RARE_USER.to_owned() } else { format!("user-{:05}", draw.low(USERS)) };
    let feature = usize::try_from(draw.low(FEATURES.len() as u64)).ok().and_then(|place| FEATURES.get(place));
    let tags: BTreeMap<String, String> = [
        ("feature".to_owned(), feature.copied().unwrap_or("chat").to_owned()),
        ("team".to_owned(), format!("team-{:02}", draw.low(TEAMS))),
    ]
    .into();
    let latency_ms = 200 + draw.low(9_000);
    let after = |millis: u64| {
        let millis = SignedDuration::from_millis(i64::try_from(millis).unwrap_or(0));
        started_at.saturating_add(millis).unwrap_or(started_at)
    };
    let chance = draw.below(1_000);
    let (status, cost_status) = match chance {
        0..30 => (RecordStatus::Failed, CostStatus::Computed),
        30..40 => (RecordStatus::Partial, CostStatus::Estimated),
        40..45 => (RecordStatus::Success, CostStatus::Unpriced),
        _ => (RecordStatus::Success, CostStatus::Computed),
    };
    let mut usage = Usage::default();
    let (mut receipt, mut price_ids, mut cost) = (Vec::new(), Vec::new(), Decimal::ZERO);
    let mut bill = |meter: Meter, quantity: u64, price: i64, price_id: u64| {
        usage.meters.insert(meter, quantity.into());
        let amount = Decimal::from_i128_with_scale(i128::from(quantity) * i128::from(price), 12);
        cost += amount;
        price_ids.push(PriceId::new(price_id));
        receipt.push(ReceiptLine {
            attempt: 1,
            model: format!("{provider}/{model}"),
            meter: Some(meter),
            note: None,
            quantity: quantity.into(),
            billed_quantity: None,
            unit_price: Some(Decimal::new(price, 6).normalize()),
            unit: Some(Unit::Per1mTokens),
            price_id: Some(PriceId::new(price_id)),
            modifiers: Vec::new(),
            amount: Some(amount.normalize()),
            currency: Some(currency),
        });
    };
    if status != RecordStatus::Failed {
        bill(Meter::InputToken, 20 + draw.low(6_000), input_price, place * 4 + 1);
        if draw.below(5) == 0 && !is_embedding {
            bill(Meter::CachedInputToken, 128 * (1 + draw.low(40)), input_price / 2, place * 4 + 2);
        }
        if !is_embedding {
            bill(Meter::OutputToken, 1 + draw.low(2_000), output_price, place * 4 + 3);
        }
    }
    if cost_status == CostStatus::Estimated {
        usage.flag(UsageFlag::Estimated);
    }
    let cost = Money::new(cost.normalize(), currency);
    let is_priced = cost_status != CostStatus::Unpriced;
    let facts = facts(started_at, after(latency_ms / 3), after(latency_ms));
    let failed = status == RecordStatus::Failed;
    let request = ReserveRequest {
        request_id: draw.unique_id(started_at),
        attempt: 1,
        record_uid: draw.unique_id(started_at),
        user: Some(user),
        tags,
        model_config_id: ModelConfigId::new(place + 1),
        provider: provider.to_owned(),
        model: model.to_owned(),
        capability: if is_embedding { Capability::Embedding } else { Capability::Text },
        worst_case: is_priced.then(|| Money::new(Decimal::ONE, currency)),
        worst_case_tokens: Some(100_000),
        worst_case_meters: None,
        on_unpriced: Some(tollway::types::UnpricedPolicy::Allow),
        planned_with: None,
        now: started_at,
        expires_at: started_at.saturating_add(SignedDuration::from_mins(15)).unwrap_or(started_at),
    };
    let settlement = Settlement {
        reservation_id: ReservationId::new(0),
        usage,
        facts,
        cost: is_priced.then_some(cost),
        cost_status,
        billed_by: if failed { BilledBy::NotBilled } else { BilledBy::ProviderUsage },
        receipt,
        price_ids,
        status,
        provider_request_id: (!failed).then(|| format!("chatcmpl-{}", draw.letters(29))),
        served_model: (!failed).then(|| served.to_owned()),
        error_code: failed.then(|| "rate_limited".to_owned()),
        error_message: failed.then(|| "the provider limits requests; wait and try again (HTTP 429)".to_owned()),
        latency_ms,
        completes_key: None,
        now: after(latency_ms),
    };
    Drawn { request, settlement }
}

fn facts(started_at: Timestamp, first_token_at: Timestamp, completed_at: Timestamp) -> Facts {
    let mut facts = Facts::at(started_at);
    facts.set(Attribute::ServiceTier, "default");
    Facts { first_token_at: Some(first_token_at), completed_at: Some(completed_at), ..facts }
}
