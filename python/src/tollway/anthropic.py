"""Clients of Anthropic's library whose requests the engine routes, answers and bills.

Import `Anthropic` from here, and write `Anthropic(tw, user="alice")` in place of `anthropic.Anthropic()`. What is made
is of the library's own class. It needs no API key, because the keys are in the file, and no retries, because the
engine retries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    import anthropic as _library
except ImportError as _error:
    _DETAIL = "tollway.anthropic needs the package anthropic, which is not installed: pip install anthropic"
    raise ImportError(_DETAIL, name="anthropic") from _error

from ._httpx import async_httpx_client, httpx_client
from ._ready import library_arguments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .async_client import AsyncTollway
    from .client import Tollway
    from .types import AbandonPolicy, UnpricedPolicy

__all__ = ["Anthropic", "AsyncAnthropic"]


def Anthropic(  # noqa: N802 - it stands where the class stood
    tollway: Tollway | AsyncTollway,
    *,
    model: str | None = None,
    user: str | None = None,
    tags: Mapping[str, str] | None = None,
    fallbacks: Sequence[str] | None = None,
    on_abandon: AbandonPolicy | None = None,
    on_unpriced: UnpricedPolicy | None = None,
    **anthropic_arguments: Any,
) -> _library.Anthropic:
    """Makes an `anthropic.Anthropic` over an open file; see `tollway.httpx_client` for what the arguments choose.

    All further arguments are those of `anthropic.Anthropic`, `timeout` and `max_retries` too.
    """
    client = httpx_client(
        tollway,
        model=model,
        user=user,
        tags=tags,
        fallbacks=fallbacks,
        on_abandon=on_abandon,
        on_unpriced=on_unpriced,
    )
    return _library.Anthropic(http_client=client, **library_arguments("Anthropic", anthropic_arguments))


def AsyncAnthropic(  # noqa: N802 - it stands where the class stood
    tollway: AsyncTollway | Tollway,
    *,
    model: str | None = None,
    user: str | None = None,
    tags: Mapping[str, str] | None = None,
    fallbacks: Sequence[str] | None = None,
    on_abandon: AbandonPolicy | None = None,
    on_unpriced: UnpricedPolicy | None = None,
    **anthropic_arguments: Any,
) -> _library.AsyncAnthropic:
    """Makes an `anthropic.AsyncAnthropic` over an open file; see `Anthropic`."""
    client = async_httpx_client(
        tollway,
        model=model,
        user=user,
        tags=tags,
        fallbacks=fallbacks,
        on_abandon=on_abandon,
        on_unpriced=on_unpriced,
    )
    return _library.AsyncAnthropic(http_client=client, **library_arguments("AsyncAnthropic", anthropic_arguments))
