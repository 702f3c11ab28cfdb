"""The `tollway` command, as pip installs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SUFFIX = ".exe" if sys.platform == "win32" else ""
INSTALLED = [str(Path(sys.executable).with_name(f"tollway{SUFFIX}"))]
MODULE = [sys.executable, "-m", "tollway"]
USAGE = ["cost", "openai/gpt-4o-mini", "--input-tokens", "1200", "--output-tokens", "300"]
TIMEOUT = 30


def started_with(disposition: str) -> list[str]:
    """Returns a command that reads its input, started with SIGINT ignored (`SIG_IGN`) or not (`SIG_DFL`).

    A program inherits what its parent ignores: so the tests do not depend on what started them.
    """
    set_first = f"import os, signal, sys; signal.signal(signal.SIGINT, signal.{disposition})"
    program = f"{set_first}; os.execv(sys.argv[1], sys.argv[1:])"
    return [sys.executable, "-c", program, *INSTALLED, "cost", "--jsonl"]


def run(command: list[str], *arguments: str | bytes, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, *arguments], input=given, capture_output=True, text=True, check=False, timeout=TIMEOUT
    )


@pytest.mark.parametrize("command", [INSTALLED, MODULE], ids=["installed", "module"])
def test_cost_prices_one_usage(command: list[str]) -> None:
    result = run(command, *USAGE, "--json")
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout)["cost"] == "0.00036"


def test_cost_prints_a_table_for_people() -> None:
    result = run(INSTALLED, *USAGE)
    assert "total  0.00036 USD" in result.stdout


def test_cost_answers_every_line_of_its_input() -> None:
    price = {"unit_price": "2.5", "unit": "per_1m_tokens"}
    priced = {"id": 7, "format": "tollway", "provider": "acme", "model": "duck", "prices": {"input_token": price}}
    lines = [{**priced, "usage": {"input_token": 3}}, {"id": 8, "format": "parchment"}]
    result = run(INSTALLED, "cost", "--jsonl", given="\n\n".join(map(json.dumps, lines)))
    assert (result.returncode, result.stderr) == (1, "")
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert (first["id"], first["cost"], first["currency"]) == (7, "0.0000075", "USD")
    assert "parchment" in second["error"]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["cost", "openai/no-such-model", "--input-tokens", "1"], 1, "openai/no-such-model"),
        (["cost", "openai/gpt-4o-mini"], 1, "--input-tokens"),
        (["costs"], 2, "'costs'"),
    ],
)
def test_an_error_says_what_to_do(arguments: list[str], code: int, text: str) -> None:
    result = run(INSTALLED, *arguments)
    assert (result.returncode, result.stdout) == (code, "")
    assert text in result.stderr
    assert "Traceback" not in result.stderr


def test_the_version_is_that_of_the_package() -> None:
    assert run(INSTALLED, "--version").stdout.startswith("tollway ")


@pytest.mark.skipif(sys.platform == "win32", reason="file names are text there")
def test_a_file_name_may_be_of_any_bytes() -> None:
    result = run(INSTALLED, *USAGE, "--book", b"/nowhere/\xff.json")
    assert result.returncode == 1
    assert "/nowhere/" in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are of POSIX")
def test_ctrl_c_ends_a_wait_for_input() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(started_with("SIG_DFL"), stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        # The answer shows that it reads its input, and is past everything that the interpreter does.
        print("{}", file=process.stdin, flush=True)
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT) == -signal.SIGINT


@pytest.mark.skipif(sys.platform == "win32", reason="signals are of POSIX")
def test_ctrl_c_stays_ignored_where_it_was() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(started_with("SIG_IGN"), stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        print("{}", file=process.stdin, flush=True)
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        print("{}", file=process.stdin, flush=True)
        assert process.stdout.readline(), "it goes on"
        process.stdin.close()
        assert process.wait(TIMEOUT) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end otherwise there")
def test_a_closed_output_pipe_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [*INSTALLED, "prices", "list"]
    result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False, timeout=TIMEOUT)
    os.close(writer)
    assert (result.returncode, result.stderr) == (0, "")
