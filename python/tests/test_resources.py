from __future__ import annotations

import asyncio
import inspect
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

import tollway
from conftest import MASTER_KEY, PRICES
from tollway import budgets, chat, models, prices, routes, usage
from tollway._values import instant, instant_text

if TYPE_CHECKING:
    from pathlib import Path


def test_models_are_added_changed_and_deleted(tw: tollway.Tollway) -> None:
    config = tw.models.add(
        "openai/cheap", api_key="sk-secret", alias="cheap", priority=3, prices=PRICES, params={"max_output_tokens": 9}
    )
    assert config.name == "openai/cheap"
    assert (config.alias, config.priority, config.is_active) == ("cheap", 3, True)
    assert config.params == {"max_output_tokens": 9}
    assert config.created_at.tzinfo is not None
    assert "sk-secret" not in repr(tw.models.list())
    changed = tw.models.update("openai/cheap", description="a note", alias=None)
    assert (changed.description, changed.alias, changed.priority) == ("a note", None, 3)
    tw.models.delete("openai/cheap")
    assert "openai/cheap" not in [config.name for config in tw.models.list()]
    with pytest.raises(tollway.NotFoundError):
        tw.models.delete("openai/cheap")
    with pytest.raises(TypeError, match="'base'"):
        tw.models.add("openai/x", base="http://127.0.0.1")  # type: ignore[call-arg]
    with pytest.raises(tollway.InvalidRequestError):
        tw.models.add("no-provider")


def test_models_that_were_used_stay_when_their_config_goes(tw: tollway.Tollway) -> None:
    tw.chat("Hi")
    tw.models.delete("openai/house-model")
    assert [f"{model.provider}/{model.model_code}" for model in tw.models.used()] == ["openai/house-model"]


def test_the_health_of_each_model_is_listed(tw: tollway.Tollway) -> None:
    tw.chat("Hi")
    healths = {health.model: health for health in tw.models.health()}
    assert healths["openai/house-model"].consecutive_failures == 0
    assert healths["openai/house-model"].cooling_for is None


def test_prices_are_set_listed_and_expired(tw: tollway.Tollway) -> None:
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    terms = {"unit_price": Decimal("0.30"), "unit": "per_1m_tokens", "currency": "USD", "effective_date": start}
    (price,) = tw.prices.set("openai/house-model", {"cached_input_token": terms})
    assert price.pricing_type == "cached_input_token"
    assert price.unit_price == Decimal("0.30")
    assert price.effective_date == start
    assert price in tw.prices.list("openai/house-model")
    tw.prices.expire(price, at="2030-01-01")
    (expired,) = [each for each in tw.prices.list() if each.id == price.id]
    assert expired.expiry_date == datetime(2030, 1, 1, tzinfo=timezone.utc)
    with pytest.raises(tollway.InvalidRequestError, match="input_token"):
        tw.prices.set("openai/house-model", {"input_tokens": terms})


def test_routes_are_set_listed_and_deleted(tw: tollway.Tollway) -> None:
    route = tw.routes.set("text", strategy="fallback", models=["openai/house-model"])
    assert (route.strategy, route.models, route.maximum_cost) == ("fallback", ("openai/house-model",), None)
    cost = tollway.Money(Decimal("0.10"), "USD")
    assert tw.routes.set("economical", strategy="economy", maximum_cost=cost).maximum_cost == cost
    assert {each.name for each in tw.routes.list()} == {"text", "economical"}
    tw.routes.delete("economical")
    assert [each.name for each in tw.routes.list()] == ["text"]


def test_budgets_are_set_listed_and_deleted(tw: tollway.Tollway) -> None:
    budget = tw.budgets.set(user="alice", limit="5.00", currency="USD", window="month")
    assert (budget.user, budget.limit, budget.currency, budget.window) == ("alice", Decimal(5), "USD", "month")
    assert budget.remaining == budget.limit
    assert budget.settled == budget.reserved == 0
    assert budget.window_start is not None
    tokens = tw.budgets.set(tag=("team", "red"), limit_tokens=1000)
    assert (tokens.tag, tokens.limit) == (("team", "red"), Decimal(1000))
    assert tokens.currency is None
    assert tokens.window_start is None
    everyone = tw.budgets.set(limit=100, currency="USD")
    assert everyone.user is None
    assert everyone.tag is None
    assert {each.id for each in tw.budgets.list()} == {budget.id, tokens.id, everyone.id}
    tw.budgets.delete(tokens)
    tw.budgets.delete(everyone.id)
    assert [each.id for each in tw.budgets.list()] == [budget.id]
    with pytest.raises(tollway.InvalidRequestError, match="currency"):
        tw.budgets.set(limit="5.00")


