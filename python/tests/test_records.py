"""What every record can do: be written out, say its types at run time, and be read when it is first asked."""

from __future__ import annotations

import copy
import csv
import io
import json
import pickle
import typing
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest

import tollway
from tollway import types
from tollway._record import Record

RECORDS = [
    each for name in tollway.__all__ if isinstance(each := getattr(tollway, name), type) and issubclass(each, Record)
]
SHAPES = [each for each in vars(types).values() if typing.is_typeddict(each)]


@pytest.mark.parametrize("shown", [*RECORDS, *SHAPES], ids=lambda each: str(each.__name__))
def test_annotations_can_be_evaluated_at_run_time(shown: type) -> None:
    assert typing.get_type_hints(shown)


def test_every_result_is_a_record() -> None:
    assert len(RECORDS) > 40
    for record in RECORDS:
        named: Any = record
        assert {field.name for field in fields(named)} == record._FIELDS.keys()


def test_a_reply_is_written_out_as_json_has_it(tw: tollway.Tollway) -> None:
    reply = tw.chat("Name three rivers.", user="alice")
    written = reply.to_dict()
    assert reply.cost is not None
    assert written["cost"] == f"{reply.cost:f}"
    assert written["usage"]["input_tokens"] == reply.usage.input_tokens
    assert written["receipt"]["lines"][0]["unit_price"] == str(reply.receipt.lines[0].unit_price)
    assert json.loads(json.dumps(written)) == written
    (record,) = tw.usage.records()
    assert record.to_dict()["created_at"].endswith("Z")
    assert record.facts is not None
    assert record.facts.to_dict().keys() == {"attributes", "measures", "started_at", "first_token_at", "completed_at"}
    rate = tw.fx.set("USD", "CNY", "7.1")
    assert (rate.to_dict()["from"], rate.to_dict()["rate"]) == ("USD", "7.1")


def test_rows_have_the_same_columns_and_exact_amounts(tw: tollway.Tollway) -> None:
    tw.chat("Hi", user="alice", tags={"team": "search"})
    tw.chat("Hi", user="bob")
    first, second = tw.usage.records().to_rows()
    assert first.keys() == second.keys()
    assert (first["tags.team"], second["tags.team"]) == ("search", None)
    assert isinstance(first["cost_amount"], Decimal)
    assert first["usage.input_tokens"] > 0
    assert json.loads(first["receipt"])[0]["currency"] == "USD"
    text = io.StringIO()
    writer = csv.DictWriter(text, first.keys())
    writer.writeheader()
    writer.writerows([first, second])
    read = list(csv.DictReader(io.StringIO(text.getvalue())))
    assert [Decimal(row["cost_amount"]) for row in read] == [first["cost_amount"], second["cost_amount"]]
    assert tollway.to_rows([]) == []
    (group,) = tollway.to_rows(tw.usage.summary(by=["model"]))
    assert (group["group.model"], group["calls"]) == ("openai/house-model", 2)
    assert isinstance(group["totals.USD"], Decimal)


LINE: dict[str, Any] = {"attempt": 1, "model": "acme/duck", "meter": None, "quantity": "8.5", "amount": "0.05"}


def test_a_record_that_was_read_is_one_that_was_made() -> None:
    read = tollway.ReceiptLine._decode(LINE)
    made = tollway.ReceiptLine(
        1, "acme/duck", None, Decimal("8.5"), None, None, None, amount=Decimal("0.05"), currency=None
    )
    assert (read, repr(read)) == (made, repr(made))
    assert replace(read, attempt=2).quantity == Decimal("8.5")
    for copied in (copy.copy(read), copy.deepcopy(read), pickle.loads(pickle.dumps(read))):  # noqa: S301
        assert copied == made
    assert read.modifiers is read.modifiers, "a field is read once"
    wrong: Any = read
    with pytest.raises(AttributeError, match="no attribute 'price'"):
        _ = wrong.price
    with pytest.raises(AttributeError, match="cannot assign"):
        wrong.amount = Decimal(0)
