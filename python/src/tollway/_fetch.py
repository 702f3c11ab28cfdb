"""Requests that another library made, and the engine answers: what all transports share.

The head of an answer comes first and alone, then the pieces of its body. A call that is left before
its end is given up.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _logs, _native
from ._current import with_sessions
from ._engine import AsyncEngine, SyncEngine, check_mapping, encode
from ._writing import given
from .errors import InternalError, from_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence

    from .async_client import AsyncTollway
    from .client import Tollway
    from .types import AbandonPolicy, UnpricedPolicy

_HEADLESS = "the engine ended an answer before its head; report it, with what was asked"


class Choices(NamedTuple):
    """What a client chooses for all its requests: a model in the place of theirs, and the options of their calls."""

    model: str | None
    options: Mapping[str, Any]


def choices(
    model: str | None,
    *,
    user: str | None,
    tags: Mapping[str, str] | None,
    timeout: float | None,
    max_retries: int | None,
    fallbacks: Sequence[str] | None,
    on_abandon: AbandonPolicy | None,
    on_unpriced: UnpricedPolicy | None,
) -> Choices:
    """Returns the choices of a client.

    Raises:
        InvalidRequestError: A value is wrong.
        TypeError: A value is of a type that is not taken.
    """
    if tags is not None:
        check_mapping(tags, "tags", "{'feature': 'search'}")
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, (int, float))):
        detail = f"timeout must be a number of seconds for the whole call, not {type(timeout).__name__}"
        raise TypeError(detail)
    options = given(
        {
            "user": user,
            "tags": tags,
            "timeout": timeout,
            "max_retries": max_retries,
            "fallbacks": fallbacks,
            "on_abandon": on_abandon,
            "on_unpriced": on_unpriced,
        }
    )
    error = _native.check_fetch(encode({"model": model, "options": options}, "httpx_client()").reveal())
    if error is not None:
        raise from_json(error)
    return Choices(model, options)


def native_of(tollway: Tollway | AsyncTollway) -> _native.Engine:
    """Returns the native handle of an open file, which serves both waiting and awaiting.

    Raises:
        TypeError: It is no open file.
    """
    engine = getattr(tollway, "_engine", None)
    if not isinstance(engine, (SyncEngine, AsyncEngine)):
        kind = type(tollway).__name__
        detail = f"an open file is needed, from tollway.open(...) or await AsyncTollway.open(...), not {kind}"
        raise TypeError(detail)
    return engine.native


class _Answer:
    """An answer that is arriving. When it is collected, its call is given up."""

    def __init__(
        self,
        native: _native.Engine,
        chosen: Choices,
        method: str,
        url: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
    ) -> None:
        head = {"method": method, "url": url, "headers": list(headers), **chosen._asdict()}
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self._ended = False
        # The handle may be older than this process, which then has nobody yet who hears what it logs.
        _logs.listen()
        self._native = native.fetch(encode(with_sessions(native.path, head), "fetch").reveal(), body)

    def give_up(self) -> None:
        """Gives the call up, which is then billed by its `on_abandon`; nothing happens if it has ended."""
        self._ended = True
        self._native.close()

    def _take(self) -> bytes | None:
        """Takes what is ready: a piece of the body, nothing at all, or the head, which is kept."""
        head, body, error, self._ended = self._native.take()
        if error is not None:
            raise from_json(error)
        if head is not None:
            fields = json.loads(head)
            self.status = fields["status"]
            self.headers = [(name, value) for name, value in fields["headers"]]
        return body


class Answer(_Answer):
    """An answer that is waited for. Each wait takes at most the seconds given, and then raises `TimeoutError`."""

    def wait_for_head(self, timeout: float | None) -> None:
        """Waits for the status and the headers."""
        try:
            self._take()
            while not self.status and not self._ended:
                self._wait(timeout)
                self._take()
            if not self.status:
                raise InternalError(_HEADLESS)
        except BaseException:
            self.give_up()
            raise

    def pieces(self, timeout: float | None) -> Iterator[bytes]:
        """Yields the pieces of the body as they arrive."""
        try:
            while not self._ended:
                piece = self._take()
                if piece:
                    yield piece
                elif not self._ended:
                    self._wait(timeout)
        except BaseException:
            self.give_up()
            raise

    def _wait(self, timeout: float | None) -> None:
        if not self._native.wait(timeout):
            raise TimeoutError


class AsyncAnswer(_Answer):
    """An answer that is awaited. Each wait takes at most the seconds given, and then raises `TimeoutError`."""

    def __init__(
        self,
        native: _native.Engine,
        chosen: Choices,
        method: str,
        url: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
    ) -> None:
        from ._loop import current  # noqa: PLC0415 - programs that only wait need not load asyncio

        # Without a loop of asyncio, nothing may be started.
        self._queue = current()
        super().__init__(native, chosen, method, url, headers, body)

    async def wait_for_head(self, timeout: float | None) -> None:
        """Waits for the status and the headers."""
        try:
            self._take()
            while not self.status and not self._ended:
                await self._queue.ready(self._native, timeout)
                self._take()
            if not self.status:
                raise InternalError(_HEADLESS)
        except BaseException:
            self.give_up()
            raise

    async def pieces(self, timeout: float | None) -> AsyncIterator[bytes]:
        """Yields the pieces of the body as they arrive."""
        try:
            while not self._ended:
                piece = self._take()
                if piece:
                    yield piece
                elif not self._ended:
                    await self._queue.ready(self._native, timeout)
        except BaseException:
            self.give_up()
            raise
