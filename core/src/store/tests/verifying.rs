//! Verification: everything is read, and held against what else there is.

use super::*;

on_each_engine! {
    verification_finds_nothing_in_a_ledger_in_use,
    verification_gives_the_head_of_the_chain_at_each_record,
}

/// Reads the whole ledger, and returns what is wrong, a line each.
pub(super) fn verified(fixture: &Fixture) -> Vec<String> {
    let checked = fixture.run(fixture.store().verify()).unwrap();
    let said = |damage: Damage| format!("{} {}: {}", damage.table, damage.row.unwrap_or_default(), damage.problem);
    checked.damage.into_iter().map(said).collect()
}

fn verification_finds_nothing_in_a_ledger_in_use(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    for _ in 0..3 {
        let held = fixture.reserve(fixture.request("alice", Some(usd("1")))).unwrap();
        fixture.settle(settlement(held, Some(usd("0.5")))).unwrap();
    }
    fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    fixture.budget(terms(user("bob"), Limit::Money(usd("500")), Window::Total));
    fixture.reopen();
    let held = fixture.reserve(fixture.request("alice", Some(usd("1")))).unwrap();
    fixture.reserve(fixture.request("bob", Some(usd("2")))).unwrap();
    fixture.settle(settlement(held, None)).unwrap();
    let uid = fixture.records(UsageFilter::default())[3].uid.clone();
    fixture.apply(Operation::PriceRecord { uid, cost: usd("0.25"), now: noon() }).unwrap();
    assert_eq!(verified(&fixture), Vec::<String>::new());
    let checked = fixture.run(fixture.store().verify()).unwrap();
    assert_eq!((checked.records, checked.rows > 10), (4, true));
}

fn verification_gives_the_head_of_the_chain_at_each_record(engine: Engine) {
    let fixture = Fixture::on(engine);
    let mut links = vec![[0; 16]];
    for number in 1..=520 {
        let held = fixture.reserve(fixture.request("alice", None)).unwrap();
        fixture.settle(settlement(held, Some(usd("0.5")))).unwrap();
        let (record, link) = fixture.run(fixture.store().head()).unwrap();
        assert_eq!(record, number);
        links.push(link);
    }
    for record in [0, 1, 255, 256, 257, 511, 512, 513, 520] {
        let link = fixture.run(fixture.store().link_at(record)).unwrap();
        assert_eq!(link.unwrap(), links[usize::try_from(record).unwrap()], "{record}");
    }
}
