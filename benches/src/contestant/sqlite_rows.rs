//! The rows that a reservation and a settlement write in SQLite.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Statement, params};
use tollway::store::{ReserveRequest, Settlement};
use tollway::types::Decimal;

use super::pair;
use crate::protocol::Failure;

/// The account of the budget.
const ACCOUNT: i64 = 1;
/// The spaces of names, and the dimension of all records.
const WORDS: i64 = 1;
const USERS: i64 = 2;
const TAG_KEYS: i64 = 3;
const MODELS: i64 = 4;
const ALL: i64 = 0;
/// How many microseconds an hour has, and how many hours a day.
const HOUR: i64 = 3_600_000_000;
const HOURS: i64 = 24;
/// How many decimals an amount has.
const DECIMALS: u32 = 12;

/// The statements that write, each prepared once.
pub(super) struct Rows<'c> {
    connection: &'c Connection,
    known: HashMap<i64, HashMap<String, i64>>,
    /// What the settlements of the transaction under way add to rollups, which are written once for all of them.
    rollups: BTreeMap<[i64; 9], [i64; 4]>,
    name: Statement<'c>,
    new_name: Statement<'c>,
    has_uid: Statement<'c>,
    balance: Statement<'c>,
    hold: Statement<'c>,
    release: Statement<'c>,
    movement: Statement<'c>,
    reservation: Statement<'c>,
    taken: Statement<'c>,
    record: Statement<'c>,
    tag: Statement<'c>,
    rollup: Statement<'c>,
}

/// A reservation, as it is taken away.
struct Held {
    request_id: Vec<u8>,
    attempt: i64,
    uid: Vec<u8>,
    user: Option<i64>,
    tags: String,
    provider: i64,
    model: i64,
    model_config: i64,
    start: i64,
    amount: i64,
}

