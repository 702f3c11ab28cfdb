"""Chat: one call, whole or streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._engine import AsyncEngine, Namespace, Operation, SyncEngine
from ._whole import whole_arguments
from .results.chat import ChatReply
from .results.quote import Quote
from .stream import AsyncChatStream, ChatStream
from .types import CallOptions, ChatParameters

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .types import Messages

_OPTIONS = CallOptions.__optional_keys__
_KNOWN = ChatParameters.__optional_keys__
# What other libraries call it, and what to do here.
_ELSEWHERE = {
    "max_completion_tokens": "is max_tokens here",
    "max_output_tokens": "is max_tokens here",
    "stream": "is a method here: chat.stream(...)",
}


def _arguments(messages: Messages, parameters: ChatParameters, function: str = "chat()") -> dict[str, Any]:
    for name, value in parameters.items():
        if name in _ELSEWHERE and value is not None:
            detail = f"{function} has no argument {name!r}, which {_ELSEWHERE[name]}"
            raise TypeError(detail)
    return whole_arguments({"messages": messages}, parameters, _KNOWN, function, "{'top_k': 5}")


def _chat(messages: Messages, parameters: ChatParameters) -> Operation[ChatReply]:
    return Operation("chat", _arguments(messages, parameters), ChatReply._decode)


def quote(messages: Messages, parameters: ChatParameters) -> Operation[Quote]:
    """Returns the operation that says what a call would cost."""
    return Operation("quote", _arguments(messages, parameters, "quote()"), Quote._decode)


class Chat(Namespace):
    """Makes chat calls. It is called itself for a whole reply, and has `stream` for a streamed one."""

    def __init__(self, engine: SyncEngine) -> None:
        self._engine = engine

    def __call__(self, messages: Messages, **parameters: Unpack[ChatParameters]) -> ChatReply:
        """Makes a call and returns the whole reply, once its cost is in the ledger.

        `messages` is a string, which a user says, or a list in the shape of OpenAI's chat API. The parameters are those
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
        return ChatStream(self._engine.stream(_arguments(messages, parameters)))


class AsyncChat(Namespace):
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
        return AsyncChatStream(self._engine.stream(_arguments(messages, parameters)), self._engine.ready)


def _explain(chat: type[Namespace]) -> None:
    """Lets a class say in its documentation and in its signature which parameters a call takes."""
    words = "".join((each.__doc__ or "").partition("Attributes:")[2].rstrip() for each in (ChatParameters, CallOptions))
    chat.__doc__ = f"{chat.__doc__}\n\n    The parameters of a call, beside the messages:\n{words}\n    "
    chat.__signature__ = property(_signature)  # type: ignore[attr-defined]


def _signature(_chat: Namespace) -> Any:
    from inspect import Parameter, Signature  # noqa: PLC0415 - only who looks at it needs it

    positional, named = Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY
    # Those of the request, and then those of every call.
    annotations = ChatParameters.__annotations__
    names = [*(name for name in annotations if name not in _OPTIONS), *CallOptions.__annotations__]
    others = [Parameter(name, named, default=None, annotation=annotations[name]) for name in names]
    return Signature([Parameter("messages", positional, annotation="Messages"), *others], return_annotation="ChatReply")


_explain(Chat)
_explain(AsyncChat)
