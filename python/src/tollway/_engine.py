"""Operations, and the two ways to run them: by waiting, and by awaiting."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from . import _native
from ._current import with_sessions
from ._secret import Secret
from .errors import InternalError, from_json

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable

Result = TypeVar("Result")

_MOST_NESTING = 200
_MOST_OF_A_PATH = 100


class Operation(Generic[Result]):
    """One call of a verb: its name, its arguments, and how its result is read. Both twins run the same operations."""

    __slots__ = ("arguments", "decode", "verb")

    def __init__(self, verb: str, arguments: Mapping[str, Any], decode: Callable[[Any], Result]) -> None:
        self.verb = verb
        self.arguments = arguments
        self.decode = decode


class _Handle:
    """What both engines hold: the native handle, which belongs to one process."""

    def __init__(self, native: _native.Engine) -> None:
        # It loads `logging`, which takes longer than all the rest of the import.
        from ._logs import listen  # noqa: PLC0415

        self._native = native
        self._listen = listen

    @property
    def native(self) -> _native.Engine:
        """The native handle, whose records are listened to from now on, in a forked child too."""
        self._listen()
        return self._native

    def _arguments(self, operation: Operation[Any]) -> Secret:
        return encode(with_sessions(self._native.path, operation.arguments), operation.verb)

    def stream(self, arguments: Mapping[str, Any]) -> _native.Stream:
        """Starts a streamed chat."""
        return self.native.stream(encode(with_sessions(self._native.path, arguments), "chat").reveal())

    def __reduce__(self) -> NoReturn:
        detail = "an open Tollway file cannot be sent to another process; send its path, and open it there"
        raise TypeError(detail)


class SyncEngine(_Handle):
    """Runs operations by waiting for them."""

    def run(self, operation: Operation[Result]) -> Result:
        """Runs an operation; Ctrl-C gives it up."""
        return _result(operation, *self.native.call(operation.verb, self._arguments(operation).reveal()))


def run_apart(operation: Operation[Result]) -> Result:
    """Runs an operation about files that nobody has open."""
    return _result(operation, *_native.call(operation.verb, encode(operation.arguments, operation.verb).reveal()))


def _result(operation: Operation[Result], text: str | None, error: str | None) -> Result:
    if error is not None:
        raise from_json(error)
    return operation.decode(json.loads(text or "null"))


async def await_apart(operation: Operation[Result]) -> Result:
    """Runs an operation about files that nobody has open by awaiting it."""
    from ._loop import current  # noqa: PLC0415 - programs that only wait need not load asyncio

    text = await current().call(_native, operation.verb, encode(operation.arguments, operation.verb))
    return operation.decode(json.loads(text))


class AsyncEngine(_Handle):
    """Runs operations by awaiting them."""

    def __init__(self, native: _native.Engine) -> None:
        # Programs that only wait need not load asyncio.
        from ._loop import current  # noqa: PLC0415

        super().__init__(native)
        self._loop_queue = current

    async def run(self, operation: Operation[Result]) -> Result:
        """Runs an operation; cancelling gives it up."""
        text = await self._loop_queue().call(self.native, operation.verb, self._arguments(operation))
        return operation.decode(json.loads(text))

    async def ready(self, stream: _native.Stream) -> None:
        """Waits until a stream has something to take; cancelling loses no event."""
        await self._loop_queue().ready(stream)


def create(path: str | os.PathLike[str], options: Mapping[str, Any]) -> _native.Engine:
    """Makes a native handle; opens nothing."""
    from ._logs import logs  # noqa: PLC0415

    engine, error = _native.Engine.create(path, encode(options, "open").reveal(), logs)
    if error is not None:
        raise from_json(error)
    if engine is None:
        detail = "the native module returned neither a handle nor an error; report it"
        raise InternalError(detail)
    return engine


def encode(arguments: Mapping[str, Any], verb: str) -> Secret:
    """Writes arguments as JSON text, which may hold secrets; an error names what JSON cannot say.

    Raises:
        TypeError: A value is of a type that is not taken.
        ValueError: A number is not finite, or a text is not Unicode.
    """
    try:
        return _text(arguments)
    except (TypeError, ValueError, RecursionError):
        error = _fault(arguments, "")
        if error is None:
            raise
    # Here, so that the cause, which may hold the whole text, is not kept as the context.
    path = str(error).removeprefix(".").removeprefix("request.").removeprefix("options.")
    raise type(error)(f"{verb}: {path}")


def _text(arguments: Mapping[str, Any]) -> Secret:
    text = Secret(_ENCODER.encode(arguments))
    if not text.reveal().isascii():
        text.reveal().encode()
    return text


def _plain(value: Any) -> Any:
    """Turns mappings and sequences of other types than Python's own into those, and holders into what they hold."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
        return list(value)
    raise TypeError


