"""Sessions: blocks of calls that are capped as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _current
from ._engine import Operation
from .errors import ClosedError
from .sessions import _close

if TYPE_CHECKING:
    from types import TracebackType

    from ._engine import AsyncEngine, SyncEngine
    from .results import Session


class _Block:
    """What the blocks of both twins share."""

    def __init__(self, file: str, opening: Operation[Session]) -> None:
        self._file = file
        self._terms = opening
        self._opened: tuple[Session, _current.Block, Any] | None = None

    def _opening(self) -> Operation[Session]:
        if self._opened is not None:
            detail = "the block of a session runs once; make another with session(...)"
            raise RuntimeError(detail)
        arguments = {"within": _current.path_in(self._file), **self._terms.arguments}
        return Operation(self._terms.verb, arguments, self._terms.decode)

    def _enter(self, session: Session) -> Session:
        block = _current.Block(self._file, session.path)
        self._opened = (session, block, _current.enter(block))
        return session

    def _leave(self) -> Operation[None] | None:
        """Ends the session; returns how to delete its limits, which nobody but it can know where it has no name."""
        if self._opened is None:
            return None
        session, block, token = self._opened
        _current.leave(block, token)
        if "id" in self._terms.arguments or not session.budget_ids:
            return None
        return _close(session.path)


class SessionBlock(_Block):
    """A session for the calls of a `with` block."""

    def __init__(self, engine: SyncEngine, opening: Operation[Session]) -> None:
        super().__init__(engine.native.path(), opening)
        self._engine = engine

    def __enter__(self) -> Session:
        return self._enter(self._engine.run(self._opening()))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        closing = self._leave()
        if closing is not None:
            try:
                self._engine.run(closing)
            except ClosedError:
                # The file was closed in the block; no call can be made any more.
                return


class AsyncSessionBlock(_Block):
    """A session for the calls of an `async with` block, and of the tasks that are started in it."""

    def __init__(self, engine: AsyncEngine, opening: Operation[Session]) -> None:
        super().__init__(engine.native.path(), opening)
        self._engine = engine

    async def __aenter__(self) -> Session:
        return self._enter(await self._engine.run(self._opening()))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        closing = self._leave()
        if closing is not None:
            try:
                await self._engine.run(closing)
            except ClosedError:
                # The file was closed in the block; no call can be made any more.
                return
