"""HTTP clients whose requests the engine answers, for libraries that take a client of `httpx` or of `httpx2`."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any, Literal

from . import _fetch
from ._engine import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from . import _native
    from .async_client import AsyncTollway
    from .client import Tollway
    from .types import AbandonPolicy, UnpricedPolicy

_LIBRARIES = ("httpx2", "httpx")
# What says how connections are made, of which there are none.
_OF_CONNECTIONS = frozenset({"cert", "http1", "http2", "limits", "mounts", "proxy", "transport", "verify"})


def httpx_client(
    tollway: Tollway | AsyncTollway,
    *,
    model: str | None = None,
    user: str | None = None,
    tags: Mapping[str, str] | None = None,
    timeout: float | None = None,
    max_retries: int | None = None,
    fallbacks: Sequence[str] | None = None,
    on_abandon: AbandonPolicy | None = None,
    on_unpriced: UnpricedPolicy | None = None,
    library: Literal["httpx", "httpx2"] | None = None,
    **client_arguments: Any,
) -> Any:
    """Returns an `httpx` client whose requests this file's engine routes, answers and bills, without a socket.

    Give it to a vendor's library: `openai.OpenAI(http_client=tollway.httpx_client(tw, user="alice"), api_key="-")`.
    Chats of OpenAI and Anthropic may be answered by any configured model; other requests go to the model's provider as
    they are, and are recorded as unpriced. Keys that the library sends are dropped. Errors are HTTP answers, which the
    library raises as its own: a passed budget is status 402. What is chosen here is final; a request
    chooses what is left open by the headers `x-tollway-user`, `x-tollway-tags` (a JSON object, whose names that are
    chosen here stay), `x-tollway-timeout` (seconds) and `idempotency-key`.

    The client is of `httpx2` and `httpx` at once where both are installed, so that it fits every library; where one
    is, it is a plain client of that one. Hence its type is not known before it is made. Leaving an answer before its
    end gives the call up; closing the client leaves the file open.

    Args:
        tollway: The open file. An `AsyncTollway` serves as well, to be waited for in threads.
        model: What answers all requests, whatever model they name: a config, an alias, or `provider/model`.
        user: Whom the calls are for.
        tags: What the calls are for.
        timeout: The seconds that all attempts of a call together may take; the file's where left out. How long to
            wait for the engine is another matter, which the vendor's library decides; the client itself waits on.
        max_retries: How often a failed attempt is repeated, beyond the first of each candidate.
        fallbacks: The models to try after the first.
        on_abandon: What a call that is given up is billed.
        on_unpriced: What to do with a call that has no price.
        library: Which of the two libraries a plain client is to be of. Only for what warns of, or refuses, one that
            is of both.
        **client_arguments: What `httpx.Client` takes beside, such as `headers` and `event_hooks`; nothing about
            connections.

    Raises:
        ImportError: Neither library is installed, or not the one that is asked for.
        InvalidRequestError: An argument is wrong, such as an `on_abandon` that is none.
        TypeError: It is no open file, or an argument is of a type that is not taken.
    """
    chosen = _fetch.choices(
        model,
        user=user,
        tags=tags,
        timeout=timeout,
        max_retries=max_retries,
        fallbacks=fallbacks,
        on_abandon=on_abandon,
        on_unpriced=on_unpriced,
    )
    return _client(_fetch.native_of(tollway), chosen, library, client_arguments, awaits=False)


def async_httpx_client(
    tollway: AsyncTollway | Tollway,
    *,
    model: str | None = None,
    user: str | None = None,
    tags: Mapping[str, str] | None = None,
    timeout: float | None = None,
    max_retries: int | None = None,
    fallbacks: Sequence[str] | None = None,
    on_abandon: AbandonPolicy | None = None,
    on_unpriced: UnpricedPolicy | None = None,
    library: Literal["httpx", "httpx2"] | None = None,
    **client_arguments: Any,
) -> Any:
    """Returns the async twin of `httpx_client`, with the same arguments, for a running event loop of asyncio.

    Cancelling a task gives its call up. A `Tollway` serves as well as an `AsyncTollway`, for libraries that take a
    client of each kind.

    Raises:
        ImportError: Neither library is installed, or not the one that is asked for.
        InvalidRequestError: An argument is wrong, such as an `on_abandon` that is none.
        TypeError: It is no open file, or an argument is of a type that is not taken.
    """
    chosen = _fetch.choices(
        model,
        user=user,
        tags=tags,
        timeout=timeout,
        max_retries=max_retries,
        fallbacks=fallbacks,
        on_abandon=on_abandon,
        on_unpriced=on_unpriced,
    )
    return _client(_fetch.native_of(tollway), chosen, library, client_arguments, awaits=True)


def _client(
    native: _native.Engine, chosen: _fetch.Choices, library: str | None, arguments: dict[str, Any], *, awaits: bool
) -> Any:
    refused = sorted(_OF_CONNECTIONS & arguments.keys())
    if refused:
        detail = f"{refused[0]!r} says how connections are made, and this client makes none; leave it out"
        raise TypeError(detail)
    libraries = [importlib.import_module(name) for name in _installed(library)]
    _check_names(arguments, libraries[0].AsyncClient if awaits else libraries[0].Client, awaits=awaits)
    # A library loads this with its first client otherwise, while other threads may fork.
    transports_module = importlib.import_module("._httpx_transport", __package__)
    made = [transports_module.transports(each, native, chosen) for each in libraries]
    transports = [each.awaiting if awaits else each.waiting for each in made]
    # The engine bounds every call by the time of the file or of the client. A vendor's library sets its own on top.
    arguments = {"timeout": None, **arguments}
    if len(libraries) > 1:
        both = importlib.import_module("._httpx_both", __package__)
        return (both.AsyncBothClient if awaits else both.BothClient)(*transports, arguments)
    kind = libraries[0].AsyncClient if awaits else libraries[0].Client
    return kind(transport=transports[0], **arguments)


def _check_names(arguments: Mapping[str, Any], kind: Any, *, awaits: bool) -> None:
    """Refuses what neither this function nor the client of the library takes, and names what may have been meant."""
    inspect = importlib.import_module("inspect")
    own = inspect.signature(httpx_client).parameters
    known = {*own, *inspect.signature(kind).parameters} - {"tollway", "client_arguments"} - _OF_CONNECTIONS
    unknown = sorted(arguments.keys() - known)
    if unknown:
        function = "async_httpx_client()" if awaits else "httpx_client()"
        detail = (
            f"{function} got an unexpected keyword argument {unknown[0]!r}{did_you_mean(unknown[0], known)}; "
            f"known are {', '.join(sorted(known))}"
        )
        raise TypeError(detail)


def _installed(library: str | None) -> list[str]:
    """Returns the names of the libraries to make a client of."""
    if library is not None and library not in _LIBRARIES:
        detail = f"library must be 'httpx' or 'httpx2', not {library!r}"
        raise TypeError(detail)
    asked = _LIBRARIES if library is None else (library,)
    found = [name for name in asked if importlib.util.find_spec(name) is not None]
    # A program may have made one of them an alias of the other.
    modules = {id(importlib.import_module(name)): name for name in reversed(found)}
    found = [name for name in found if name in modules.values()]
    if not found:
        name = library or "httpx"
        detail = f"an HTTP client needs the package {name}, which is not installed: pip install {name}"
        raise ImportError(detail, name=name)
    return found
