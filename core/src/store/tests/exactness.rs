//! Balances are exact: after any sequence of operations they equal what a naive model adds up.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::Strategy;

use super::*;

/// What the test does next.
#[derive(Clone, Debug)]
enum Step {
    Reserve { user: u8, amount: u32, scale: u32 },
    Settle { which: prop::sample::Index, amount: u32, scale: u32 },
    Recover { policy: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3_u8, 0..90_000_u32, 0..12_u32).prop_map(|(user, amount, scale)| Step::Reserve { user, amount, scale }),
        3 => (any::<prop::sample::Index>(), 0..90_000_u32, 0..12_u32)
            .prop_map(|(which, amount, scale)| Step::Settle { which, amount, scale }),
        1 => any::<bool>().prop_map(|policy| Step::Recover { policy }),
    ]
}

/// A budget as the naive model keeps it: lists that are added up when they are asked for.
#[derive(Default)]
struct Naive {
    settled: Vec<Decimal>,
    reserved: BTreeMap<u64, Decimal>,
}

impl Naive {
    fn used(&self) -> Decimal {
        self.settled.iter().chain(self.reserved.values()).copied().sum()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn balances_equal_the_sum_of_records_to_the_last_digit(steps in prop::collection::vec(step(), 1..50)) {
        for engine in Engine::ALL {
            check(engine, steps.clone())?;
        }
    }
}

fn check(engine: Engine, steps: Vec<Step>) -> std::result::Result<(), TestCaseError> {
    let mut fixture = Fixture::on(engine);
    let users = ["user-0", "user-1", "user-2"];
    let limit = decimal("60000");
    let mut budgets = vec![fixture.budget(terms(Scope::everyone(), Limit::Money(usd("100000")), Window::Total))];
    for name in users {
        budgets.push(fixture.budget(terms(user(name), Limit::Money(Money::new(limit, Currency::USD)), Window::Day)));
    }
    let mut naive: Vec<Naive> = budgets.iter().map(|_| Naive::default()).collect();
    let mut open: Vec<(ReservationId, usize, Decimal)> = Vec::new();
    for step in steps {
        match step {
            Step::Reserve { user, amount, scale } => {
                let amount = Decimal::new(amount.into(), scale % 6);
                let user = usize::from(user);
                let fits = naive[0].used() + amount <= decimal("100000") && naive[user + 1].used() + amount <= limit;
                let request = fixture.request(users[user], Some(Money::new(amount, Currency::USD)));
                let outcome = fixture.reserve(request);
                prop_assert_eq!(outcome.is_ok(), fits);
                if let Ok(id) = outcome {
                    for budget in [0, user + 1] {
                        naive[budget].reserved.insert(id.get(), amount);
                    }
                    open.push((id, user, amount));
                }
            }
            Step::Settle { which, amount, scale } if !open.is_empty() => {
                let (id, user, _) = open.remove(which.index(open.len()));
                let amount = Decimal::new(amount.into(), scale);
                fixture.settle(settlement(id, Some(Money::new(amount, Currency::USD)))).unwrap();
                for budget in [0, user + 1] {
                    naive[budget].reserved.remove(&id.get());
                    naive[budget].settled.push(amount);
                }
            }
            Step::Settle { .. } => {}
            Step::Recover { policy } => {
                fixture.reopen();
                let policy = if policy { RecoveryPolicy::BillReserved } else { RecoveryPolicy::Release };
                prop_assert_eq!(fixture.recover(policy, noon()), open.len() as u64);
                for (id, user, amount) in open.drain(..) {
                    for budget in [0, user + 1] {
                        naive[budget].reserved.remove(&id.get());
                        if policy == RecoveryPolicy::BillReserved {
                            naive[budget].settled.push(amount);
                        }
                    }
                }
            }
        }
        for (id, naive) in budgets.iter().zip(&naive) {
            let balance = fixture.balance(*id, noon());
            prop_assert_eq!(balance.settled, naive.settled.iter().copied().sum::<Decimal>());
            prop_assert_eq!(balance.reserved, naive.reserved.values().copied().sum::<Decimal>());
        }
    }
    let records = fixture.records(UsageFilter::default());
    let mut totals = Totals::default();
    for record in &records {
        totals.add(usd(&record.cost_amount.unwrap().to_string())).unwrap();
    }
    let settled = fixture.balance(budgets[0], noon()).settled;
    prop_assert_eq!(totals.get(Currency::USD).unwrap_or_default(), settled);
    let day = jiff::civil::date(2026, 11, 22);
    let rollup = fixture.run(fixture.store().daily_costs(day, day)).unwrap();
    prop_assert_eq!(rollup.iter().map(|row| row.cost).sum::<Decimal>(), settled);
    prop_assert_eq!(rollup.iter().map(|row| row.calls).sum::<u64>(), records.len() as u64);
    // A budget that is made now starts with the same sum.
    let fresh = fixture.budget(terms(Scope::everyone(), Limit::Money(usd("100000")), Window::Month));
    prop_assert_eq!(fixture.balance(fresh, noon()).settled, settled);
    Ok(())
}
