"""Streamed chats. Events that are ready are taken in batches, so that most cost no wait at all."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING

from .errors import from_json
from .results import ChatReply, StreamEvent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from typing_extensions import Self

    from . import _native

_BATCH = 64


class _Reader:
    """Holds the events that were taken and not yet handed over."""

    def __init__(self, native: _native.Stream) -> None:
        self._native = native
        self._events: deque[StreamEvent] = deque()
        self._ended = False
        self._reply: ChatReply | None = None

    @property
    def reply(self) -> ChatReply | None:
        """The settled reply; nothing before the last event."""
        return self._reply

    def _fill(self) -> bool:
        """Takes what is ready, without waiting; returns false if there is nothing yet."""
        events, error, self._ended = self._native.take(_BATCH)
        if error is not None:
            raise from_json(error)
        if events is not None:
            self._events.extend(map(StreamEvent._decode, json.loads(events)))
        return self._ended or events is not None

    def _pop(self) -> StreamEvent:
        event = self._events.popleft()
        if event.reply is not None:
            self._reply = event.reply
        return event

    def _give_up(self) -> None:
        self._ended = True
        self._events.clear()
        self._native.close()


class ChatStream(_Reader):
    """The events of a streamed call, as they arrive. After the last one, `reply` is the settled reply."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> StreamEvent:
        while not self._events:
            if self._ended:
                raise StopIteration
            if not self._fill():
                self._native.wait()
        return self._pop()

    def close(self) -> None:
        """Gives the call up, which is then billed by its `on_abandon`; nothing happens if it has ended."""
        self._give_up()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class AsyncChatStream(_Reader):
    """The events of a streamed call, as they arrive. After the last one, `reply` is the settled reply.

    A stream has one consumer. Cancelling a wait for an event loses no event, and gives the call up only if the stream
    is left too.
    """

    def __init__(self, native: _native.Stream, ready: Callable[[_native.Stream], Awaitable[None]]) -> None:
        super().__init__(native)
        self._ready = ready

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamEvent:
        while not self._events:
            if self._ended:
                raise StopAsyncIteration
            if not self._fill():
                await self._ready(self._native)
        return self._pop()

    async def aclose(self) -> None:
        """Gives the call up, which is then billed by its `on_abandon`; nothing happens if it has ended."""
        self._give_up()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
