"""What importing and opening do not do: load much, start threads, make files, use the network."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from conftest import MASTER_KEY, MockProvider, missing

if TYPE_CHECKING:
    from pathlib import Path

IMPORT = """
import os, sys, threading
def descriptors():
    # The one that lists the others is gone when they are compared.
    return {link for name in os.listdir("/proc/self/fd") if os.path.exists(link := f"/proc/self/fd/{name}")}
is_linux = os.path.isdir("/proc/self/fd")
before = descriptors() if is_linux else set()
import tollway
heavy = {"asyncio", "dataclasses", "decimal", "email", "inspect", "logging", "socket", "ssl", "tollway.results"}
assert not heavy & sys.modules.keys(), sorted(heavy & sys.modules.keys())
assert threading.active_count() == 1
if is_linux:
    assert len(os.listdir("/proc/self/task")) == 1, os.listdir("/proc/self/task")
    assert descriptors() == before, descriptors() - before
"""

CONFIGURE = """
import sys, tollway
tw = tollway.open(sys.argv[1], master_key=sys.argv[2])
tw.models.add("openai/gpt-4o-mini", api_key="k")
tw.models.add("anthropic/claude-haiku-4-5", api_key="k", priority=2)
tw.models.add("openai/house-model", api_key="k", base_url=sys.argv[3], default=True)
tw.budgets.set(user="alice", limit="5.00", currency="USD", window="month")
tw.routes.set("text", strategy="fallback")
tw.usage.summary(by=["model"])
if sys.argv[4] == "call":
    tw.chat("Hi")
tw.close()
"""


def test_importing_makes_no_thread_no_file_and_no_connection(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", IMPORT], cwd=tmp_path, check=True)
    assert list(tmp_path.iterdir()) == []


def connections(tmp_path: Path, *arguments: str) -> list[str]:
    """Runs the program that configures a file, and returns the addresses that it connected to."""
    strace = shutil.which("strace")
    if strace is None:
        missing("strace, which sees the connections of a program,")
    trace = tmp_path / "trace"
    watched = "trace=connect,sendto,sendmsg,sendmmsg,bind,listen"
    path = str(tmp_path / "app.tollway")
    command = [strace, "-f", "-qq", "-o", str(trace), "-e", watched]
    command += [sys.executable, "-c", CONFIGURE, path, MASTER_KEY, *arguments]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    if "ptrace" in result.stderr:
        pytest.skip(f"strace may not trace here: {result.stderr.strip()}")
    assert result.returncode == 0, result.stderr
    calls = [line for line in trace.read_text().splitlines() if "sa_family=AF_INET" in line]
    return [port for line in calls for port in re.findall(r"htons\((\d+)\)", line)]


@pytest.mark.skipif(sys.platform != "linux", reason="strace is of Linux")
def test_importing_opening_and_configuring_use_no_network(tmp_path: Path, mock: MockProvider) -> None:
    assert connections(tmp_path, mock.base_url, "") == []


@pytest.mark.skipif(sys.platform != "linux", reason="strace is of Linux")
def test_a_call_connects_to_its_provider_only(tmp_path: Path, mock: MockProvider) -> None:
    port = mock.address.rpartition(":")[2]
    assert connections(tmp_path, mock.base_url, "call") == [port]
