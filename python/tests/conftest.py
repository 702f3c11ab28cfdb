"""A mock provider on loopback, and an open file whose models it plays."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

import tollway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MASTER_KEY = "a passphrase for tests"
PRICES = {
    "input_token": {"unit_price": "0.15", "unit": "per_1m_tokens", "currency": "USD"},
    "output_token": {"unit_price": "0.60", "unit": "per_1m_tokens", "currency": "USD"},
}
SLOW = {"delay_ms": 30_000, "automatic": True}
SCRIPT_TIMEOUT = 60
# A shell has what it runs in the background ignore SIGINT, which its programs inherit: they would never see a Ctrl-C.
HEARING_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"


def missing(what: str) -> NoReturn:
    """Skips a test whose means are not there; in CI they must be."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and CI must have it")
    pytest.skip(f"{what} is missing")


def eventually(condition: Callable[[], Any], seconds: float = 5.0) -> Any:
    """Returns the first true value of a condition; fails if none comes in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"did not become true within {seconds} s; last value: {value!r}")
        time.sleep(0.01)


class MockProvider:
    """A provider on loopback that answers by itself, or by a script."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.base_url = f"{address}/v1"

    def script(self, name: str, *replies: dict[str, Any], then: str = "repeat_last") -> str:
        """Registers a script and returns the base URL that plays it."""
        body = json.dumps({"replies": replies, "then": then}).encode()
        address = f"{self.address}/_mock/scripts/{name}"
        request = urllib.request.Request(address, body, {"content-type": "application/json"}, method="PUT")  # noqa: S310
        with urllib.request.urlopen(request) as response:  # noqa: S310
            response.read()
        return f"{self.address}/s/{name}/v1"

    def last_request(self, script: str) -> str:
        """Returns the last request that a script answered, as JSON text."""
        address = f"{self.address}/_mock/requests?script={script}&last=1"
        with urllib.request.urlopen(address) as response:  # noqa: S310
            return json.dumps(json.load(response), ensure_ascii=False)


@pytest.fixture(scope="session")
def mock() -> Iterator[MockProvider]:
    binary = os.environ.get("TOLLWAY_MOCK_PROVIDER")
    if not binary:
        missing("TOLLWAY_MOCK_PROVIDER, the path of the mock provider,")
    # It ends when its standard input closes, however the tests end.
    with subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        found = re.fullmatch(r"listening on (http://\S+)", process.stdout.readline().strip())
        assert found, "the mock provider must say where it listens"
        yield MockProvider(found[1])
        process.stdin.close()
        process.wait(10)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.tollway"


@pytest.fixture
def tw(path: Path, mock: MockProvider) -> Iterator[tollway.Tollway]:
    """An open file with a priced default model, one that takes half a minute, and one whose stream breaks."""
    with tollway.open(path, master_key=MASTER_KEY, max_retries=0) as client:
        configure(client, mock)
        yield client


def configure(client: tollway.Tollway, mock: MockProvider) -> None:
    """Adds the models that the tests call."""
    broken = {"automatic": True, "chunk_delay_ms": 20, "fault": {"reset_after_bytes": 700}}
    client.models.add("openai/house-model", api_key="k", base_url=mock.base_url, prices=PRICES, default=True)
    client.models.add("openai/slow", api_key="k", base_url=mock.script("slow", SLOW), prices=PRICES)
    client.models.add("openai/fail", api_key="k", base_url=mock.script("fail", broken), prices=PRICES)


def start_script(source: str, *arguments: object) -> subprocess.Popen[str]:
    """Starts a Python program of its own, which Ctrl-C interrupts whatever the tests ignore."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", HEARING_CTRL_C + source, *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def run_script(source: str, *arguments: object) -> str:
    """Runs a Python program of its own and returns what it printed; fails if it fails."""
    process = start_script(source, *arguments)
    try:
        output, errors = process.communicate(timeout=SCRIPT_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        pytest.fail(f"the program hangs; it said {process.communicate()}")
    assert process.returncode == 0, f"status {process.returncode}: {errors}"
    return output
