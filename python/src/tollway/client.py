"""The sync client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _handle
from ._calls import Calls
from ._engine import SyncEngine, run_apart
from ._plain import PLAIN_SETTINGS
from ._secret import Secret, hide

if TYPE_CHECKING:
    import datetime as dt
    import os
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from .chat import Chat
    from .results import Archive, Backup, Compaction, LedgerExport, LedgerImport, Quote, Verification
    from .session import SessionBlock
    from .types import (
        Amount,
        ChatParameters,
        Enforcement,
        Messages,
        OnExceeded,
        SettingsParameters,
    )

_CLOSE_TIMEOUT = 5.0


class Tollway(Calls):
    """An open file: its models, prices, routes, budgets and ledger, and the calls that it makes and bills.

    Threads may share it. A forked child may go on using it, and then opens the file for itself. Use it as a context
    manager, or close it; what is left open is closed when the interpreter exits.
    """

    def __init__(self, engine: SyncEngine) -> None:
        if not isinstance(engine, SyncEngine):
            detail = "a Tollway is made by tollway.open(path, master_key=...)"
            raise TypeError(detail)
        # Importing the package must be fast, so that this comes with the first handle.
        from .chat import Chat

        super().__init__(engine)
        self._chat = Chat(engine)

    @property
    def chat(self) -> Chat:
        """Makes chat calls, whole and streamed."""
        return self._chat

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        master_key: str | Callable[[], str],
        **settings: Unpack[SettingsParameters],
    ) -> Self:
        """Opens a file, and makes it at first use; see `tollway.open`."""
        key = Secret(master_key)
        del master_key
        return cls._open(path, key, hide(settings, PLAIN_SETTINGS))

    @classmethod
    def _open(cls, path: str | os.PathLike[str], key: Secret, settings: dict[str, Any]) -> Self:
        engine = SyncEngine(_handle.create(path, key, settings))
        engine.run(_handle.OPEN)
        return cls(engine)

    @staticmethod
    def restore(backup: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
        """Puts a copy that `backup` made where nothing is, after all of its pages were checked.

        The copy stays as it is, and the same master key opens what was put.

        Raises:
            NotFoundError: There is no copy.
            NotATollwayFileError: It is another kind of file.
            CorruptedFileError: It is damaged.
            StorageError: Anything is at the path, or it cannot be written.
        """
        run_apart(_handle.restore(backup, path))

    @staticmethod
    def import_file(
        file: str | os.PathLike[str],
        path: str | os.PathLike[str],
        *,
        master_key: str | Callable[[], str],
        passphrase: str | None = None,
    ) -> LedgerImport:
        """Makes a file, where nothing is, of what `export` wrote: all or nothing.

        Rows keep their ids, so that all sums and balances are those of the file that was exported. The file is verified
        before it gets its name.

        Args:
            file: The export.
            path: Where to make the file.
            master_key: What seals the API keys of the file, as `tollway.open` takes it.
            passphrase: What the secrets of the export were sealed under; they are left out without it.

        Raises:
            NotFoundError: There is no export.
            NotATollwayFileError: It is another kind of file.
            NewerFileError: A newer version wrote it.
            CorruptedFileError: It was changed or cut off; the error names the line.
            WrongMasterKeyError: The passphrase is another one.
            StorageError: Anything is at the path, or it cannot be written.
            InvalidRequestError: The master key is too short, or a passphrase is given to an export without secrets.
        """
        key, sealing = Secret(master_key), None if passphrase is None else Secret(passphrase)
        del master_key, passphrase
        return run_apart(_handle.import_file(file, path, key, sealing))

    @staticmethod
    def compact(path: str | os.PathLike[str]) -> Compaction:
        """Gives the free pages of a file back, such as those of what was archived.

        Raises:
            NotFoundError: There is no file.
            NotATollwayFileError: It is another kind of file.
            StorageError: Anybody has it open.
        """
        return run_apart(_handle.compact(path))

    def quote(self, messages: Messages, **parameters: Unpack[ChatParameters]) -> Quote:
        """Says what a chat call would cost with each model that may serve it, and whether its budgets would admit it.

        The parameters are those of `chat`. Nothing is sent, and nothing is reserved.

        Raises:
            NoRouteError: No model could serve the call.
            InvalidRequestError: A parameter is wrong.
        """
        from .chat import quote

        return self._engine.run(quote(messages, parameters))

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
    ) -> SessionBlock:
        """Makes a session for the calls of a block, which its limits cap all together.

        `with tw.session(limit="0.50", currency="USD") as session:` caps an agent's run. Calls of vendors' libraries
        through this file are in it too, and so are tasks that are started in the block, and sessions that are opened in
        it. A thread is in it if it runs in a copy of the context, as `asyncio.to_thread` does. Other processes join by
        its `id`, or by `within=session.path`. Without an `id` its limits are deleted at the end; what is left running
        then is refused.
        The parameters are those of `sessions.open`.
        """
        from .session import SessionBlock
        from .sessions import _open

        terms = _open(id, within, limit, currency, limit_tokens, limit_requests, enforcement, on_exceeded)
        return SessionBlock(self._engine, terms)

    def head(self) -> str:
        """Returns the head of the ledger as a text, to be kept outside the file.

        `verify` tells by it later whether an older copy was put in the place of the file.
        """
        return self._engine.run(_handle.head())

    def verify(self, head: str | None = None) -> Verification:
        """Reads the whole file and returns what is not as it was written: pages, rows, indexes, balances, rollups.

        Damage is told and raises nothing. It reads every record, so it takes some seconds for each million; calls go on
        meanwhile.

        Args:
            head: What `head` returned earlier; the ledger must still hold all that it held then.

        Raises:
            InvalidRequestError: `head` is no head of a ledger.
        """
        return self._engine.run(_handle.verify(head))

    def backup(self, path: str | os.PathLike[str]) -> Backup:
        """Writes a copy of the file, as it stands at one commit, to a path where nothing is, while calls go on.

        The same master key opens it. What calls hold at that commit is billed by the rules of recovery where it is
        opened.

        Raises:
            StorageError: Anything is at the path, or it cannot be written.
            InvalidRequestError: The ledger is in memory.
        """
        return self._engine.run(_handle.backup(path))

    def archive(self, before: dt.datetime | str, path: str | os.PathLike[str]) -> Archive:
        """Writes the records of the whole months (in UTC) before an instant to a new file; then they leave the ledger.

        The file has compressed lines of JSON and a check sum. Calls go on; sums, budgets, quotas and pools stay as they
        are. Records that have no price yet stay, and so do those whose settlement may still come.

        Args:
            before: The months before the one that this instant lies in are archived.
            path: Where to write the records.

        Raises:
            StorageError: Anything is at the path, or it cannot be written.
            InvalidRequestError: The month of `before` has not begun.
        """
        return self._engine.run(_handle.archive(before, path))

    def export(self, path: str | os.PathLike[str], *, passphrase: str | None = None) -> LedgerExport:
        """Writes everything that the file holds to a path where nothing is, as lines of JSON, while calls go on.

        `Tollway.import_file` makes a file of it. It is what stood in the file at one commit. API keys and secret
        headers are left out, or sealed under a passphrase; idempotency keys are left out.

        Args:
            path: Where to write it.
            passphrase: What seals the API keys and the secret headers, of at least 8 characters.

        Raises:
            StorageError: Anything is at the path, or it cannot be written.
            InvalidRequestError: The ledger is in memory, or the passphrase is too short.
        """
        sealing = None if passphrase is None else Secret(passphrase)
        del passphrase
        return self._engine.run(_handle.export(path, sealing))

    def rotate_master_key(self, master_key: str) -> None:
        """Seals everything in the file with another master key, all or nothing."""
        key = Secret(master_key)
        del master_key
        self._engine.run(_handle.rotate(key))

    def close(self, timeout: float = _CLOSE_TIMEOUT) -> bool:
        """Stops new calls and waits for settlements under way, at most for `timeout` seconds.

        Returns whether all ended. Calls after it raise `ClosedError`. Closing twice does nothing.
        """
        return self._engine.run(_handle.close(timeout))

    def __repr__(self) -> str:
        return f"<Tollway {self._engine.native.path()!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def open(  # noqa: A001
    path: str | os.PathLike[str],
    *,
    master_key: str | Callable[[], str],
    **settings: Unpack[SettingsParameters],
) -> Tollway:
    """Opens a file, and makes it at first use.

    Settings belong to the handle, not to the file, and may differ at the next opening. Durations are in seconds. What
    the engine notices goes to Python's `logging`, below the logger `tollway`.

    Args:
        path: The file. Many processes may open it, each with a handle of its own, unless one has it exclusively.
            `":memory:"` is a new ledger in memory, for tests: it ends with its handle, and a forked child that uses it
            gets a `ForkedError`.
        master_key: What seals the API keys: 32 bytes as hexadecimal digits or base64, or a passphrase of at least 8
            characters. `env:NAME` reads it from an environment variable; a function is called for it once, here.
        **settings: Any of the following.

            - `durability`: `"strict"` (default) returns a reply once its settlement is in the file, so that no crash
              loses what a caller saw. `"relaxed"` returns it while the settlement is being written; a crash within
              milliseconds leaves the call to `recovery`.
            - `exclusive`: True makes this process the only one that has the file open.
              Other processes, forked children included, are then refused with `StorageError`. False by default.
            - `create`: False opens only a file that exists: a missing one is `NotFoundError`, an emptied one
              `CorruptedFileError`. True (default) makes it, so that a ledger that was emptied begins anew.
            - `recovery`: what the next opening bills for calls whose process died before their settlement:
              `"bill_reserved"` (default) the whole reservation, because the provider may have done the work;
              `"release"` nothing.
            - `on_abandon`: what is billed for a call that is given up: by Ctrl-C, by cancelling its task, or by leaving
              its stream early. `"cancel_and_estimate"` (default) ends it at the provider and bills the input and what
              had arrived, `"drain"` reads the answer to its end in the background and bills what the provider
              reports, `"bill_reserved"` ends it and bills the whole reservation. A call may choose another.
            - `on_unpriced`: what to do with a call that has no price. `"refuse"` raises `UnpricedError`; `"hold"` makes
              the call and keeps each money budget that applies closed until `usage.price` puts a cost on its record;
              `"allow"` makes it, and records it as unpriced. By default, refuse if a money budget applies, else allow.
              A call may choose another.
            - `reported_cost`: when the cost that a provider states in its answer is billed, and counted by budgets.
              `"over_catalog"` (default) bills it over the prices of the catalog or of an import, and where there is
              none, but not over prices that were set; `"always"` and `"never"` do what they say. The other figure
              stays on the record.
            - `timeout` (600), `connect_timeout` (10), `stream_idle_timeout` (120): the time of all attempts of a call
              together, of making a connection, and of silence in a stream.
            - `storage_timeout` (10): the time that opening and closing, and whatever is no call, wait for a process
              that has the file locked. A call waits for it until its own `timeout`. Then `StorageBusyError` names it.
            - `proxy`: the address of the proxy through which calls go, with the scheme `http`, `https`, `socks5` or
              `socks5h`, and a user and a password before the host if it wants them. `"environment"` takes the one that
              `HTTPS_PROXY` or `ALL_PROXY` names, except for what `NO_PROXY` names, and sends it nothing that is plain
              `http`. What stays on this machine goes through none. None by default, whatever the environment says.
            - `max_retries` (2), `cooldown_failures` (3), `cooldown` (15): how often a failed attempt is repeated, and
              after how many failures in a row, and for how long at first, a model config is passed over.
            - `default_output_limit` (4096): the output tokens of a call that a budget applies to and that has no limit.
            - `maximum_answer_bytes` (33554432): the most bytes of one answer. A longer one is read no further, raises
              `ProviderUnavailableError` and is billed as far as it came. Where the output of a call is limited, an
              answer that is longer than its limit can make it is ended earlier: at 2 MiB and 16 KiB for each token.

    Raises:
        WrongMasterKeyError: The key does not open this file, which was not changed.
        NotATollwayFileError: The path is another kind of file, which was not changed.
        StorageError: The file could not be read or written, or another process opened it exclusively.
        InvalidRequestError: A setting is wrong.
    """
    key = Secret(master_key)
    del master_key
    return Tollway._open(path, key, hide(settings, PLAIN_SETTINGS))
