from __future__ import annotations

import re
import subprocess
import sys
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, get_args

import pytest

import tollway
from tollway import types
from tollway.results import Conversion, Facts, Price, Receipt, ReceiptLine, Usage, UsageRecord

MIDNIGHT = datetime(2026, 1, 1, tzinfo=timezone.utc)
PLAIN: dict[str, Any] = {
    "id": 1,
    "model_config_id": 2,
    "pricing_type": "input_token",
    "unit_price": "0.15",
    "unit": "per_1m_tokens",
    "currency": "USD",
    "basis": "replaces",
    "effective_date": "2026-01-01T00:00:00Z",
    "expiry_date": None,
    "known_from": "2026-01-01T00:00:00Z",
    "is_active": True,
    "source": "user",
    "created_at": "2026-01-01T00:00:00Z",
}
LINE: dict[str, Any] = {
    "attempt": 1,
    "model": "acme/duck",
    "meter": "input_audio_second",
    "quantity": "8.5",
    "billed_quantity": 10,
    "unit_price": "0.006",
    "unit": "per_minute",
    "price_id": 3,
    "modifiers": [{"group": "batch", "ratio": "0.5", "price_id": 4}],
    "amount": "0.0005",
    "currency": "USD",
}


def core_meters() -> list[str]:
    """Returns the meters that the core knows, which the command names when one is wrong."""
    arguments = ["-m", "tollway", "cost", "openai/gpt-4o-mini", "--usage", '{"?": 1}']
    result = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=30)
    found = re.search(r"meters are (.*)", result.stderr)
    assert found, result.stderr
    return found[1].split(", ")


def test_every_meter_of_the_core_has_its_type() -> None:
    assert list(get_args(types.Meter)) == core_meters()


def test_every_unit_of_the_core_has_its_type(tw: tollway.Tollway) -> None:
    wrong: Any = {"input_token": {"unit_price": 1, "unit": "?", "currency": "USD"}}
    with pytest.raises(tollway.InvalidRequestError) as caught:
        tw.prices.set("openai/house-model", wrong)
    named = caught.value.detail.partition("expected")[2]
    assert re.findall(r"`([a-z0-9_]+)`", named) == list(get_args(types.Unit))


def test_a_price_says_all_of_its_terms() -> None:
    price = Price._decode(PLAIN)
    assert (price.conditions, price.basis, price.known_from) == ({}, "replaces", MIDNIGHT)
    assert (price.rounding, price.modifier, price.superseded) == (None, None, None)
    special = Price._decode(
        {
            **PLAIN,
            "pricing_type": "modifier",
            "conditions": {"input_tokens": {"above": 200000}, "service_tier": ["batch"]},
            "rounding": {"minimum_quantity": 10, "step": "0.5", "minimum_charge": "0.01"},
            "modifier": {"meters": ["input_token"], "group": "batch", "order": 2, "excludes": ["cache"]},
            "superseded": {"from": "2026-01-01T00:00:00Z", "known_from": "2026-01-01T00:00:00.5Z"},
        }
    )
    assert special.conditions == {"input_tokens": {"above": 200000}, "service_tier": ["batch"]}
    assert special.rounding == tollway.Rounding(10, Decimal("0.5"), Decimal("0.01"))
    assert special.modifier == tollway.Modifier("batch", ("input_token",), 2, ("cache",))
    assert special.superseded is not None
    assert special.superseded.from_ == MIDNIGHT
    assert special.superseded.known_from.microsecond == 500_000


def test_prices_of_a_file_are_read_whole(tw: tollway.Tollway) -> None:
    for price in tw.prices.list("openai/house-model"):
        assert (price.basis, price.conditions, price.rounding) == ("replaces", {}, None)
        assert price.known_from <= datetime.now(timezone.utc)


def test_a_quantity_is_whole_or_a_decimal() -> None:
    usage = Usage._decode(
        {
            "meters": {"input_token": 7, "cached_input_audio_token": 3, "input_audio_second": "8.5"},
            "flags": [],
            "reported_total": None,
            "reported_cost": None,
            "iterations": [{"kind": "compaction", "model": None, "meters": {"output_token": 2, "page": "0.5"}}],
            "input_tokens": 10,
            "cached_input_tokens": 3,
            "total_tokens": 10,
        }
    )
    assert usage.meters["input_audio_second"] == Decimal("8.5")
    assert [type(each) for each in usage.meters.values()] == [int, int, Decimal]
    assert usage.iterations[0].meters == {"output_token": 2, "page": Decimal("0.5")}
    assert (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens) == (10, 3, None)
    assert (usage.total_tokens, usage.reasoning_tokens) == (10, None)


def test_a_receipt_shows_what_was_billed_and_multiplied() -> None:
    line = ReceiptLine._decode(LINE)
    assert (line.quantity, line.billed_quantity) == (Decimal("8.5"), 10)
    assert line.modifiers == (tollway.AppliedModifier("batch", Decimal("0.5"), 4),)
    receipt = Receipt._decode({"lines": [LINE], "totals": {"USD": "0.0005"}})
    head, first, total = str(receipt).splitlines()
    assert "times" in head
    assert "8.5 as 10" in first
    assert first.split()[-3:] == ["0.5", "0.0005", "USD"]
    assert total.split() == ["total", "0.0005", "USD"]
    plain = {name: value for name, value in LINE.items() if name not in {"modifiers", "billed_quantity"}}
    assert "times" not in str(Receipt._decode({"lines": [plain], "totals": {}}))


def test_a_record_says_what_the_call_was_and_what_it_moved(tw: tollway.Tollway) -> None:
    tw.chat("Hi")
    (record,) = tw.usage.records()
    assert (record.conversions, record.adjusts) == ((), None)
    facts = Facts._decode(
        {
            "attributes": {"service_tier": "batch"},
            "measures": {"duration": "8.5"},
            "started_at": "2026-01-01T00:00:00Z",
            "completed_at": "2026-01-01T00:00:00Z",
        }
    )
    assert (facts.measures, facts.started_at) == ({"duration": Decimal("8.5")}, MIDNIGHT)
    assert (facts.first_token_at, facts.completed_at) == (None, MIDNIGHT)
    conversion = Conversion._decode(
        {"fx_rate_id": 1, "from": "CNY", "to": "USD", "rate": "7.1", "is_inverse": True, "amount": "0.14"}
    )
    assert conversion == Conversion(1, "CNY", "USD", Decimal("7.1"), is_inverse=True, amount=Decimal("0.14"))
    assert UsageRecord.__dataclass_fields__.keys() >= {"facts", "conversions", "adjusts"}
