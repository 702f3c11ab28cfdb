"""Backups, archives and exports, of both twins."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import TYPE_CHECKING

import pytest

import tollway
from conftest import MASTER_KEY, MockProvider, configure

if TYPE_CHECKING:
    from pathlib import Path


# What seals the secrets of an export.
WORDS = "three rivers at dawn"


def test_a_backup_of_a_file_in_use_is_a_file_of_its_own(mock: MockProvider, tmp_path: Path) -> None:
    copy = tmp_path / "copy.tollway"
    with tollway.open(tmp_path / "app.tollway", master_key=MASTER_KEY, max_retries=0) as tw:
        configure(tw, mock)
        reply = tw.chat("Hi", user="alice", max_tokens=16)
        backup = tw.backup(copy)
        assert backup.bytes == copy.stat().st_size
        with pytest.raises(tollway.StorageError, match="exists"):
            tw.backup(copy)
        with tollway.open(copy, master_key=MASTER_KEY, create=False) as other:
            assert [record.uid for record in other.usage.records()] == [reply.attempts[0].record_uid]
            assert other.verify().damage == ()


def test_an_archive_has_a_check_sum_and_leaves_this_month_alone(mock: MockProvider, tmp_path: Path) -> None:
    async def main() -> None:
        app, path = tmp_path / "app.tollway", tmp_path / "past.jsonl.gz"
        async with await tollway.AsyncTollway.open(app, master_key=MASTER_KEY, max_retries=0) as tw:
            await configured(tw, mock)
            await tw.chat("Hi", user="alice", max_tokens=16)
            archive = await tw.archive("2026-01-31T00:00:00Z", path)
            assert archive.records == 0
            assert archive.before.isoformat() == "2026-01-01T00:00:00+00:00"
            head, foot = map(json.loads, gzip.decompress(path.read_bytes()).splitlines())
            assert head["format"] == "tollway-archive-1"
            assert foot == {"records": 0, "sha256": archive.sha256}
            assert len(await tw.usage.records()) == 1
            await tw.backup(tmp_path / "copy.tollway")
            with pytest.raises(tollway.InvalidRequestError, match="has not begun"):
                await tw.archive("2999-01-01T00:00:00Z", tmp_path / "other")

    asyncio.run(main())


def test_a_copy_is_restored_and_made_smaller_without_a_handle(mock: MockProvider, tmp_path: Path) -> None:
    app, copy, again = tmp_path / "app.tollway", tmp_path / "copy.tollway", tmp_path / "again.tollway"
    with tollway.open(app, master_key=MASTER_KEY, max_retries=0) as tw:
        configure(tw, mock)
        tw.chat("Hi", user="alice", max_tokens=16)
        tw.backup(copy)
        with pytest.raises(tollway.TollwayError, match=r"open elsewhere|locked"):
            tollway.Tollway.compact(app)
    assert tollway.Tollway.restore(copy, str(again)) is None
    with pytest.raises(tollway.StorageError, match="exists"):
        tollway.Tollway.restore(copy, again)
    with pytest.raises(tollway.NotFoundError):
        tollway.Tollway.restore(tmp_path / "nothing", tmp_path / "other")
    with pytest.raises(tollway.NotATollwayFileError):
        tollway.Tollway.restore(__file__, tmp_path / "other")
    with pytest.raises(TypeError, match="backup must be a string"):
        tollway.Tollway.restore(7, again)  # type: ignore[arg-type]
    compacted = tollway.Tollway.compact(again)
    assert compacted.bytes_after == again.stat().st_size <= compacted.bytes_before
    with tollway.open(again, master_key=MASTER_KEY, create=False) as tw:
        assert [record.user for record in tw.usage.records()] == ["alice"]

    async def main() -> None:
        with pytest.raises(tollway.StorageError, match="exists"):
            await tollway.AsyncTollway.restore(copy, again)
        await tollway.AsyncTollway.restore(copy, tmp_path / "third.tollway")
        assert (await tollway.AsyncTollway.compact(tmp_path / "third.tollway")).bytes_after > 0

    asyncio.run(main())


def test_everything_is_exported_and_imported(mock: MockProvider, tmp_path: Path) -> None:
    export, again = tmp_path / "all.jsonl", tmp_path / "again.tollway"
    with tollway.open(tmp_path / "app.tollway", master_key=MASTER_KEY, max_retries=0) as tw:
        configure(tw, mock)
        reply = tw.chat("Hi", user="alice", max_tokens=16)
        exported = tw.export(export)
        assert (exported.records, len(exported.without_secrets)) == (1, 3)
        lines = [json.loads(line) for line in export.read_text().splitlines()]
        assert [line["line"] for line in lines] == list(range(1, exported.rows + 3))
        (record,) = [line["shows"] for line in lines if line.get("table") == "ai_usage_records"]
        assert record["cost_amount"] == str(reply.cost)
    imported = tollway.Tollway.import_file(export, again, master_key=lambda: MASTER_KEY)
    assert (imported.rows, imported.records) == (exported.rows, 1)
    assert imported.without_secrets == exported.without_secrets
    with tollway.open(again, master_key=MASTER_KEY, create=False) as tw:
        assert [record.cost_amount for record in tw.usage.records()] == [reply.cost]
        assert tw.verify().is_sound
    (tmp_path / "cut.jsonl").write_text("".join(export.read_text().splitlines(keepends=True)[:5]))
    with pytest.raises(tollway.CorruptedFileError, match="line 6 of"):
        tollway.Tollway.import_file(tmp_path / "cut.jsonl", tmp_path / "other", master_key=MASTER_KEY)
    with pytest.raises(TypeError, match="master_key must be a string"):
        tollway.Tollway.import_file(export, tmp_path / "other", master_key=7)  # type: ignore[arg-type]

    async def main() -> None:
        sealed, third = tmp_path / "sealed.jsonl", tmp_path / "third.tollway"
        async with await tollway.AsyncTollway.open(again, master_key=MASTER_KEY) as tw:
            await tw.models.update("openai/house-model", api_key="k")
            assert len((await tw.export(sealed, passphrase=WORDS)).without_secrets) == 0
        made = await tollway.AsyncTollway.import_file(sealed, third, master_key=MASTER_KEY, passphrase=WORDS)
        assert made.records == 1
        with pytest.raises(tollway.WrongMasterKeyError):
            await tollway.AsyncTollway.import_file(sealed, tmp_path / "x", master_key=MASTER_KEY, passphrase=WORDS[1:])

    asyncio.run(main())
    assert not (tmp_path / "other").exists()


async def configured(tw: tollway.AsyncTollway, mock: MockProvider) -> None:
    prices = {"input_token": {"unit_price": "0.15", "unit": "per_1m_tokens", "currency": "USD"}}
    await tw.models.add("openai/house-model", api_key="k", base_url=mock.base_url, prices=prices, default=True)
