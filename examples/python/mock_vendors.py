"""Starts the server that plays OpenAI, Anthropic and Google in the examples, which so need no key and no network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Vendors:
    """The running server."""

    def __init__(self, address: str) -> None:
        self._address = address

    def script(self, name: str, *replies: dict[str, Any]) -> str:
        """Sets the first replies of a vendor, after which it answers by itself, and returns its base URL."""
        body = json.dumps({"replies": replies, "then": "automatic"}).encode()
        request = urllib.request.Request(f"{self._address}/_mock/scripts/{name}", body, method="PUT")  # noqa: S310
        urllib.request.urlopen(request).close()  # noqa: S310
        return f"{self._address}/s/{name}"


@contextmanager
def running() -> Iterator[Vendors]:
    """Runs the server until the block ends."""
    program = os.environ.get("TOLLWAY_MOCK_PROVIDER")
    if not program:
        sys.exit("TOLLWAY_MOCK_PROVIDER must name the mock provider's program: run this example with `make demo`")
    # The server ends when its standard input closes, so it never outlives this process.
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        line = server.stdout.readline() if server.stdout else ""
        if not line.startswith("listening on "):
            sys.exit(f"{program} did not start")
        try:
            yield Vendors(line.removeprefix("listening on ").strip())
        finally:
            if server.stdin:
                server.stdin.close()
