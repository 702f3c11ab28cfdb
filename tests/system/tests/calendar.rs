//! Month ends and clock changes: a cap holds in each window of a calendar, and a call that goes over the end of one counts once.

use std::time::Duration;

use jiff::Timestamp;
use mock_provider::{MockProvider, Reply, Script};
use rust_decimal::Decimal;
use tollway::client::Tollway;
use tollway::types::{BudgetTerms, ErrorKind, Limit, QuotaTerms, QuotaType, Scope, Window};
use tollway_system_tests::{
    JumpingClock, all_records, billed_to, by_uid, house_model, open_in, openai_url, request, settings,
};

/// How many requests a window has room for.
const ROOM: u64 = 3;

/// The zone, the window, and the instant at which one ends.
const ENDS: [(&str, Window, &str); 8] = [
    ("UTC", Window::Month, "2027-03-01T00:00:00Z"),
    ("Asia/Shanghai", Window::Month, "2027-12-31T16:00:00Z"),
    ("America/New_York", Window::Month, "2027-12-01T05:00:00Z"),
    // Days of 23 and of 25 hours, and the hours about a clock change.
    ("Europe/Berlin", Window::Day, "2027-03-28T22:00:00Z"),
    ("Europe/Berlin", Window::Day, "2027-10-31T23:00:00Z"),
    ("Europe/Berlin", Window::Hour, "2027-10-31T01:00:00Z"),
    ("America/New_York", Window::Day, "2027-03-15T04:00:00Z"),
    ("Europe/Berlin", Window::Week, "2027-03-28T22:00:00Z"),
];

struct Place {
    clock: std::sync::Arc<JumpingClock>,
    tollway: Tollway,
    _mock: MockProvider,
    _folder: tempfile::TempDir,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = JumpingClock::new(&folder.path().join("clock"));
        let mock = MockProvider::start().await.unwrap();
        let slow = mock.script("slow", Script::new([Reply::automatic().delay(Duration::from_millis(500))])).unwrap();
        let tollway = open_in(&folder.path().join("app.tollway"), settings(), clock.clone()).await.unwrap();
        tollway.add_model(house_model("openai/mock-words-8", &openai_url(&mock))).await.unwrap();
        let mut other = house_model("openai/mock-words-9", &format!("{slow}/v1"));
        other.default = Some(false);
        tollway.add_model(other).await.unwrap();
        Self { clock, tollway, _mock: mock, _folder: folder }
    }

    fn be_at(&self, at: Timestamp) {
        self.clock.jump(at.duration_since(Timestamp::now())).unwrap();
    }

    /// Makes calls until one is refused; returns how many were answered.
    async fn fill(&self, user: &str, kind: ErrorKind) -> u64 {
        for answered in 0.. {
            match self.tollway.chat(request("two words", 8), billed_to(user)).await {
                Ok(_) => assert!(answered < 100, "the cap never refused"),
                Err(error) => {
                    assert_eq!(error.kind(), kind, "{error}");
                    return answered;
                }
            }
        }
        0
    }

    /// Begins a call that takes half a second, and returns once it is held.
    async fn begin(&self, user: &'static str) -> tokio::task::JoinHandle<()> {
        let tollway = self.tollway.clone();
        let call = tokio::spawn(async move {
            let mut asked = request("two words", 8);
            asked.model = Some("openai/mock-words-9".into());
            tollway.chat(asked, billed_to(user)).await.unwrap();
        });
        while self.tollway.reservations().await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        call
    }

    async fn adds_up(&self, records: u64) {
        assert_eq!(self.tollway.verify(None).await.unwrap().damage, []);
        let all = all_records(&self.tollway).await.unwrap();
        assert_eq!(all.len() as u64, records);
        assert!(by_uid(&all).values().all(|count| *count == 1));
        assert_eq!(self.tollway.reservations().await.unwrap(), []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cap_holds_in_each_window_over_month_ends_and_clock_changes() {
    for (zone, window, end) in ENDS {
        let place = Place::new().await;
        let end: Timestamp = end.parse().unwrap();
        place.be_at(end - Duration::from_mins(2));
        let mut terms = BudgetTerms::new(Scope::of_user("alice"), Limit::Requests(ROOM), window);
        terms.time_zone = zone.into();
        place.tollway.set_budget(terms).await.unwrap();
        let over_the_end = place.begin("alice").await;
        assert_eq!(place.fill("alice", ErrorKind::BudgetExceeded).await, ROOM - 1, "{zone} before {end}");
        place.be_at(end + Duration::from_secs(1));
        assert_eq!(place.fill("alice", ErrorKind::BudgetExceeded).await, ROOM, "{zone} after {end}");
        over_the_end.await.unwrap();
        let status = place.tollway.budgets().await.unwrap().remove(0);
        assert_eq!((status.balance.settled, status.balance.reserved), (ROOM.into(), Decimal::ZERO), "{zone} {end}");
        place.adds_up(2 * ROOM).await;
        // A clock that is set back comes into windows that are full, though nothing is kept of them once a later one has begun.
        place.be_at(end + Duration::from_hours(32 * 24));
        assert_eq!(place.fill("alice", ErrorKind::BudgetExceeded).await, ROOM, "{zone} long after {end}");
        for (at, which) in [(end + Duration::from_secs(1), "after"), (end - Duration::from_mins(2), "before")] {
            place.be_at(at);
            let status = place.tollway.budgets().await.unwrap().remove(0);
            assert_eq!(status.balance.settled, ROOM.into(), "{zone} {which} {end} again");
            assert_eq!(place.fill("alice", ErrorKind::BudgetExceeded).await, 0, "{zone} {which} {end} again");
        }
        place.adds_up(3 * ROOM).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_starts_again_with_the_month_of_its_user() {
    for (zone, end) in [("UTC", "2027-03-01T00:00:00Z"), ("Europe/Berlin", "2027-03-31T22:00:00Z")] {
        let place = Place::new().await;
        let end: Timestamp = end.parse().unwrap();
        place.be_at(end - Duration::from_mins(2));
        let mut terms = QuotaTerms::new("alice", QuotaType::TextToken);
        // The bound of one call, and what three calls use beside it.
        terms.monthly = Decimal::from(400);
        terms.time_zone = zone.into();
        place.tollway.set_quota(terms).await.unwrap();
        let before = place.fill("alice", ErrorKind::QuotaExceeded).await;
        assert!(before > 0, "{zone} before {end}");
        place.be_at(end + Duration::from_secs(1));
        let after = place.fill("alice", ErrorKind::QuotaExceeded).await;
        assert_eq!(after, before, "{zone} after {end}");
        place.adds_up(before + after).await;
    }
}
