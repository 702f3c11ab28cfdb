"""The async client."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from . import _handle
from ._calls import AsyncCalls
from ._engine import AsyncEngine, await_apart
from ._plain import PLAIN_SETTINGS
from ._secret import Secret, hide

if TYPE_CHECKING:
    import datetime as dt
    import os
    from collections.abc import Callable, Generator, Sequence
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from . import _native
    from .chat import AsyncChat
    from .results import Archive, Backup, Compaction, LedgerExport, LedgerImport, Quote, Verification
    from .session import AsyncSessionBlock
    from .types import (
        Amount,
        ChatParameters,
        Enforcement,
        Messages,
        OnExceeded,
        SettingsParameters,
    )

_CLOSE_TIMEOUT = 5.0

Opened = TypeVar("Opened", bound="AsyncTollway")


class AsyncTollway(AsyncCalls):
    """An open file, as `Tollway` is, with the same methods, awaited. Several event loops may share it."""

    def __init__(self, engine: AsyncEngine) -> None:
        if not isinstance(engine, AsyncEngine):
            detail = "an AsyncTollway is made by await AsyncTollway.open(path, master_key=...)"
            raise TypeError(detail)
        # Importing the package must be fast, so that this comes with the first handle.
        from .chat import AsyncChat

        super().__init__(engine)
        self._chat = AsyncChat(engine)

    @property
    def chat(self) -> AsyncChat:
        """Makes chat calls, whole and streamed."""
        return self._chat

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        master_key: str | Callable[[], str],
        **settings: Unpack[SettingsParameters],
    ) -> Opening[Self]:
        """Opens a file, and makes it at first use; see `tollway.open`. Cancelling leaves the file closed.

        `tw = await AsyncTollway.open(...)` opens it; `async with AsyncTollway.open(...) as tw:` also closes it.
        """
        key = Secret(master_key)
        del master_key
        native = _handle.create(path, key, hide(settings, PLAIN_SETTINGS))
        return Opening(cls, native)

    @classmethod
    async def _open(cls, native: _native.Engine) -> Self:
        engine = AsyncEngine(native)
        await engine.run(_handle.OPEN)
        return cls(engine)

    @staticmethod
    async def restore(backup: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
        """Puts a copy that `backup` made where nothing is; see `Tollway.restore`."""
        await await_apart(_handle.restore(backup, path))

    @staticmethod
    async def import_file(
        file: str | os.PathLike[str],
        path: str | os.PathLike[str],
        *,
        master_key: str | Callable[[], str],
        passphrase: str | None = None,
    ) -> LedgerImport:
        """Makes a file, where nothing is, of what `export` wrote; see `Tollway.import_file`."""
        key, sealing = Secret(master_key), None if passphrase is None else Secret(passphrase)
        del master_key, passphrase
        return await await_apart(_handle.import_file(file, path, key, sealing))

    @staticmethod
    async def compact(path: str | os.PathLike[str]) -> Compaction:
        """Gives the free pages of a file back; see `Tollway.compact`."""
        return await await_apart(_handle.compact(path))

    async def quote(self, messages: Messages, **parameters: Unpack[ChatParameters]) -> Quote:
        """Says what a chat call would cost, without making it; see `Tollway.quote`."""
        from .chat import quote

        return await self._engine.run(quote(messages, parameters))

    def session(
        self,
        *,
        id: str | None = None,  # noqa: A002 - it is what the engine calls it
        within: Sequence[str] | None = None,
        limit: Amount | None = None,
        currency: str | None = None,
        limit_tokens: int | None = None,
        limit_requests: int | None = None,
        enforcement: Enforcement = "hard",
        on_exceeded: OnExceeded = "refuse",
    ) -> AsyncSessionBlock:
        """Makes a session for the calls of a block, which its limits cap all together.

        `async with tw.session(limit="0.50", currency="USD"):` caps an agent's run. Calls of vendors' libraries
        through this file are in it too, and so are tasks that are started in the block, and sessions that are opened in
        it. A thread is in it if it runs in a copy of the context, as `asyncio.to_thread` does. Other processes join by
        its `id`, or by `within=session.path`. Without an `id` its limits are deleted at the end; what is left running
        then is refused.
        The parameters are those of `sessions.open`.
        """
        from .session import AsyncSessionBlock
        from .sessions import _open

        terms = _open(id, within, limit, currency, limit_tokens, limit_requests, enforcement, on_exceeded)
        return AsyncSessionBlock(self._engine, terms)

    async def head(self) -> str:
        """Returns the head of the ledger as a text, to be kept outside the file; see `Tollway.head`."""
        return await self._engine.run(_handle.head())

    async def verify(self, head: str | None = None) -> Verification:
        """Reads the whole file and returns what is not as it was written; see `Tollway.verify`."""
        return await self._engine.run(_handle.verify(head))

    async def backup(self, path: str | os.PathLike[str]) -> Backup:
        """Writes a copy of the file to a path where nothing is, while calls go on; see `Tollway.backup`."""
        return await self._engine.run(_handle.backup(path))

    async def archive(self, before: dt.datetime | str, path: str | os.PathLike[str]) -> Archive:
        """Writes the records of past months to a new file; then they leave the ledger; see `Tollway.archive`."""
        return await self._engine.run(_handle.archive(before, path))

    async def export(self, path: str | os.PathLike[str], *, passphrase: str | None = None) -> LedgerExport:
        """Writes everything that the file holds to a path where nothing is; see `Tollway.export`."""
        sealing = None if passphrase is None else Secret(passphrase)
        del passphrase
        return await self._engine.run(_handle.export(path, sealing))

    async def rotate_master_key(self, master_key: str) -> None:
        """Seals everything in the file with another master key, all or nothing."""
        key = Secret(master_key)
        del master_key
        await self._engine.run(_handle.rotate(key))

    async def aclose(self, timeout: float = _CLOSE_TIMEOUT) -> bool:
        """Stops new calls and waits for settlements under way, at most for `timeout` seconds; see `Tollway.close`."""
        return await self._engine.run(_handle.close(timeout))

    close = aclose

    def __repr__(self) -> str:
        return f"<AsyncTollway {self._engine.native.path()!r}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


class Opening(Coroutine[Any, Any, Opened]):
    """A file that is about to be opened: by `await`, or by `async with`, which closes it at the end."""

    def __init__(self, kind: type[Opened], native: _native.Engine) -> None:
        self._kind = kind
        self._native = native
        self._opened: Opened | None = None
        self._work: Coroutine[Any, Any, Opened] | None = None

    def __await__(self) -> Generator[Any, Any, Opened]:
        return self._kind._open(self._native).__await__()

    # What an event loop runs, as it would run the coroutine of a function.
    def _coroutine(self) -> Coroutine[Any, Any, Opened]:
        if self._work is None:
            self._work = self._kind._open(self._native)
        return self._work

    def send(self, value: Any, /) -> Any:
        """Goes on with opening the file."""
        return self._coroutine().send(value)

    def throw(self, *error: Any) -> Any:
        """Goes on with opening the file, with an error at the place where it waits."""
        return self._coroutine().throw(*error)

    def close(self) -> None:
        """Gives the opening up."""
        if self._work is not None:
            self._work.close()

    async def __aenter__(self) -> Opened:
        self._opened = await self
        return self._opened

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._opened is not None:
            await self._opened.aclose()
