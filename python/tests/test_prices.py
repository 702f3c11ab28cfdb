"""Prices with terms, price lists, rates, rerating and quotes."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

import tollway
from conftest import MASTER_KEY
from tollway._fields import PRICE_MAP

if TYPE_CHECKING:
    from pathlib import Path

MODEL = "openai/house-model"
INPUT: dict[str, Any] = {"unit_price": "0.15", "unit": "per_1m_tokens", "currency": "USD"}
BATCH: dict[str, Any] = {
    "unit_price": "0.5",
    "unit": "ratio",
    "currency": "USD",
    "conditions": {"service_tier": "batch"},
    "modifier": {"group": "batch", "meters": ["input_token"]},
}


def book(*offers: dict[str, Any]) -> str:
    return json.dumps({"format": "tollway-prices", "version": 1, "offers": offers})


def house_offer(price: str) -> dict[str, Any]:
    prices = [
        {"pricing_type": meter, "unit_price": price, "unit": "per_1m_tokens"}
        for meter in ("input_token", "output_token")
    ]
    head = {"provider": "openai", "model": "listed", "currency": "USD"}
    return {**head, "prices": prices, "source": "page 3", "checked": "2026-11-20"}


def test_a_meter_has_several_prices_under_conditions(tw: tollway.Tollway) -> None:
    long = {**INPUT, "unit_price": Decimal("0.30"), "conditions": {"input_tokens": {"above": 200000}}}
    rounded = {**INPUT, "unit": "per_token", "rounding": tollway.Rounding(minimum_quantity=Decimal(10))}
    prices = tw.prices.set(MODEL, {"input_token": [INPUT, long], "output_token": rounded, "modifier": BATCH})
    by_conditions = {json.dumps(price.conditions): price for price in prices if price.pricing_type == "input_token"}
    assert by_conditions["{}"].unit_price == Decimal("0.15")
    assert by_conditions['{"input_tokens": {"above": 200000}}'].unit_price == Decimal("0.30")
    (output,) = [price for price in prices if price.pricing_type == "output_token"]
    assert output.rounding == tollway.Rounding(minimum_quantity=10)
    (modifier,) = [price for price in prices if price.pricing_type == "modifier"]
    assert modifier.modifier == tollway.Modifier("batch", ("input_token",))
    assert modifier.conditions == {"service_tier": ["batch"]}
    reply = tw.chat("Hi", max_tokens=3)
    (line,) = [line for line in reply.receipt.lines if line.meter == "output_token"]
    assert line.billed_quantity == 10
    assert "as 10" in str(reply.receipt)


def test_setting_replaces_a_meter_and_adding_does_not(tw: tollway.Tollway) -> None:
    tier = {**INPUT, "conditions": {"service_tier": "batch"}}

    def in_force() -> set[str]:
        rows = tw.prices.list(MODEL)
        return {json.dumps(row.conditions) for row in rows if row.pricing_type == "input_token" and not row.expiry_date}

    tw.prices.add(MODEL, {"input_token": tier})
    assert in_force() == {"{}", '{"service_tier": ["batch"]}'}
    tw.prices.set(MODEL, {"input_token": INPUT})
    assert in_force() == {"{}"}


def test_prices_go_in_as_they_come_out(tw: tollway.Tollway) -> None:
    (row,) = tw.prices.set(MODEL, {"modifier": BATCH})
    again = {"unit_price": row.unit_price, "unit": row.unit, "currency": row.currency}
    again |= {"conditions": row.conditions, "modifier": row.modifier, "basis": row.basis}
    (second,) = tw.prices.set(MODEL, {"modifier": again})
    assert (second.modifier, second.conditions, second.unit_price) == (row.modifier, row.conditions, row.unit_price)


def test_a_wrong_price_is_named(tw: tollway.Tollway) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"conditions": {"moon": "full"}}, "moon"),
        ({"conditions": {"input_tokens": {"above": 5, "below": 5}}}, "input_tokens"),
        ({"basis": "instead"}, r"prices\.input_token\.basis"),
        ({"modifier": {"group": "batch"}}, "modifier"),
        ({"unit": "per_image"}, "unit"),
        ({"conditions": {"service_tier": {1, "batch"}}}, "service_tier"),
    ]
    for terms, text in wrong:
        with pytest.raises(tollway.InvalidRequestError, match=text):
            tw.prices.set(MODEL, {"input_token": {**INPUT, **terms}})


@pytest.mark.parametrize(
    ("terms", "name"),
    [
        ({"conditions": {"duration": {"above": 7.5}}}, r"conditions of input_token: duration: above"),
        ({"rounding": {"step": 0.5}}, r"rounding of input_token: step"),
        ({"unit_price": 0.15}, r"unit_price of input_token"),
    ],
)
def test_no_figure_of_a_price_may_be_a_float(terms: dict[str, Any], name: str) -> None:
    with pytest.raises(TypeError, match=name):
        PRICE_MAP({"input_token": {**INPUT, **terms}}, "prices")
    exact: Any = {"duration": {"above": Decimal("7.5")}, "size": {"b", "a"}}
    written = PRICE_MAP({"input_token": [{**INPUT, "conditions": exact}]}, "prices")
    assert written["input_token"][0]["conditions"] == {"duration": {"above": "7.5"}, "size": ["a", "b"]}


def test_a_list_is_imported_only_if_asked(tw: tollway.Tollway, tmp_path: Path) -> None:
    tw.models.add("openai/listed", base_url="http://127.0.0.1:9/v1", prices={})
    path = tmp_path / "book.json"
    path.write_text(book(house_offer("2")))
    seen = tw.prices.import_file(path, format="tollway")
    assert (seen.report.offers, seen.report.prices, seen.report.not_understood) == (1, 2, ())
    assert (seen.update.applied, {proposal.kind for proposal in seen.update.changes}) == (False, {"added"})
    assert tw.prices.list("openai/listed") == []
    assert tw.prices.import_file(path, format="tollway", apply=True).update.applied
    rows = tw.prices.list("openai/listed")
    assert [row.unit_price for row in rows] == [Decimal(2), Decimal(2)]
    assert all(row.source.startswith("page 3") for row in rows)
    again = tw.prices.import_file(path, format="tollway", apply=True)
    assert again.update.changes == ()
    with pytest.raises(tollway.StorageError, match=r"nothing\.json cannot be read"):
        tw.prices.import_file(tmp_path / "nothing.json", format="tollway")
    with pytest.raises(tollway.InvalidRequestError, match=r"prices\.import_file: format"):
        tw.prices.import_file(path, format="yaml")  # type: ignore[arg-type]


def test_keys_of_a_list_that_are_not_understood_are_reported_or_refused(tw: tollway.Tollway, tmp_path: Path) -> None:
    path = tmp_path / "theirs.json"
    entry = {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-7, "cost_per_quack": 1}
    path.write_text(json.dumps({"listed": entry}))
    report = tw.prices.import_file(path, format="litellm", source="house list 7").report
    assert [(each.key, each.value) for each in report.not_understood] == [("cost_per_quack", "1")]
    with pytest.raises(tollway.InvalidRequestError, match="cost_per_quack"):
        tw.prices.import_file(path, format="litellm", strict=True)


def test_prices_are_exported_and_linted(tw: tollway.Tollway, tmp_path: Path) -> None:
    path = tmp_path / "ours.json"
    # The models of the tests are three, each with a price of input and of output.
    assert tw.prices.export(path) == tollway.PriceExport(offers=3, prices=6)
    written = json.loads(path.read_text())
    assert [offer["model"] for offer in written["offers"]] == ["fail", "house-model", "slow"]
    assert not tw.prices.import_file(path, format="tollway").update.changes
    assert list(tw.prices.lint(path)) == []
    tw.prices.set(MODEL, {"cached_input_token": {**INPUT, "unit_price": "9"}})
    (finding,) = tw.prices.lint()
    assert (finding.offer, bool(finding.rule), "9" in finding.detail) == (MODEL, True, True)
    with pytest.raises(tollway.StorageError, match="cannot be written"):
        tw.prices.export(tmp_path / "no" / "folder.json")


def test_the_catalog_updates_nothing_unless_asked(tw: tollway.Tollway) -> None:
    tw.models.add("openai/gpt-4o-mini", api_key="k", prices={})
    update = tw.prices.update_from_catalog()
    assert not update.applied
    added = [proposal for proposal in update.changes if proposal.model == "openai/gpt-4o-mini"]
    assert {"input_token", "output_token"} <= {each.new.pricing_type for each in added if each.new}
    assert tw.prices.list("openai/gpt-4o-mini") == []
    tw.prices.update_from_catalog(apply=True)
    assert len(tw.prices.list("openai/gpt-4o-mini")) == len(added)
    assert not tw.prices.update_from_catalog().changes


def test_past_calls_are_billed_again(tw: tollway.Tollway, tmp_path: Path) -> None:
    start = datetime.now(timezone.utc)
    cost = tw.chat("Hi").cost
    assert cost
    offer = {**house_offer("1000"), "model": "house-model"}
    path = tmp_path / "book.json"
    path.write_text(book(offer))
    assert tw.prices.rerate(start).differences == {}
    report = tw.prices.rerate(start, book=path)
    (line,) = report.lines
    assert (line.old_cost, report.records, report.applied) == (cost, 1, False)
    assert line.new_cost is not None
    assert report.differences == {"USD": line.new_cost - cost}
    assert tw.prices.rerate(start, book=path, user="nobody").records == 0
    assert tw.prices.rerate(start, book=path, apply=True).applied
    assert tw.prices.rerate(start, book=path, apply=True).differences == {}
    original, adjustment = tw.usage.records()
    assert (original.cost_amount, original.adjusts) == (cost, None)
    assert (adjustment.adjusts, adjustment.billed_by) == (original.uid, "adjustment")
    assert adjustment.cost_amount == line.new_cost - cost
    (row,) = tw.usage.summary()
    assert (row.calls, row.totals) == (1, {"USD": line.new_cost})
    with pytest.raises(TypeError, match="'since_when'"):
        tw.prices.rerate(start, since_when=start)  # type: ignore[call-arg]


def test_exchange_rates_are_set_and_listed_exactly(tw: tollway.Tollway) -> None:
    with pytest.raises(TypeError, match="rate is money"):
        tw.fx.set("USD", "CNY", 7.1)  # type: ignore[arg-type]
    rate = tw.fx.set("USD", "CNY", "7.1", effective_date="2026-01-01", source="the bank")
    assert (rate.from_, rate.to, rate.rate, rate.source) == ("USD", "CNY", Decimal("7.1"), "the bank")
    assert rate.effective_date == datetime(2026, 1, 1, tzinfo=timezone.utc)
    assert list(tw.fx.list()) == [rate]
    with pytest.raises(tollway.InvalidRequestError):
        tw.fx.set("USD", "USD", 1)


def test_a_budget_in_another_currency_moves_by_the_rate(tw: tollway.Tollway) -> None:
    tw.budgets.set(user="alice", limit="100", currency="CNY")
    with pytest.raises(tollway.CurrencyMismatchError, match="fx"):
        tw.chat("Hi", user="alice")
    tw.fx.set("USD", "CNY", 8)
    cost = tw.chat("Hi", user="alice").cost
    assert cost
    (record,) = [record for record in tw.usage.records() if record.cost_amount == cost]
    (conversion,) = record.conversions
    assert (conversion.from_, conversion.to, conversion.amount) == ("USD", "CNY", cost * 8)
    (budget,) = tw.budgets.list()
    assert budget.settled == cost * 8
    assert record.facts is not None
    assert record.facts.started_at <= record.created_at


def test_a_quote_says_what_a_call_would_cost_and_sends_nothing(tw: tollway.Tollway) -> None:
    tw.budgets.set(user="alice", limit="0.0000001", currency="USD")
    quote = tw.quote("Name three rivers.", model=MODEL, max_tokens=100)
    assert quote.route == (MODEL,)
    (candidate,) = quote.candidates
    assert candidate.minimum is not None
    assert candidate.expected is not None
    assert candidate.worst is not None
    assert candidate.minimum.amount <= candidate.expected.amount <= candidate.worst.amount
    assert sum(line.amount or 0 for line in candidate.worst.lines) == candidate.worst.amount
    assert (candidate.currency, candidate.admitted, candidate.budgets) == ("USD", True, ())
    refused = tw.quote("Name three rivers.", user="alice", model=MODEL, max_tokens=100)
    (budget,) = refused.candidates[0].budgets
    assert (budget.user, budget.admits, budget.needed) == ("alice", False, candidate.worst.amount)
    assert not refused.candidates[0].admitted
    assert list(tw.usage.records()) == []
    with pytest.raises(TypeError, match=r"quote\(\) got an unexpected keyword argument 'usr'"):
        tw.quote("Hi", usr="alice")  # type: ignore[call-arg]
    with pytest.raises(tollway.InvalidRequestError, match="quote: messages is empty"):
        tw.quote([])


def test_prices_and_quotes_work_the_same_awaited(path: Path, tw: tollway.Tollway, tmp_path: Path) -> None:
    async def main() -> None:
        async with await tollway.AsyncTollway.open(path, master_key=MASTER_KEY) as atw:
            (price,) = await atw.prices.set(MODEL, {"modifier": BATCH})
            assert (await atw.prices.add(MODEL, {"modifier": BATCH}))[0].modifier == price.modifier
            assert (await atw.fx.set("USD", "CNY", 7)).rate == 7
            assert len(await atw.fx.list()) == 1
            assert (await atw.quote("Hi", model=MODEL)).route == (MODEL,)
            exported = await atw.prices.export(tmp_path / "ours.json")
            assert exported.offers == 3
            assert await atw.prices.lint(tmp_path / "ours.json") == []
            assert not (await atw.prices.import_file(tmp_path / "ours.json", format="tollway")).update.applied
            assert not (await atw.prices.update_from_catalog()).applied
            assert (await atw.prices.rerate("2026-01-01")).records == 0

    asyncio.run(main())
    assert tw.fx.list()