impl<'c> Rows<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> Result<Self, Failure> {
        Ok(Self {
            connection,
            known: HashMap::new(),
            rollups: BTreeMap::new(),
            name: connection.prepare("SELECT number FROM names WHERE space = ?1 AND value = ?2")?,
            new_name: connection.prepare("INSERT INTO names (space, value) VALUES (?1, ?2)")?,
            has_uid: connection.prepare("SELECT 1 FROM records WHERE uid = ?1")?,
            balance: connection.prepare(
                "INSERT OR IGNORE INTO balances (account, part, start, ceiling, settled, reserved, movements)
                 VALUES (?1, '', ?2, ?3, 0, 0, 0)",
            )?,
            hold: connection.prepare(
                "UPDATE balances SET reserved = reserved + ?3
                 WHERE account = ?1 AND part = '' AND start = ?2 AND settled + reserved + ?3 <= ceiling",
            )?,
            release: connection.prepare(
                "UPDATE balances SET reserved = reserved - ?3, settled = settled + ?4, movements = movements + 1
                 WHERE account = ?1 AND part = '' AND start = ?2 RETURNING movements, settled",
            )?,
            movement: connection.prepare("INSERT INTO movements VALUES (?1, '', ?2, ?3, 1, ?4, ?5, ?6, ?7)")?,
            reservation: connection.prepare(
                "INSERT INTO reservations (session, request_id, attempt, record_uid, user, tags, provider, model,
                     model_config, worst_case, worst_case_tokens, created_at, expires_at, account, start, held)
                 VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?9)",
            )?,
            taken: connection.prepare(
                "DELETE FROM reservations WHERE id = ?1 RETURNING request_id, attempt, record_uid, user, tags, provider,
                     model, model_config, start, held",
            )?,
            record: connection.prepare(
                "INSERT INTO records (uid, request_id, reservation, attempt, user, tags, provider, model, served_model,
                     model_config, usage_type, status, cost_status, billed_by, usage, receipt, tokens, cost, currency,
                     latency_ms, started_at, created_at, account, start)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, '', ?16, ?17, ?18, ?19, ?20,
                     ?21, ?22, ?23)",
            )?,
            tag: connection.prepare("INSERT INTO records_by_tag VALUES (?1, ?2, ?3, ?4)")?,
            rollup: connection.prepare(
                "INSERT INTO rollups VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
                 ON CONFLICT DO UPDATE SET records = records + excluded.records, cost = cost + excluded.cost,
                     input_tokens = input_tokens + excluded.input_tokens,
                     output_tokens = output_tokens + excluded.output_tokens",
            )?,
        })
    }

    pub(super) fn begin(&mut self) -> Result<(), Failure> {
        Ok(self.connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    pub(super) fn commit(&mut self) -> Result<(), Failure> {
        for (key, sums) in std::mem::take(&mut self.rollups) {
            let [day, hour, dimension, value, model, usage_type, status, cost_status, currency] = key;
            let [records, input, output, cost] = sums;
            self.rollup.execute(params![
                day,
                hour,
                dimension,
                value,
                model,
                usage_type,
                status,
                cost_status,
                currency,
                records,
                input,
                output,
                cost
            ])?;
        }
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    /// Returns the number of a name, which it gets if it has none.
    fn name(&mut self, space: i64, value: &str) -> Result<i64, Failure> {
        if let Some(number) = self.known.get(&space).and_then(|names| names.get(value)) {
            return Ok(*number);
        }
        let found = self.name.query_row(params![space, value], |row| row.get(0)).optional()?;
        let number = found.map_or_else(|| self.new_name.insert(params![space, value]), Ok)?;
        self.known.entry(space).or_default().insert(value.to_owned(), number);
        Ok(number)
    }

    /// Holds the worst case in the budget, and returns the id of the reservation.
    pub(super) fn reserve(&mut self, request: &ReserveRequest) -> Result<i64, Failure> {
        let (uid, request_id) = (uuid(&request.record_uid)?, uuid(&request.request_id)?);
        if self.has_uid.exists(params![uid])? {
            return Err(Failure::new("a record has the uid already"));
        }
        let worst_case = request.worst_case.map(|worst| whole(worst.amount)).transpose()?.unwrap_or_default();
        let start = month(request.now);
        if self.hold.execute(params![ACCOUNT, start, worst_case])? == 0 {
            self.balance.execute(params![ACCOUNT, start, whole(Decimal::from(pair::LIMIT))?])?;
            if self.hold.execute(params![ACCOUNT, start, worst_case])? == 0 {
                return Err(Failure::new("the budget is used up"));
            }
        }
        let user = request.user.as_deref().map(|user| self.name(USERS, user)).transpose()?;
        let (provider, model) = (self.name(MODELS, &request.provider)?, self.name(MODELS, &request.model)?);
        Ok(self.reservation.insert(params![
            request_id,
            request.attempt,
            uid,
            user,
            serde_json::to_string(&request.tags)?,
            provider,
            model,
            i64::try_from(request.model_config_id.get())?,
            worst_case,
            request.worst_case_tokens.map(i64::try_from).transpose()?,
            request.now.as_microsecond(),
            request.expires_at.as_microsecond(),
            ACCOUNT,
            start,
        ])?)
    }

    /// Writes the record of a reservation, and returns its id.
    pub(super) fn settle(&mut self, settlement: &Settlement) -> Result<i64, Failure> {
        let reservation = i64::try_from(settlement.reservation_id.get())?;
        let held = self.taken.query_row(params![reservation], |row| {
            Ok(Held {
                request_id: row.get(0)?,
                attempt: row.get(1)?,
                uid: row.get(2)?,
                user: row.get(3)?,
                tags: row.get(4)?,
                provider: row.get(5)?,
                model: row.get(6)?,
                model_config: row.get(7)?,
                start: row.get(8)?,
                amount: row.get(9)?,
            })
        })?;
        let served = settlement.served_model.as_deref().map(|model| self.name(MODELS, model)).transpose()?;
        let usage_type = self.name(WORDS, "text_generation")?;
        let status = self.name(WORDS, settlement.status.name())?;
        let cost_status = self.name(WORDS, settlement.cost_status.name())?;
        let billed_by = self.name(WORDS, settlement.billed_by.name())?;
        let currency = settlement.cost.map(|cost| self.name(WORDS, cost.currency.code())).transpose()?;
        let cost = settlement.cost.map(|cost| whole(cost.amount)).transpose()?;
        let now = settlement.now.as_microsecond();
        let usage = &settlement.usage;
        let record = self.record.insert(params![
            held.uid,
            held.request_id,
            reservation,
            held.attempt,
            held.user,
            held.tags,
            held.provider,
            held.model,
            served,
            held.model_config,
            usage_type,
            status,
            cost_status,
            billed_by,
            serde_json::to_string(&usage.meters)?,
            usage.consumed_tokens().map(i64::try_from).transpose()?,
            cost,
            currency,
            i64::try_from(settlement.latency_ms)?,
            settlement.facts.started_at.as_microsecond(),
            now,
            ACCOUNT,
            held.start,
        ])?;
        let cost = cost.unwrap_or_default();
        let (number, settled): (i64, i64) = self
            .release
            .query_row(params![ACCOUNT, held.start, held.amount, cost], |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.movement.execute(params![ACCOUNT, held.start, number, cost, settled, record, now])?;

        let mut values = vec![(ALL, 0)];
        values.extend(held.user.map(|user| (USERS, user)));
        let tags: BTreeMap<String, String> = serde_json::from_str(&held.tags)?;
        for (key, value) in tags {
            let key = self.name(TAG_KEYS, &key)?;
            let value = self.name(key, &value)?;
            self.tag.execute(params![key, value, now, record])?;
            values.push((key, value));
        }
        let tokens = |tokens: Option<u64>| i64::try_from(tokens.unwrap_or_default());
        let sums = [1, tokens(usage.input_tokens())?, tokens(usage.output_tokens())?, cost];
        let (day, hour) = (now.div_euclid(HOUR * HOURS), now.rem_euclid(HOUR * HOURS) / HOUR);
        for (dimension, value) in values {
            for hour in [hour, HOURS] {
                let key =
                    [day, hour, dimension, value, held.model, usage_type, status, cost_status, currency.unwrap_or(0)];
                let total = self.rollups.entry(key).or_default();
                total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
            }
        }
        Ok(record)
    }
}

/// Returns the bytes of a UUID.
fn uuid(text: &str) -> Result<[u8; 16], Failure> {
    Ok(u128::from_str_radix(&text.replace('-', ""), 16)?.to_be_bytes())
}

/// Returns an amount as a whole number.
fn whole(amount: Decimal) -> Result<i64, Failure> {
    let too_fine = || Failure::new(format!("{amount} has too many decimals"));
    let missing = DECIMALS.checked_sub(amount.scale()).ok_or_else(too_fine)?;
    Ok(i64::try_from(amount.mantissa() * 10_i128.pow(missing))?)
}

/// Returns the first microsecond of the month of an instant.
fn month(instant: Timestamp) -> i64 {
    let first = instant.to_zoned(jiff::tz::TimeZone::UTC).date().first_of_month();
    first.to_zoned(jiff::tz::TimeZone::UTC).map_or(0, |first| first.timestamp().as_microsecond())
}
