"""Writes the types and verbs of the shells from the schema of the engine.

`make shells` writes the schema first. With `--check`, nothing is written, and what is not fresh is named.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from shells import (
    kotlin,
    model,
    python_calls,
    python_errors,
    python_records,
    python_shapes,
    python_verbs,
    swift,
    typescript_calls,
    typescript_errors,
    typescript_results,
    typescript_shapes,
    typescript_verbs,
)
from shells.text import GENERATED

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "bindings" / "schema" / "schema.json"
# What writes the files of each folder, and how their names end.
FOLDERS = (
    (ROOT / "python" / "src" / "tollway", "py", (python_calls, python_errors, python_records, python_shapes, python_verbs)),
    (ROOT / "node" / "src", "ts", (typescript_calls, typescript_errors, typescript_results, typescript_shapes, typescript_verbs)),
    (ROOT / "kotlin" / "tollway" / "src" / "main" / "kotlin", "kt", (kotlin,)),
    (ROOT / "bindings" / "schema" / "swift" / "Sources" / "Tollway", "swift", (swift,)),
)


def files() -> Iterator[tuple[Path, str | None]]:
    """Returns every generated file with its content, and those that are no longer generated with nothing."""
    found = model.read(SCHEMA)
    for folder, end, emitters in FOLDERS:
        texts = {folder / f"{name}.{end}": text for each in emitters for name, text in each.emit(found).items()}
        yield from texts.items()
        for path in folder.rglob(f"*.{end}"):
            if path not in texts and GENERATED in path.read_text():
                yield path, None


def main() -> int:
    """Writes or checks the files; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, and name what is not fresh")
    is_check = parser.parse_args().check
    stale = [(path, text) for path, text in files() if (path.read_text() if path.exists() else None) != text]
    for path, text in stale:
        if is_check:
            print(f"{path.relative_to(ROOT)} is not fresh; run make shells", file=sys.stderr)
        elif text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return 1 if is_check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
