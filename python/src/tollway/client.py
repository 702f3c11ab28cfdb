"""The sync client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _handle
from ._engine import SyncEngine

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from .types import SettingsParameters

_CLOSE_TIMEOUT = 5.0


class Tollway:
    """An open file: its models, prices, routes, budgets and ledger, and the calls that it makes and bills.

    Threads may share it. A forked child may go on using it, and then opens the file for itself. Use it as a context
    manager, or close it; what is left open is closed when the interpreter exits.
    """

    def __init__(self, engine: SyncEngine) -> None:
        # Importing the package must be fast, so that these come with the first handle; and no later, because a fork
        # while another thread loads a module would leave the module locked in the child.
        from .budgets import Budgets
        from .chat import Chat
        from .models import Models
        from .prices import Prices
        from .routes import Routes
        from .usage import UsageLedger

        self._engine = engine
        self.chat = Chat(engine)
        self.models = Models(engine)
        self.prices = Prices(engine)
        self.routes = Routes(engine)
        self.budgets = Budgets(engine)
        self.usage = UsageLedger(engine)

    def rotate_master_key(self, master_key: str) -> None:
        """Seals everything in the file with another master key, all or nothing."""
        self._engine.run(_handle.rotate(master_key))

    def close(self, timeout: float = _CLOSE_TIMEOUT) -> bool:
        """Stops new calls and waits for settlements under way, at most for `timeout` seconds.

        Returns whether all ended. Calls after it raise `ClosedError`. Closing twice does nothing.
        """
        return self._engine.run(_handle.close(timeout))

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

    The master key seals the API keys: 32 bytes as hexadecimal digits or base64, or a passphrase; `env:NAME` reads it
    from an environment variable, and a function is called for it once. The settings are those of
    `tollway.types.SettingsParameters`; durations are in seconds.

    Raises:
        WrongMasterKeyError: The key does not open this file, which was not changed.
        NotATollwayFileError: The path is another kind of file, which was not changed.
        StorageError: The file could not be read or written, or another process opened it exclusively.
        InvalidRequestError: A setting is wrong.
    """
    engine = SyncEngine(_handle.create(path, master_key, settings))
    engine.run(_handle.OPEN)
    return Tollway(engine)
