"""Writes the types of the shells from the schema of the engine.

`make shells` writes the schema first. With `--check`, nothing is written, and what is not fresh is named.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from shells import kotlin, model, python_arguments, python_results, swift, typescript_arguments, typescript_results

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "bindings" / "schema" / "schema.json"
PYTHON = ROOT / "python" / "src" / "tollway"
NODE = ROOT / "node" / "src"
KOTLIN = ROOT / "bindings" / "schema" / "kotlin"
SWIFT = ROOT / "bindings" / "schema" / "swift"


def files() -> Iterator[tuple[Path, str]]:
    """Returns every generated file with its content."""
    found = model.read(SCHEMA)
    for name, text in {**python_results.emit(found), **python_arguments.emit(found)}.items():
        yield PYTHON / f"{name}.py", text
    for name, text in {**typescript_results.emit(found), **typescript_arguments.emit(found)}.items():
        yield NODE / f"{name}.ts", text
    for name, text in kotlin.emit(found).items():
        yield KOTLIN / "src" / f"{name}.kt", text
    for name, text in swift.emit(found).items():
        yield SWIFT / "Sources" / "Tollway" / f"{name}.swift", text


def main() -> int:
    """Writes or checks the files; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, and name what is not fresh")
    is_check = parser.parse_args().check
    stale = [(path, text) for path, text in files() if not path.exists() or path.read_text() != text]
    for path, text in stale:
        if is_check:
            print(f"{path.relative_to(ROOT)} is not fresh; run make shells", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return 1 if is_check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
