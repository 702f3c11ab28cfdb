"""One open file whose models a raw provider plays, and what must be on its records."""

from __future__ import annotations

import importlib.util
import itertools
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

import tollway
from conftest import PRICES, eventually
from traffic.answers import FORMATS, INPUT, OUTPUT, Format
from traffic.provider import Provider, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tollway import UsageRecord
    from traffic.ways import Told, Way

PACKAGES = ("anthropic", "httpx", "openai")
# `sdk/test_installed.py` says so.
collect_ignore_glob = ["test_*.py"] if any(importlib.util.find_spec(name) is None for name in PACKAGES) else []

# A whole key, because a passphrase is slow to derive a key of.
KEY = "7c" * 32
# How long a stream may stay silent, in seconds.
IDLE = 0.5
# What 12 and 5 tokens cost, exactly.
COST = (INPUT * Decimal("0.15") + OUTPUT * Decimal("0.60")) / 1_000_000
_VERSIONS = {"openai": "v1", "anthropic": "v1", "gemini": "v1beta"}
_USERS = itertools.count(1)


class Traffic:
    """An app, its file and its provider."""

    def __init__(self, tw: tollway.Tollway, provider: Provider) -> None:
        from traffic.ways import App  # noqa: PLC0415 - the libraries may be absent

        self.tw = tw
        self.provider = provider
        self.app = App(tw)
        self.user = ""

    def ask(self, wire: Format, reply: Reply, *, way: Way, streamed: bool) -> Told:
        """Plays a reply, however often it is asked for, to one call of a user of its own."""
        self.user = f"user-{next(_USERS)}"
        self.provider.play(reply)
        return self.app.ask(way, f"{wire}/traffic", self.user, streamed=streamed)

    def record(self) -> UsageRecord:
        """Returns the one record of the last call, which was asked of the provider once."""
        records = eventually(lambda: list(self.tw.usage.records(user=self.user)))
        assert len(records) == 1, [(record.status, record.billed_by, record.cost_amount) for record in records]
        assert len(self.provider.requests) == 1
        record: UsageRecord = records[0]
        return record

    def holds_the_answer(self) -> None:
        """Checks that the last call was asked once, and is billed by what the provider reported."""
        record = self.record()
        assert (record.status, record.billed_by, record.cost_status) == ("success", "provider_usage", "computed")
        assert (record.usage.input_tokens, record.usage.output_tokens) == (INPUT, OUTPUT)
        assert record.cost_amount == COST

    def holds_something(self) -> None:
        """Checks that the last call was asked once, and is not free."""
        record = self.record()
        assert record.billed_by != "not_billed"
        assert record.cost_amount is not None
        assert record.cost_amount > 0

    def holds_nothing(self) -> None:
        """Checks that the last call was asked once, and cost nothing."""
        record = self.record()
        assert (record.status, record.billed_by, record.cost_amount) == ("failed", "not_billed", Decimal(0))


@pytest.fixture(scope="session")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traffic]:
    provider = Provider()
    path = tmp_path_factory.mktemp("traffic") / "app.tollway"
    # Whatever is repeated wrongly is seen: every failure may be repeated twice.
    with tollway.open(
        path, master_key=KEY, exclusive=True, stream_idle_timeout=IDLE, cooldown_failures=1_000_000
    ) as tw:
        for wire in FORMATS:
            address = f"http://127.0.0.1:{provider.port}/{_VERSIONS[wire]}"
            tw.models.add(f"{wire}/traffic", api_key="k", base_url=address, prices=PRICES)
        made = Traffic(tw, provider)
        yield made
        made.app.close()
    provider.close()


@pytest.fixture(params=FORMATS)
def wire(request: pytest.FixtureRequest) -> Format:
    """The format that the provider speaks."""
    name: Format = request.param
    return name


@pytest.fixture(params=["native", "openai", "anthropic", "httpx"])
def way(request: pytest.FixtureRequest) -> Way:
    """The way in which the app asks."""
    name: Way = request.param
    return name


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def streamed(request: pytest.FixtureRequest) -> bool:
    """Whether the app asks for a stream."""
    asked: bool = request.param
    return asked
