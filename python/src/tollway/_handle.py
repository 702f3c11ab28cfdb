"""What opening and closing share between the twins."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from . import _engine
from ._engine import Operation, check_names, nothing
from ._secret import Secret

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from . import _native
    from .results.ledger import Archive, Backup, Compaction, LedgerExport, LedgerImport, Verification

OPEN: Operation[None] = Operation("open", {}, nothing)


def create(path: str | os.PathLike[str], master_key: Secret, settings: Mapping[str, Any]) -> _native.Engine:
    """Makes a native handle; opens nothing. A callable master key is called here, once."""
    from .types import SettingsParameters  # noqa: PLC0415 - importing the package must not wait for it

    fields: dict[str, Any] = {name: value for name, value in settings.items() if value is not None}
    check_names(fields, SettingsParameters.__optional_keys__, "open()")
    master_key = called(master_key)
    if not isinstance(path, (str, bytes, os.PathLike)):
        detail = f"path must be a string or a pathlib.Path, not {type(path).__name__}"
        raise TypeError(detail)
    return _engine.create(os.fsdecode(path), {"master_key": master_key, "settings": fields})


def called(master_key: Secret) -> Secret:
    """Returns a master key as text; a callable one is called here, once.

    Raises:
        TypeError: It is no text.
    """
    if callable(master_key.reveal()):
        master_key = Secret(master_key.reveal()())
    if not isinstance(master_key.reveal(), str):
        kind = type(master_key.reveal()).__name__
        detail = f"master_key must be a string, or a function that returns one, not {kind}"
        raise TypeError(detail)
    return master_key


def close(timeout: float) -> Operation[bool]:
    """Returns the operation that closes a handle."""
    return Operation("close", {"timeout": timeout}, bool)


def head() -> Operation[str]:
    """Returns the head of the ledger."""
    return Operation("ledger.head", {}, str)


def verify(expected: str | None) -> Operation[Verification]:
    """Reads the whole file."""
    from .results.ledger import Verification  # noqa: PLC0415 - importing the package must not wait for it

    return Operation("ledger.verify", {} if expected is None else {"head": expected}, Verification._decode)


def backup(path: str | os.PathLike[str]) -> Operation[Backup]:
    """Writes a copy of the file."""
    from ._writing import path_text  # noqa: PLC0415 - importing the package must not wait for it
    from .results.ledger import Backup  # noqa: PLC0415

    return Operation("ledger.backup", {"path": path_text(path, "path")}, Backup._decode)


def archive(before: dt.datetime | str, path: str | os.PathLike[str]) -> Operation[Archive]:
    """Writes the records of past months to a file, and takes them out of this one."""
    from ._writing import instant_text, path_text  # noqa: PLC0415 - importing the package must not wait for it
    from .results.ledger import Archive  # noqa: PLC0415

    arguments = {"before": instant_text(before, "before"), "path": path_text(path, "path")}
    return Operation("ledger.archive", arguments, Archive._decode)


def export(path: str | os.PathLike[str], passphrase: Secret | None) -> Operation[LedgerExport]:
    """Writes everything that the file holds to another one."""
    from ._writing import path_text  # noqa: PLC0415 - importing the package must not wait for it
    from .results.ledger import LedgerExport  # noqa: PLC0415

    arguments: dict[str, Any] = {"path": path_text(path, "path")}
    if passphrase is not None:
        arguments["passphrase"] = passphrase
    return Operation("ledger.export", arguments, LedgerExport._decode)


def import_file(
    file: str | os.PathLike[str], path: str | os.PathLike[str], master_key: Secret, passphrase: Secret | None
) -> Operation[LedgerImport]:
    """Makes a file of an export."""
    from ._writing import path_text  # noqa: PLC0415 - importing the package must not wait for it
    from .results.ledger import LedgerImport  # noqa: PLC0415

    arguments: dict[str, Any] = {"file": path_text(file, "file"), "path": path_text(path, "path")}
    arguments["master_key"] = called(master_key)
    if passphrase is not None:
        arguments["passphrase"] = passphrase
    return Operation("ledger.import_file", arguments, LedgerImport._decode)


def restore(backup: str | os.PathLike[str], path: str | os.PathLike[str]) -> Operation[None]:
    """Puts a copy where nothing is."""
    from ._writing import path_text  # noqa: PLC0415 - importing the package must not wait for it

    arguments = {"backup": path_text(backup, "backup"), "path": path_text(path, "path")}
    return Operation("ledger.restore", arguments, nothing)


def compact(path: str | os.PathLike[str]) -> Operation[Compaction]:
    """Gives the free pages of a file back."""
    from ._writing import path_text  # noqa: PLC0415 - importing the package must not wait for it
    from .results.ledger import Compaction  # noqa: PLC0415

    return Operation("ledger.compact", {"path": path_text(path, "path")}, Compaction._decode)


def rotate(master_key: Secret) -> Operation[None]:
    """Returns the operation that changes the master key."""
    return Operation("vault.rotate", {"master_key": master_key}, nothing)
