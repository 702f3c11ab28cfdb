"""Results in the hands of other libraries: what FastAPI answers, what pydantic checks, what polars holds."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

import tollway
from tollway._record import Record

RECORDS = [
    each for name in tollway.__all__ if isinstance(each := getattr(tollway, name), type) and issubclass(each, Record)
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda each: str(each.__name__))
def test_pydantic_and_fastapi_describe_every_result(record: type) -> None:
    assert TypeAdapter(record).json_schema(mode="serialization")
    app = FastAPI()
    app.get("/result", response_model=record)(lambda: None)
    assert TestClient(app).get("/openapi.json").status_code == 200


def test_a_handler_returns_results_with_exact_amounts(tw: tollway.Tollway) -> None:
    app = FastAPI()
    replies: list[tollway.ChatReply] = []

    def chat() -> tollway.ChatReply:
        replies.append(tw.chat("Hi", model="openai/house", user="alice"))
        return replies[0]

    def records() -> list[tollway.UsageRecord]:
        return list(tw.usage.records())

    app.get("/chat")(chat)
    app.get("/records")(records)
    client = TestClient(app)
    answer: dict[str, Any] = client.get("/chat").json()
    (reply,) = replies
    assert reply.cost is not None
    assert answer["cost"] == str(reply.cost)
    assert answer["receipt"]["totals"] == {"USD": str(reply.receipt.totals["USD"])}
    assert TypeAdapter(tollway.ChatReply).validate_json(json.dumps(answer)).cost == reply.cost
    (record,) = client.get("/records").json()
    assert record["cost_amount"] == str(reply.cost)
    assert record["usage"]["input_tokens"] == reply.usage.input_tokens


def test_a_data_frame_adds_up_exactly(tw: tollway.Tollway) -> None:
    for user in ("alice", "bob", "bob"):
        tw.chat("Hi", model="openai/house", user=user, tags={"team": user})
    page = tw.usage.records()
    assert pl.DataFrame(page.records).height == len(page) == 3
    frame = pl.DataFrame(page.to_rows())
    costs = [record.cost_amount for record in page if record.cost_amount is not None]
    assert frame["cost_amount"].sum() == sum(costs, Decimal(0))
    assert frame["tags.team"].to_list() == ["alice", "bob", "bob"]
    groups = pl.DataFrame(tollway.to_rows(tw.usage.summary(by=["user"])))
    assert groups.sort("group.user")["calls"].to_list() == [1, 2]
    assert pl.DataFrame(tollway.to_rows(tw.prices.list()))["unit_price"].dtype.is_decimal()
