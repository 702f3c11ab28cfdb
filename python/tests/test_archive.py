"""Backups and archives: `tw.backup` and `tw.archive`, of both twins."""

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


async def configured(tw: tollway.AsyncTollway, mock: MockProvider) -> None:
    prices = {"input_token": {"unit_price": "0.15", "unit": "per_1m_tokens", "currency": "USD"}}
    await tw.models.add("openai/house-model", api_key="k", base_url=mock.base_url, prices=prices, default=True)
