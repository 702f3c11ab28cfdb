//! Queries over usage records.

use super::verifying::verified;
use super::*;

on_each_engine! {
    every_filter_returns_what_a_plain_search_returns_in_pages_too,
    the_newest_records_are_found_however_far_back_they_are,
    a_wrong_clock_hides_nothing_and_is_found_at_its_own_time,
    a_record_that_was_changed_is_found_by_what_it_has_become,
    a_scan_ends_with_the_error_of_its_visitor,
    the_rollup_adds_up_to_the_records_day_by_day,
}

/// What a filter is compared with.
type Check = Box<dyn Fn(&UsageRecord) -> bool>;

/// Writes records whose times run partly backwards, and returns them.
fn fill(fixture: &Fixture) -> Vec<UsageRecord> {
    for (number, second) in [10_u64, 20, 70, 15, 30, 90, 25, 100, 40, 120].into_iter().enumerate() {
        let mut request = fixture.request(if number % 3 == 0 { "alice" } else { "bob" }, Some(usd("1")));
        request.request_id = format!("call-{}", number / 2);
        request.tags = [("number".to_owned(), number.to_string())].into();
        if number % 2 == 0 {
            request.provider = "openrouter".into();
            request.model = "meta/llama".into();
        }
        let held = fixture.reserve(request).unwrap();
        let now = noon() + Duration::from_secs(second);
        let cost = (number % 4 != 0).then(|| usd("0.5"));
        fixture.settle(Settlement { now, ..settlement(held, cost) }).unwrap();
    }
    fixture.records(UsageFilter::default())
}

fn every_filter_returns_what_a_plain_search_returns_in_pages_too(engine: Engine) {
    let fixture = Fixture::on(engine);
    let all = fill(&fixture);
    assert_eq!(all.len(), 10);
    assert!(all.windows(2).all(|pair| (pair[0].created_at, pair[0].id) < (pair[1].created_at, pair[1].id)));
    let second = |second: u64| noon() + Duration::from_secs(second);
    let mut cases: Vec<(UsageFilter, Check)> = vec![
        (
            UsageFilter { user: Some("alice".into()), ..UsageFilter::default() },
            Box::new(|record| record.user.as_deref() == Some("alice")),
        ),
        (
            UsageFilter { request_id: Some("call-2".into()), ..UsageFilter::default() },
            Box::new(|record| record.request_id == "call-2"),
        ),
        (
            UsageFilter { model: Some("openrouter/meta/llama".into()), ..UsageFilter::default() },
            Box::new(|record| record.provider == "openrouter"),
        ),
        (
            UsageFilter { model: Some("gpt-test".into()), ..UsageFilter::default() },
            Box::new(|record| record.provider == "openai"),
        ),
        (
            UsageFilter { provider: Some("openai".into()), ..UsageFilter::default() },
            Box::new(|record| record.provider == "openai"),
        ),
        (
            UsageFilter { tags: [("number".into(), "4".into())].into(), ..UsageFilter::default() },
            Box::new(|record| record.tags["number"] == "4"),
        ),
        (
            UsageFilter { cost_status: Some(CostStatus::Unpriced), ..UsageFilter::default() },
            Box::new(|record| record.cost_amount.is_none()),
        ),
        (UsageFilter { status: Some(RecordStatus::Failed), ..UsageFilter::default() }, Box::new(|_| false)),
    ];
    for from in [0, 10, 16, 25, 26, 71, 121] {
        for until in [11, 26, 41, 90, 91, 200] {
            for user in [None, Some("bob".to_owned())] {
                let (since, until) = (second(from), second(until));
                let filter = UsageFilter {
                    user: user.clone(),
                    since: Some(since),
                    until: Some(until),
                    ..UsageFilter::default()
                };
                cases.push((
                    filter,
                    Box::new(move |record| {
                        (user.is_none() || record.user == user) && (since..until).contains(&record.created_at)
                    }),
                ));
            }
        }
    }
    for (filter, check) in cases {
        let expected: Vec<_> = all.iter().filter(|record| check(record)).cloned().collect();
        assert_eq!(fixture.records(filter.clone()), expected, "{filter:?}");
        let mut paged = Vec::new();
        loop {
            let after = paged.last().map(RecordPlace::of);
            let page = fixture.run(fixture.store().usage_records(filter.clone(), after, 2)).unwrap();
            assert!(page.len() <= 2);
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, expected, "{filter:?}");
        let mut newest = Vec::new();
        loop {
            let before = newest.last().map(RecordPlace::of);
            let page = fixture.run(fixture.store().newest_usage_records(filter.clone(), before, 2)).unwrap();
            assert!(page.len() <= 2);
            if page.is_empty() {
                break;
            }
            newest.extend(page);
        }
        assert!(newest.iter().rev().eq(&expected), "{filter:?}");
        let scanned = Arc::new(std::sync::Mutex::new(Vec::new()));
        let sink = Arc::clone(&scanned);
        let visit = Box::new(move |record| {
            sink.lock().unwrap().push(record);
            Ok(())
        });
        fixture.run(fixture.store().scan_usage_records(filter, visit)).unwrap();
        let mut scanned = scanned.lock().unwrap().clone();
        scanned.sort_by_key(RecordPlace::of);
        assert_eq!(scanned, expected);
    }
}