# Made once: `json.dumps` makes one at each call whose ways are not its own.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)


def _fault(value: Any, path: str, depth: int = 0) -> TypeError | ValueError | None:
    """Finds the first value that JSON cannot say. It raises nothing, so that no traceback shows what it looks at."""
    if isinstance(value, Secret):
        return _fault(value.reveal(), path, depth)
    if value is None or isinstance(value, (bool, int, float, str)):
        return _leaf_fault(value, path)
    if depth > _MOST_NESTING:
        return ValueError(f"{path[:_MOST_OF_A_PATH]}... holds itself, or is nested too deeply")
    try:
        plain = value if isinstance(value, (dict, list, tuple)) else _plain(value)
    except TypeError:
        kind = type(value).__name__
        return TypeError(f"{path} is of type {kind}; give a string, a number, a bool, None, or a list or dict of these")
    if isinstance(plain, dict):
        wrong = [name for name in plain if not isinstance(name, str)]
        if wrong:
            return TypeError(f"{path} has a key of type {type(wrong[0]).__name__}; give texts as keys")
        named = ((f"{path}.{name}", each) for name, each in plain.items())
    else:
        named = ((f"{path}[{place}]", each) for place, each in enumerate(plain))
    faults = (_fault(each, place, depth + 1) for place, each in named)
    return next((fault for fault in faults if fault is not None), None)


def _leaf_fault(value: float | str | None, path: str) -> ValueError | None:
    if isinstance(value, float) and not math.isfinite(value):
        return ValueError(f"{path} must be a finite number")
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return ValueError(f"{path} holds half of a surrogate pair, which is no text; decode it as UTF-16 first")
    return None


def nothing(_value: Any) -> None:
    """Reads a result that says nothing."""


def check_mapping(value: Any, name: str, example: str) -> Mapping[str, Any]:
    """Returns a value that must be a mapping.

    Raises:
        TypeError: It is none; the error shows the example.
    """
    if not isinstance(value, Mapping):
        detail = f"{name} must be a mapping such as {example}, not {type(value).__name__}"
        raise TypeError(detail)
    return value


def check_names(given_names: dict[str, Any], known: frozenset[str], function: str, hint: str = "") -> None:
    """Refuses keyword arguments that are not known.

    Raises:
        TypeError: A name is not known.
    """
    unknown = given_names.keys() - known
    if unknown:
        first = min(unknown)
        detail = (
            f"{function} got an unexpected keyword argument {first!r}{did_you_mean(first, known)}; "
            f"known are {', '.join(sorted(known))}{hint}"
        )
        raise TypeError(detail)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Asks whether the nearest known name was meant, as a part of a sentence; nothing where none is near."""
    from difflib import get_close_matches  # noqa: PLC0415 - only errors need it

    near = get_close_matches(name, list(known), n=1, cutoff=0.7)
    return f", did you mean {near[0]!r}?" if near else ""


def listed(decode: Callable[[Any], Result]) -> Callable[[Any], list[Result]]:
    """Returns what reads a list."""
    return lambda value: [decode(each) for each in value]


class Namespace:
    """Holds the methods of one noun of an open file."""

    def __repr__(self) -> str:
        engine: _Handle = vars(self)["_engine"]
        methods = ", ".join(name for name in dir(type(self)) if not name.startswith("_"))
        return f"<{type(self).__name__} of {engine.native.path()!r}: {methods}>"


class SyncNoun(Namespace):
    """Holds methods that wait."""

    def __init__(self, engine: SyncEngine) -> None:
        self._engine = engine


class AsyncNoun(Namespace):
    """Holds methods that are awaited."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
