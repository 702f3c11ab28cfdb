"""Setting models up: again and again, by many at once, and with names that are nearly right."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import tollway

if TYPE_CHECKING:
    from pathlib import Path

KEY = "00" * 32
PRICES = {"input_token": {"unit_price": "1", "unit": "per_1m_tokens", "currency": "USD"}}

WORKER = """
import sys, tollway
sys.stdin.readline()
with tollway.open(sys.argv[1], master_key="00" * 32) as tw:
    tw.models.set("openai/gpt-4o-mini", api_key="sk-1", default=True)
    tw.models.set("openai/house", base_url="http://127.0.0.1:9/v1", prices={
        "input_token": {"unit_price": "1", "unit": "per_1m_tokens", "currency": "USD"}})
    tw.routes.set("text", strategy="fallback")
    tw.budgets.set(user="alice", limit="5.00", currency="USD", window="month")
"""


def test_workers_that_start_at_once_all_set_their_models_up(tmp_path: Path) -> None:
    path = tmp_path / "app.tollway"
    command = [sys.executable, "-c", WORKER, str(path)]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _worker in range(6)
    ]
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    outcomes = [worker.communicate(timeout=120) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 6, outcomes
    with tollway.open(path, master_key=KEY) as tw:
        assert [config.name for config in tw.models.list()] == ["openai/gpt-4o-mini", "openai/house"]
        assert len(tw.budgets.list()) == 1
        assert len([price for price in tw.prices.list("openai/house") if price.expiry_date is None]) == 1


def test_setting_up_a_second_time_says_that_nothing_changed(tmp_path: Path) -> None:
    for outcome, prices_from in (("added", "catalog"), ("unchanged", "kept")):
        with tollway.open(tmp_path / "app.tollway", master_key=KEY) as tw:
            config = tw.models.set("openai/gpt-4o-mini", api_key="sk-1", default=True)
            assert isinstance(config, tollway.ConfiguredModel)
            assert isinstance(config, tollway.ModelConfig)
            assert (config.outcome, config.prices_from, config.warnings) == (outcome, prices_from, ())
            with pytest.raises(tollway.InvalidRequestError, match="is configured already"):
                tw.models.add("openai/gpt-4o-mini", api_key="sk-1")


def test_the_async_twin_sets_models_too(tmp_path: Path) -> None:
    async def main() -> None:
        tw = await tollway.AsyncTollway.open(tmp_path / "app.tollway", master_key=KEY)
        try:
            configs = await asyncio.gather(
                *(tw.models.set("openai/house", base_url="http://127.0.0.1:9", prices=PRICES) for _again in range(8))
            )
            assert sorted(config.outcome for config in configs) == ["added", *["unchanged"] * 7]
        finally:
            await tw.aclose()

    asyncio.run(main())


def test_a_name_that_is_nearly_right_is_named(tmp_path: Path) -> None:
    with tollway.open(tmp_path / "app.tollway", master_key=KEY) as tw:
        config = tw.models.set("openai/gpt-4o-minni", api_key="k")
        assert config.near_matches[0] == "openai/gpt-4o-mini"
        assert any("did you mean openai/gpt-4o-mini" in warning for warning in config.warnings)
        with pytest.raises(tollway.InvalidRequestError, match="did you mean openai"):
            tw.models.set("opnai/gpt-4o-mini", api_key="k")
        for place in range(100):
            tw.models.set(f"openai/house-{place}", base_url="http://127.0.0.1:9/v1", prices={})
        with pytest.raises(tollway.NoRouteError, match="openai/house-42") as raised:
            tw.chat("Hi", model="openai/hose-42")
        assert len(raised.value.detail) < 600


def test_the_usual_variable_gives_the_key_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    with tollway.open(tmp_path / "app.tollway", master_key=KEY) as tw:
        with pytest.raises(tollway.InvalidRequestError, match="api_key_from_environment"):
            tw.models.set("openai/gpt-4o-mini")
        assert tw.models.set("openai/gpt-4o-mini", api_key_from_environment=True).outcome == "added"
        assert tw.models.set("openai/gpt-4o-mini", api_key="sk-of-the-environment").outcome == "unchanged"
