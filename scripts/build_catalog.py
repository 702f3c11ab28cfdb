#!/usr/bin/env python3
"""Builds core/src/catalog/catalog.jsonl, the price catalog that is embedded in the crate.

The facts come from the price lists inside two published packages, litellm and genai-prices (both MIT), and from
scripts/catalog_by_hand.json. The `tollway` command reads the lists, so that the meaning of their keys is known in one
place; catalog_sources.py fetches them, catalog_merge.py states the rules by which they become one catalog, and
catalog_text.py writes the form. Numbers are decimals from the first byte to the last.

    python3 scripts/build_catalog.py                    downloads the pinned packages with pip, and writes the catalog
    python3 scripts/build_catalog.py --wheels FOLDER    takes the wheels from a folder instead
    python3 scripts/build_catalog.py --command PATH     reads the lists with another `tollway` than `cargo run`
    python3 scripts/build_catalog.py --check            writes nothing; fails if the catalog is not what it would write
"""

import argparse
import datetime
import json
import shlex
import tempfile
from collections import Counter
from pathlib import Path

from catalog_merge import merge
from catalog_sources import PACKAGES, fetch, read_book, read_package
from catalog_text import catalog_text

SCRIPTS = Path(__file__).resolve().parent
CATALOG = SCRIPTS.parent / "core" / "src" / "catalog" / "catalog.jsonl"
COMMAND = f"cargo run --quiet --release --manifest-path {SCRIPTS.parent / 'Cargo.toml'} --package tollway-cli --"


def build(folder: Path, command: list[str], today: str) -> tuple[str, Counter]:
    """Returns the text of the catalog, and what was done to how many rows."""
    books, sources, counts = {}, [], Counter()
    for name in PACKAGES:
        text, source = read_package(folder, name)
        offers, report = read_book(command, name, text, today)
        books[name] = offers
        date = source.pop("checked_in") or today
        sources.append({key: value for key, value in source.items() if value} | {"date": date})
        counts[f"{name}: entries"] = report.get("entries", 0)
        counts[f"{name}: offers"] = len(offers)
    by_hand = json.loads((SCRIPTS / "catalog_by_hand.json").read_text("utf-8"))["offers"]
    offers = merge(books["litellm"], books["genai-prices"], by_hand, today, counts)
    for offer in offers:
        counts[f"catalog: {offer['capability']}"] += 1
    counts["catalog: prices"] = sum(len(offer["prices"]) for offer in offers)
    return catalog_text(offers, sources, today), counts


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds the embedded price catalog.")
    parser.add_argument("--wheels", type=Path, help="a folder with the wheels of the pinned packages")
    parser.add_argument("--command", default=COMMAND, help="the `tollway` command that reads the lists")
    parser.add_argument("--date", type=datetime.date.fromisoformat, help="the day of the check; today where absent")
    parser.add_argument("--check", action="store_true", help="write nothing, and fail if the catalog would change")
    arguments = parser.parse_args()
    today = arguments.date or datetime.date.today()
    if arguments.check and not arguments.date:
        with CATALOG.open(encoding="utf-8") as catalog:
            today = datetime.date.fromisoformat(json.loads(catalog.readline())["version"])
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.wheels or Path(temporary)
        if not arguments.wheels:
            fetch(folder)
        text, counts = build(folder, shlex.split(arguments.command), today.isoformat())
    if arguments.check:
        if CATALOG.read_text("utf-8") != text:
            raise SystemExit(f"{CATALOG} is not what its sources say; run scripts/build_catalog.py")
    else:
        CATALOG.write_text(text, "utf-8")
    for what, count in sorted(counts.items()):
        print(f"{count:7} {what}")


if __name__ == "__main__":
    main()
