"""Tollway: an embedded AI gateway with a billing ledger.

`tollway.open(path, master_key=...)` opens a file, and makes it at first use; `await AsyncTollway.open(...)` is its
async twin. Importing opens no file, starts no thread and uses no network.
"""

from __future__ import annotations

import atexit
import importlib
import sys
from typing import TYPE_CHECKING, Any

from . import _native, _where, errors
from .async_client import AsyncTollway
from .client import Tollway, open  # noqa: A004
from .errors import *

if TYPE_CHECKING:
    from . import anthropic as anthropic
    from . import openai as openai
    from . import types
    from ._httpx import async_httpx_client, httpx_client
    from ._record import to_rows
    from .results import *
    from .stream import AsyncChatStream, ChatStream

# Beside the errors and the records.
__all__ = [
    "AsyncChatStream",
    "AsyncTollway",
    "ChatStream",
    "Tollway",
    "async_httpx_client",
    "httpx_client",
    "open",
    "to_rows",
    "types",
]
__all__ += errors.__all__
if TYPE_CHECKING:
    from . import results

    __all__ += results.__all__
else:
    __all__ += list(_where.MODULES)

_EXIT_TIMEOUT = 5.0
# The last two need the libraries of which they make clients.
_MODULES = frozenset({"types", "anthropic", "openai"})
# Records are loaded at their first use, because their making takes longer than all the rest of the import.
_LAZY = {
    **_where.MODULES,
    **dict.fromkeys(("async_httpx_client", "httpx_client"), "_httpx"),
    **dict.fromkeys(("AsyncChatStream", "ChatStream"), "stream"),
    "to_rows": "_record",
}


def __getattr__(name: str) -> Any:
    module = _LAZY.get(name)
    if module is not None:
        value = getattr(importlib.import_module(f".{module}", __name__), name)
    elif name in _MODULES:
        value = importlib.import_module(f".{name}", __name__)
    elif name == "__version__":
        # It reads the package's own metadata, which is slow to load.
        value = importlib.import_module("importlib.metadata").version(__name__)
    else:
        detail = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(detail)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *_MODULES, "__version__"})


def _shut_down() -> None:
    """Waits for settlements, before the interpreter is torn down under threads that wait for them."""
    loop = sys.modules.get(f"{__name__}._loop")
    if loop is not None:
        loop.close_all()
    _native.shutdown(_EXIT_TIMEOUT)
    logs = sys.modules.get(f"{__name__}._logs")
    if logs is not None:
        logs.close()


atexit.register(_shut_down)
