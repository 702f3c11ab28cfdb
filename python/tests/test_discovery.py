"""What a user finds out by looking: names, signatures, short forms, and errors that name what was meant."""

from __future__ import annotations

import asyncio
import inspect
import pydoc
from typing import TYPE_CHECKING

import pytest

import tollway
from conftest import MASTER_KEY, MockProvider

if TYPE_CHECKING:
    from pathlib import Path

NOUNS = ("chat", "models", "prices", "routes", "fx", "budgets", "usage")


def test_the_package_shows_its_public_names_alone_and_its_version() -> None:
    names = set(dir(tollway))
    assert {*tollway.__all__, "__version__"} <= names
    assert not [name for name in names if name.startswith("_") and name != "__version__"]
    assert names - set(tollway.__all__) == {"__version__", "anthropic", "openai"}
    assert tollway.__version__[0].isdigit()


@pytest.mark.parametrize("kind", [tollway.Tollway, tollway.AsyncTollway])
def test_the_help_of_a_file_shows_its_nouns(kind: type) -> None:
    text = pydoc.plain(pydoc.render_doc(kind))
    for noun in NOUNS:
        assert f"\n |  {noun}\n" in text, noun


def test_a_call_lists_its_parameters_with_a_sentence_each(tmp_path: Path) -> None:
    with tollway.open(tmp_path / "app.tollway", master_key=MASTER_KEY) as tw:
        names = list(inspect.signature(tw.chat).parameters)
        assert names[0] == "messages"
        assert {"max_tokens", "user", "tags", "fallbacks", "on_unpriced"} < set(names)
        for name in names[1:]:
            assert f"        {name}: " in (tw.chat.__doc__ or ""), name


def test_namespaces_and_replies_have_plain_forms(tmp_path: Path, mock: MockProvider) -> None:
    with tollway.open(tmp_path / "app.tollway", master_key=MASTER_KEY) as tw:
        assert repr(tw.models) == (
            f"<Models of {str(tmp_path / 'app.tollway')!r}: add, delete, health, list, set, update, used>"
        )
        assert "stream" in repr(tw.chat)
        assert "records" in repr(tw.usage)
        tw.models.set("openai/house", api_key="k", base_url=mock.base_url, prices={})
        reply = tw.chat("Hi")
        assert str(reply) == f"{reply.text} [openai/house, unpriced]"
        assert len(str(tw.chat("word " * 500))) < 200


def test_a_file_is_opened_by_async_with_alone_and_by_await(tmp_path: Path) -> None:
    async def main() -> None:
        async with tollway.AsyncTollway.open(tmp_path / "app.tollway", master_key=MASTER_KEY) as tw:
            assert await tw.models.list() == []
        with pytest.raises(tollway.ClosedError):
            await tw.models.list()
        async with await tollway.AsyncTollway.open(tmp_path / "app.tollway", master_key=MASTER_KEY) as again:
            assert await again.models.list() == []
        with pytest.raises(tollway.WrongMasterKeyError):
            async with tollway.AsyncTollway.open(tmp_path / "app.tollway", master_key="00" * 32):
                pass

    asyncio.run(main())
    opened = asyncio.run(tollway.AsyncTollway.open(tmp_path / "app.tollway", master_key=MASTER_KEY))
    assert isinstance(opened, tollway.AsyncTollway)


def test_a_misspelt_argument_is_told_what_was_meant(tmp_path: Path) -> None:
    with tollway.open(tmp_path / "app.tollway", master_key=MASTER_KEY) as tw:
        for call in (
            lambda: tw.chat("Hi", usr="alice"),  # type: ignore[call-arg]
            lambda: tollway.httpx_client(tw, usr="alice"),
            lambda: tollway.async_httpx_client(tw, usr="alice"),
            lambda: tw.usage.records(usr="alice"),  # type: ignore[call-arg]
        ):
            with pytest.raises(TypeError, match="'usr', did you mean 'user'"):
                call()
