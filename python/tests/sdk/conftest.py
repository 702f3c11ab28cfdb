"""An open file whose models a mock provider plays in three wire formats, at prices that tell them apart."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import pytest

import tollway
from conftest import MASTER_KEY, MockProvider
from sdk.ledger import MODELS, Ledger, prices, script_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGES = (
    "anthropic",
    "fastapi",
    "groq",
    "httpx",
    "httpx2",
    "instructor",
    "langchain_openai",
    "openai",
    "polars",
    "pydantic_ai",
)
ABSENT = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
# `test_installed.py` says so.
collect_ignore_glob = [name for name in ("test_[!i]*.py", "test_instructor.py") if ABSENT]

SCRIPTS: dict[str, dict[str, Any]] = {
    "house": {"automatic": True},
    "busy": {"automatic": True, "status": 429},
    # 200 words, one in 20 ms: time enough to leave after two.
    "mock-words-200": {"automatic": True, "chunk_delay_ms": 20},
    "slow": {"automatic": True, "delay_ms": 10_000},
}


@pytest.fixture
def tw(path: Path, mock: MockProvider) -> Iterator[tollway.Tollway]:
    with tollway.open(path, master_key=MASTER_KEY, max_retries=0) as client:
        for name in MODELS:
            base_url = mock.script(script_of(name), SCRIPTS[name.partition("/")[2]])
            client.models.add(
                name, api_key="the-key", base_url=base_url, prices=prices(name), default=name == "openai/house"
            )
        client.budgets.set(user="poor", limit="0.000001", currency="USD", window="month")
        yield client


@pytest.fixture
def ledger(tw: tollway.Tollway) -> Ledger:
    return Ledger(tw)


@pytest.fixture(params=["openai/house", "anthropic/house", "gemini/house"])
def served_by(request: pytest.FixtureRequest) -> str:
    """The model that answers: each speaks another wire format."""
    name: str = request.param
    return name
