"""Chat: one call, whole or streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._engine import AsyncEngine, Operation, SyncEngine, check_names, encode
from .results import ChatReply
from .stream import AsyncChatStream, ChatStream
from .types import ChatParameters

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .types import Messages

_OPTIONS = frozenset(
    {"user", "tags", "idempotency_key", "timeout", "max_retries", "fallbacks", "on_abandon", "on_unpriced"}
)
_KNOWN = ChatParameters.__optional_keys__
_HINT = "; pass fields that only some providers know in extra={...}"


def _arguments(messages: Messages, parameters: ChatParameters) -> dict[str, Any]:
    given: dict[str, Any] = {name: value for name, value in parameters.items() if value is not None}
    check_names(given, _KNOWN, "chat()", _HINT)
    options = {name: given.pop(name) for name in _OPTIONS & given.keys()}
    extra = given.pop("extra", {})
    doubled = sorted(extra.keys() & (_KNOWN | {"messages"}))
    if doubled:
        detail = f"extra holds {doubled[0]!r}, which chat() takes as an argument of its own; pass it there"
        raise TypeError(detail)
    return {"request": {"messages": messages, **given, **extra}, "options": options}


def _chat(messages: Messages, parameters: ChatParameters) -> Operation[ChatReply]:
    return Operation("chat", _arguments(messages, parameters), ChatReply._decode)


class Chat:
    """Makes chat calls. It is called itself for a whole reply, and has `stream` for a streamed one."""

    def __init__(self, engine: SyncEngine) -> None:
        self._engine = engine

    def __call__(self, messages: Messages, **parameters: Unpack[ChatParameters]) -> ChatReply:
        """Makes a call and returns the whole reply, once its cost is in the ledger.

        `messages` is a text, which a user says, or a list in the shape of OpenAI's chat API. The parameters are those
        of `tollway.types.ChatParameters`; `timeout` is in seconds. Ctrl-C gives the call up, which is then billed by
        `on_abandon`.

        Raises:
            BudgetExceededError: A budget that applies would be passed.
            TollwayError: The call failed; its kind says what to do.
        """
        return self._engine.run(_chat(messages, parameters))

    def stream(self, messages: Messages, **parameters: Unpack[ChatParameters]) -> ChatStream:
        """Starts a streamed call and returns its events as an iterator, which is a context manager too.

        The parameters are those of a call. Errors are raised by the iterator. Leaving the stream early, by `break`,
        `close()`, an error or garbage collection, gives the call up, which is then billed by `on_abandon`.
        """
        return ChatStream(self._engine.native.stream(encode(_arguments(messages, parameters))))


class AsyncChat:
    """Makes chat calls. It is called itself for a whole reply, and has `stream` for a streamed one."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def __call__(self, messages: Messages, **parameters: Unpack[ChatParameters]) -> ChatReply:
        """Makes a call and returns the whole reply, once its cost is in the ledger.

        The parameters are those of `Chat`. Cancelling the task gives the call up, which is then billed by `on_abandon`.

        Raises:
            BudgetExceededError: A budget that applies would be passed.
            TollwayError: The call failed; its kind says what to do.
        """
        return await self._engine.run(_chat(messages, parameters))

    def stream(self, messages: Messages, **parameters: Unpack[ChatParameters]) -> AsyncChatStream:
        """Starts a streamed call and returns its events as an async iterator, which is an async context manager too.

        The parameters are those of a call. Errors are raised by the iterator. Leaving the stream early, by `break`,
        `aclose()`, an error, cancellation of `async with` or garbage collection, gives the call up, which is then
        billed by `on_abandon`.
        """
        native = self._engine.native.stream(encode(_arguments(messages, parameters)))
        return AsyncChatStream(native, self._engine.ready)
