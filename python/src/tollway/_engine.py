"""Operations, and the two ways to run them: by waiting, and by awaiting."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import _native
from .errors import InternalError, from_json

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

Result = TypeVar("Result")


class Operation(Generic[Result]):
    """One call of a verb: its name, its arguments, and how its result is read. Both twins run the same operations."""

    __slots__ = ("arguments", "decode", "verb")

    def __init__(self, verb: str, arguments: Mapping[str, Any], decode: Callable[[Any], Result]) -> None:
        self.verb = verb
        self.arguments = arguments
        self.decode = decode


class SyncEngine:
    """Runs operations by waiting for them."""

    def __init__(self, native: _native.Engine) -> None:
        self.native = native

    def run(self, operation: Operation[Result]) -> Result:
        """Runs an operation; Ctrl-C gives it up."""
        text, error = self.native.call(operation.verb, encode(operation.arguments))
        if error is not None:
            raise from_json(error)
        return operation.decode(json.loads(text or "null"))


class AsyncEngine:
    """Runs operations by awaiting them."""

    def __init__(self, native: _native.Engine) -> None:
        # Programs that only wait need not load asyncio.
        from ._loop import current  # noqa: PLC0415

        self.native = native
        self._loop_queue = current

    async def run(self, operation: Operation[Result]) -> Result:
        """Runs an operation; cancelling gives it up."""
        text = await self._loop_queue().call(self.native, operation.verb, encode(operation.arguments))
        return operation.decode(json.loads(text))

    async def ready(self, stream: _native.Stream) -> None:
        """Waits until a stream has something to take; cancelling loses no event."""
        await self._loop_queue().ready(stream)


def create(path: str | os.PathLike[str], options: Mapping[str, Any]) -> _native.Engine:
    """Makes a native handle; opens nothing."""
    engine, error = _native.Engine.create(path, encode(options))
    if error is not None:
        raise from_json(error)
    if engine is None:
        detail = "the native module returned neither a handle nor an error; report it"
        raise InternalError(detail)
    return engine


def encode(arguments: Mapping[str, Any]) -> str:
    """Writes arguments as JSON text; refuses what JSON cannot say, and `nan`."""
    return json.dumps(arguments, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def nothing(_value: Any) -> None:
    """Reads a result that says nothing."""


def check_names(given_names: dict[str, Any], known: frozenset[str], function: str, hint: str = "") -> None:
    """Refuses keyword arguments that are not known.

    Raises:
        TypeError: A name is not known.
    """
    unknown = sorted(given_names.keys() - known)
    if unknown:
        detail = (
            f"{function} got an unexpected keyword argument {unknown[0]!r}; known are {', '.join(sorted(known))}{hint}"
        )
        raise TypeError(detail)
