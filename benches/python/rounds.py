"""What the contestants in Python share: their calls, and the rounds of the driver, a line of JSON each way."""

from __future__ import annotations

import json
import resource
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

WORDS = {"whole": 20, "stream": 100}
MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Name three rivers and where they end."},
]
MAX_TOKENS = 200
API_KEY = "sk-bench"
# What the models cost, in US dollars for a million tokens.
PRICES = {"input_token": "0.15", "output_token": "0.60"}


def read_setup() -> dict[str, Any]:
    """Reads how the driver wants the contestant prepared."""
    setup: dict[str, Any] = json.loads(sys.stdin.readline())
    return setup


def serve(play: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Plays rounds until the driver closes the pipe."""
    for line in sys.stdin:
        print(json.dumps(play(json.loads(line))), flush=True)


def cpu_seconds() -> float:
    """Returns what this process has used of all processors, in user and in kernel mode."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
