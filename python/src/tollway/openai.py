"""Clients of OpenAI's library whose requests the engine routes, answers and bills.

Import `OpenAI` from here, and write `OpenAI(tw, user="alice")` in place of `openai.OpenAI()`. What is made is of
the library's own class. It needs no API key, because the keys are in the file, and no retries, because the engine
retries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    import openai as _library
except ImportError as _error:
    _DETAIL = "tollway.openai needs the package openai, which is not installed: pip install openai"
    raise ImportError(_DETAIL, name="openai") from _error

from ._httpx import async_httpx_client, httpx_client
from ._ready import library_arguments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .async_client import AsyncTollway
    from .client import Tollway
    from .types import AbandonPolicy, UnpricedPolicy

__all__ = ["AsyncOpenAI", "OpenAI"]


def OpenAI(  # noqa: N802 - it stands where the class stood
    tollway: Tollway | AsyncTollway,
    *,
    model: str | None = None,
    user: str | None = None,
    tags: Mapping[str, str] | None = None,
    fallbacks: Sequence[str] | None = None,
    on_abandon: AbandonPolicy | None = None,
    on_unpriced: UnpricedPolicy | None = None,
    **openai_arguments: Any,
) -> _library.OpenAI:
    """Makes an `openai.OpenAI` over an open file; see `tollway.httpx_client` for what the arguments choose.

    All further arguments are those of `openai.OpenAI`, `timeout` and `max_retries` too.
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
    return _library.OpenAI(http_client=client, **library_arguments("OpenAI", openai_arguments))


def AsyncOpenAI(  # noqa: N802 - it stands where the class stood
    tollway: AsyncTollway | Tollway,
    *,
    model: str | None = None,
    user: str | None = None,
    tags: Mapping[str, str] | None = None,
    fallbacks: Sequence[str] | None = None,
    on_abandon: AbandonPolicy | None = None,
    on_unpriced: UnpricedPolicy | None = None,
    **openai_arguments: Any,
) -> _library.AsyncOpenAI:
    """Makes an `openai.AsyncOpenAI` over an open file; see `OpenAI`."""
    client = async_httpx_client(
        tollway,
        model=model,
        user=user,
        tags=tags,
        fallbacks=fallbacks,
        on_abandon=on_abandon,
        on_unpriced=on_unpriced,
    )
    return _library.AsyncOpenAI(http_client=client, **library_arguments("AsyncOpenAI", openai_arguments))