fn the_newest_records_are_found_however_far_back_they_are(engine: Engine) {
    let fixture = Fixture::on(engine);
    for number in 0..300_u64 {
        let user = if number % 140 == 3 { "rare" } else { "bob" };
        let held = fixture.reserve(fixture.request(user, Some(usd("1")))).unwrap();
        let now = noon() + Duration::from_secs(number);
        fixture.settle(Settlement { now, ..settlement(held, Some(usd("0.5"))) }).unwrap();
    }
    let newest = |filter: UsageFilter, limit| -> Vec<u64> {
        let records = fixture.run(fixture.store().newest_usage_records(filter, None, limit)).unwrap();
        records.iter().map(|record| record.id.get()).collect()
    };
    assert_eq!(newest(UsageFilter::default(), 3), [300, 299, 298]);
    assert_eq!(newest(UsageFilter::default(), 1_000), (1..=300).rev().collect::<Vec<_>>());
    assert_eq!(newest(UsageFilter { user: Some("rare".into()), ..UsageFilter::default() }, 9), [284, 144, 4]);
    let until = Some(noon() + Duration::from_secs(9));
    assert_eq!(newest(UsageFilter { until, ..UsageFilter::default() }, 2), [9, 8]);
}

fn a_wrong_clock_hides_nothing_and_is_found_at_its_own_time(engine: Engine) {
    let fixture = Fixture::on(engine);
    let settle = |second: i64, status| {
        let held = fixture.reserve(fixture.request("alice", Some(usd("1")))).unwrap();
        let now = noon() + jiff::SignedDuration::from_secs(second);
        fixture.settle(Settlement { status, now, ..settlement(held, Some(usd("0.5"))) }).unwrap();
    };
    let year = 365 * 86_400;
    // Between them the clock is a year ahead, and a year behind.
    for second in [1, 2, 3, year, 4, 5, -year, 6, 7, 8, 9, 3, 5, 10, 11, 12] {
        settle(second, if second % 2 == 0 { RecordStatus::Failed } else { RecordStatus::Success });
    }
    let ids =
        |filter: UsageFilter| -> Vec<u64> { fixture.records(filter).iter().map(|record| record.id.get()).collect() };
    let all = UsageFilter::default;
    assert_eq!(ids(all()), [7, 1, 2, 3, 12, 5, 6, 13, 8, 9, 10, 11, 14, 15, 16, 4]);
    let second = |second: u64| Some(noon() + Duration::from_secs(second));
    let within = UsageFilter { since: second(3), until: second(6), ..all() };
    assert_eq!(ids(within.clone()), [3, 12, 5, 6, 13]);
    assert_eq!(ids(UsageFilter { status: Some(RecordStatus::Failed), ..within.clone() }), [5]);
    assert_eq!(ids(UsageFilter { since: second(13), ..all() }), [4]);
    let newest = fixture.run(fixture.store().newest_usage_records(within, None, 2)).unwrap();
    assert_eq!(newest.iter().map(|record| record.id.get()).collect::<Vec<_>>(), [13, 6]);
    assert_eq!(verified(&fixture), Vec::<String>::new());
}

fn a_record_that_was_changed_is_found_by_what_it_has_become(engine: Engine) {
    let fixture = Fixture::on(engine);
    for number in 0..9 {
        let held = fixture.reserve(fixture.request("alice", None)).unwrap();
        let now = noon() + Duration::from_secs(number);
        fixture.settle(Settlement { now, ..settlement(held, None) }).unwrap();
    }
    let of = |status| fixture.records(UsageFilter { cost_status: Some(status), ..UsageFilter::default() });
    let uid = of(CostStatus::Unpriced)[2].uid.clone();
    fixture.apply(Operation::PriceRecord { uid: uid.clone(), cost: usd("0.25"), now: noon() }).unwrap();
    assert_eq!(of(CostStatus::Computed).iter().map(|record| &record.uid).collect::<Vec<_>>(), [&uid]);
    assert_eq!(of(CostStatus::Unpriced).len(), 8);
    assert_eq!(verified(&fixture), Vec::<String>::new());
}

fn a_scan_ends_with_the_error_of_its_visitor(engine: Engine) {
    let fixture = Fixture::on(engine);
    fill(&fixture);
    let visit = Box::new(|_| Err(Error::new(ErrorKind::Cancelled, "enough")));
    let error = fixture.run(fixture.store().scan_usage_records(UsageFilter::default(), visit)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(fixture.run(fixture.store().usage_records(UsageFilter::default(), None, 0)).unwrap().is_empty());
}

fn the_rollup_adds_up_to_the_records_day_by_day(engine: Engine) {
    let fixture = Fixture::on(engine);
    let days = ["2026-11-20T23:59:59Z", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"];
    for (number, day) in days.into_iter().enumerate() {
        for currency in [usd("0.1"), cny("0.7")] {
            let held = fixture.reserve(fixture.request("alice", Some(currency))).unwrap();
            fixture.settle(Settlement { now: at(day), ..settlement(held, Some(currency)) }).unwrap();
        }
        if number == 1 {
            let held = fixture.reserve(fixture.request("alice", None)).unwrap();
            fixture.settle(Settlement { now: at(day), ..settlement(held, None) }).unwrap();
        }
    }
    let date = |day| jiff::civil::date(2026, 11, day);
    let rows = fixture.run(fixture.store().daily_costs(date(21), date(21))).unwrap();
    let summary: Vec<_> =
        rows.iter().map(|row| (row.currency, row.cost.to_string(), row.calls, row.unpriced_calls)).collect();
    assert_eq!(
        summary,
        [
            (None, "0".to_owned(), 1, 1),
            (Some(Currency::CNY), "0.7".to_owned(), 1, 0),
            (Some(Currency::USD), "0.1".to_owned(), 1, 0)
        ]
    );
    assert_eq!(rows[0].cost_statuses, ["unpriced".to_owned()].into());
    assert_eq!(fixture.run(fixture.store().daily_costs(date(20), date(22))).unwrap().len(), 7);
    assert!(fixture.run(fixture.store().daily_costs(date(23), date(30))).unwrap().is_empty());
}
