"""What error reporters print: tracebacks with the local variables of every frame."""

from __future__ import annotations

import asyncio
import json
import pickle
import traceback
from typing import TYPE_CHECKING, Any

import pytest

import tollway
from tollway._secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = "sk-live-8Zq4vXw2Lr9TtB6mNcYpKd"
MASTER = "nine grey herons on a quay"
OTHER = "two brown owls in a barn"


def _printed(error: BaseException) -> str:
    """Returns everything that a reporter prints of an error and its causes, apart from the frames of this file."""
    printed = []
    seen: BaseException | None = error
    while seen is not None:
        told = traceback.TracebackException.from_exception(seen, capture_locals=True)
        frames = [frame for frame in told.stack if frame.filename != __file__]
        assert frames or not isinstance(seen, tollway.TollwayError)
        printed += [f"{frame.name}: {frame.locals}" for frame in frames]
        printed += [repr(seen), str(vars(seen)), str(getattr(seen, "object", ""))]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(printed)


def _assert_untold(fails: Callable[[], Any], kind: type[BaseException]) -> None:
    with pytest.raises(kind) as caught:
        fails()
    printed = _printed(caught.value)
    for secret in (KEY, MASTER, OTHER, "pass-word"):
        for start in range(len(secret) - 7):
            assert secret[start : start + 8] not in printed, printed


def _fail() -> str:
    raise LookupError


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "ledger.tollway")


_OPENINGS: list[tuple[dict[str, Any], type[BaseException]]] = [
    ({"master_key": MASTER, "timeout": object()}, TypeError),
    ({"master_key": MASTER, "timeout": "soon"}, tollway.InvalidRequestError),
    ({"master_key": MASTER, "masterkey": OTHER}, TypeError),
    ({"master_key": MASTER, "proxy": "ftp://user:pass-word@proxy.test"}, tollway.InvalidRequestError),
    ({"master_key": MASTER, "proxy": "http://user:pass-word@proxy.test", "cooldown": -1}, tollway.InvalidRequestError),
    ({"master_key": MASTER.encode()}, TypeError),
    ({"master_key": MASTER + "\ud83d"}, ValueError),
    ({"master_key": [MASTER]}, TypeError),
    ({"master_key": MASTER.encode}, TypeError),
    ({"master_key": OTHER[:7]}, tollway.InvalidRequestError),
    ({"master_key": OTHER}, tollway.WrongMasterKeyError),
]


@pytest.mark.parametrize(("arguments", "kind"), _OPENINGS)
def test_no_traceback_of_an_opening_shows_a_secret(
    path: str, arguments: dict[str, Any], kind: type[BaseException]
) -> None:
    tollway.open(path, master_key=MASTER).close()
    _assert_untold(lambda: tollway.open(path, **arguments), kind)
    _assert_untold(lambda: tollway.Tollway.open(path, **arguments), kind)
    _assert_untold(lambda: asyncio.run(tollway.AsyncTollway.open(path, **arguments)), kind)


def test_a_callback_that_fails_shows_nothing_of_the_opening(path: str) -> None:
    _assert_untold(lambda: tollway.open(path, master_key=_fail, proxy="http://u:pass-word@h"), LookupError)


_CONFIGS: list[tuple[dict[str, Any], type[BaseException]]] = [
    ({"base_url": "ftp://x"}, tollway.InvalidRequestError),
    ({"base_url": "https://user:pass-word@api.example.com"}, tollway.InvalidRequestError),
    ({"params": {"a": object()}}, TypeError),
    ({"params": {"headers": {"x-gateway-token": KEY}, "a": {1}}}, TypeError),
    ({"params": {"headers": {"x-gateway-token": KEY, "b": float("nan")}}}, ValueError),
    ({"params": {"headers": {"x-gateway-token": KEY + "\udc00"}}}, ValueError),
    ({"params": {"headers": {"x-gateway-token": KEY}, "colour": 1}}, tollway.InvalidRequestError),
    ({"apikey": KEY}, TypeError),
    ({"priority": object()}, TypeError),
    ({"priority": "first"}, tollway.InvalidRequestError),
]


@pytest.mark.parametrize(("arguments", "kind"), _CONFIGS)
def test_no_traceback_of_a_config_shows_a_secret(
    path: str, arguments: dict[str, Any], kind: type[BaseException]
) -> None:
    given = {"api_key": KEY, "base_url": "https://api.example.com/v1", **arguments}
    with tollway.open(path, master_key=MASTER) as tw:
        tw.models.add("house/m", base_url="https://api.example.com/v1")
        _assert_untold(lambda: tw.models.add("house/n", **given), kind)
        _assert_untold(lambda: tw.models.update("house/m", **given), kind)
        _assert_untold(lambda: tw.models.add("house/n", **{**given, "prices": {"input_token": 1.5}}), TypeError)

    async def twin(verb: str) -> None:
        async with await tollway.AsyncTollway.open(path, master_key=MASTER) as tw:
            await getattr(tw.models, verb)("house/m", **given)

    _assert_untold(lambda: asyncio.run(twin("add")), kind)
    _assert_untold(lambda: asyncio.run(twin("update")), kind)


@pytest.mark.parametrize(
    ("key", "kind"),
    [(OTHER[:7], tollway.InvalidRequestError), (OTHER.encode(), TypeError), (OTHER + "\ud83d", ValueError)],
)
def test_no_traceback_of_a_rotation_shows_a_secret(path: str, key: Any, kind: type[BaseException]) -> None:
    with tollway.open(path, master_key=MASTER) as tw:
        _assert_untold(lambda: tw.rotate_master_key(key), kind)
    _assert_untold(lambda: tw.rotate_master_key(OTHER), tollway.ClosedError)

    async def twin(key: Any, *, close: bool) -> None:
        tw = await tollway.AsyncTollway.open(path, master_key=MASTER)
        if close:
            await tw.aclose()
        try:
            await tw.rotate_master_key(key)
        finally:
            await tw.aclose()

    _assert_untold(lambda: asyncio.run(twin(key, close=False)), kind)
    _assert_untold(lambda: asyncio.run(twin(OTHER, close=True)), tollway.ClosedError)


def test_a_holder_shows_and_gives_away_nothing() -> None:
    secret = Secret(KEY)
    assert (repr(secret), str(secret), f"{secret}", f"{[secret]}") == ("'***'", "'***'", "'***'", "['***']")
    assert secret.reveal() == KEY
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps({"key": secret})
