"""Which sessions the code that runs is in."""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from .errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Block:
    """A session whose block is running, or was."""

    __slots__ = ("file", "has_ended", "path")

    def __init__(self, file: str, path: Sequence[str]) -> None:
        self.file = os.path.realpath(file)
        self.path = list(path)
        self.has_ended = False


_BLOCKS: ContextVar[tuple[Block, ...]] = ContextVar("tollway_sessions", default=())


def enter(block: Block) -> Any:
    """Lets what follows be in a session; returns what `leave` takes."""
    return _BLOCKS.set((*_BLOCKS.get(), block))


def leave(block: Block, token: Any) -> None:
    """Ends a session, for what goes on in it elsewhere too."""
    block.has_ended = True
    _BLOCKS.reset(token)


def path_in(file: str) -> list[str]:
    """Returns the ids of the sessions of a file that this code is in, from the outermost in.

    Raises:
        InvalidRequestError: One of them has ended, so that nothing caps it any more.
    """
    running = _BLOCKS.get()
    if not running:
        return []
    file = os.path.realpath(file)
    blocks = [block for block in running if block.file == file]
    if not blocks:
        return []
    ended = next((block for block in blocks if block.has_ended), None)
    if ended is not None:
        detail = (
            f"the session {ended.path[-1]!r} has ended, and nothing caps what is left of it; "
            "wait for its tasks inside its block"
        )
        raise InvalidRequestError(detail)
    return blocks[-1].path


def with_sessions(file: Callable[[], str], arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the arguments of a call with the sessions that it is made in among its options; `file` tells its path.

    Raises:
        InvalidRequestError: The call names sessions that are not those that it is made in, or one of these has ended.
    """
    if not _BLOCKS.get() or "options" not in arguments:
        return arguments
    path = path_in(file())
    named = list(arguments["options"].get("sessions") or ())
    if named[: len(path)] != path:
        if named:
            detail = f"sessions is {named!r} in the block of the session {path!r}; leave it out"
            raise InvalidRequestError(detail)
        return {**arguments, "options": {**arguments["options"], "sessions": path}}
    return arguments