def test_usage_records_are_paged_filtered_and_summed(tw: tollway.Tollway) -> None:
    for _ in range(7):
        tw.chat("Name three rivers.", user="alice", tags={"feature": "geo"})
    page = tw.usage.records(limit=3)
    assert len(page) == 3
    assert page.next_cursor is not None
    rest = tw.usage.records(limit=10, cursor=page.next_cursor)
    assert rest.next_cursor is None
    everything = list(tw.usage.iterate())
    assert [*page, *rest] == everything
    today = datetime.now(timezone.utc).date()
    assert len(list(tw.usage.iterate(since=today, until=today + timedelta(days=1)))) == 7
    assert list(tw.usage.iterate(until=str(today))) == []
    assert list(tw.usage.iterate(user="nobody")) == []
    (row,) = tw.usage.summary(by=["model", "user"], since=today.isoformat())
    assert row.group == {"model": "openai/house-model", "user": "alice"}
    assert row.calls == 7
    assert row.totals == {"USD": sum((record.cost_amount or Decimal(0) for record in everything), Decimal(0))}
    with pytest.raises(TypeError, match="'usr'"):
        tw.usage.records(usr="alice")  # type: ignore[call-arg]


def test_the_master_key_can_be_changed(path: Path, tw: tollway.Tollway) -> None:
    tw.rotate_master_key("another passphrase")
    assert tw.chat("Hi").text
    tw.close()
    tollway.open(path, master_key="another passphrase").close()
    with pytest.raises(tollway.WrongMasterKeyError):
        tollway.open(path, master_key=MASTER_KEY)


def test_resources_work_the_same_awaited(path: Path, tw: tollway.Tollway) -> None:
    async def main() -> None:
        async with await tollway.AsyncTollway.open(path, master_key=MASTER_KEY) as atw:
            config = await atw.models.add("openai/other", base_url="http://127.0.0.1:9/v1", prices=PRICES)
            assert config.name in [each.name for each in await atw.models.list()]
            budget = await atw.budgets.set(user="alice", limit="5.00", currency="USD")
            assert [each.id for each in await atw.budgets.list()] == [budget.id]
            await atw.budgets.delete(budget)
            assert (await atw.routes.set("text", strategy="fallback")).strategy == "fallback"
            await atw.routes.delete("text")
            await atw.chat("Hi", user="bob")
            assert [record.user async for record in atw.usage.iterate(user="bob")] == ["bob"]
            assert (await atw.usage.summary(by=["user"], user="bob"))[0].calls == 1

    asyncio.run(main())
    assert tw


def test_the_sync_and_async_classes_have_the_same_methods() -> None:
    def names(kind: type) -> dict[str, list[str]]:
        methods = inspect.getmembers(kind, inspect.isfunction)
        return {name: list(inspect.signature(method).parameters) for name, method in methods if name[0] != "_"}

    for sync, twin in [
        (models.Models, models.AsyncModels),
        (prices.Prices, prices.AsyncPrices),
        (routes.Routes, routes.AsyncRoutes),
        (budgets.Budgets, budgets.AsyncBudgets),
        (usage.UsageLedger, usage.AsyncUsageLedger),
        (chat.Chat, chat.AsyncChat),
    ]:
        assert names(sync) == names(twin)
    twin_names = names(tollway.AsyncTollway)
    assert twin_names.pop("aclose") == twin_names["close"]
    assert names(tollway.Tollway) == twin_names


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2026-11-01", "2026-11-01T00:00:00Z"),
        (date(2026, 11, 1), "2026-11-01T00:00:00Z"),
        (datetime(2026, 11, 1, 8, tzinfo=timezone(timedelta(hours=8))), "2026-11-01T00:00:00Z"),
        ("2026-11-01T08:00:00+08:00", "2026-11-01T08:00:00+08:00"),
    ],
)
def test_strings_dates_and_datetimes_are_taken_as_instants(value: str | date | datetime, text: str) -> None:
    assert instant_text(value, "since") == text


def test_a_datetime_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        instant_text(datetime(2026, 11, 1), "since")  # noqa: DTZ001


@pytest.mark.parametrize("text", ["2026-11-22T20:34:57Z", "2026-11-22T20:34:57.5Z", "2026-11-22T20:34:57.123456789Z"])
def test_instants_in_results_are_datetimes_in_utc(text: str) -> None:
    value = instant(text)
    assert value.utcoffset() == timedelta(0)
    assert value.microsecond in {0, 500_000, 123_456}
    assert value.replace(microsecond=0) == datetime(2026, 11, 22, 20, 34, 57, tzinfo=timezone.utc)
