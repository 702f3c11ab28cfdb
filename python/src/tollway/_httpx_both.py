"""Clients that are of `httpx2` and of `httpx` at once, for programs where both are installed.

Some vendors' libraries take clients of `httpx2` alone and refuse every class that inherits from one of `httpx`; others
demand an instance of `httpx.Client`. Nothing tells which of them will get the client. So these inherit from `httpx2`,
and name the class of `httpx` as their `__class__`, which is what `isinstance` asks where inheritance does not answer.

The name is no lie: whoever builds a request with types of `httpx` gets one of `httpx`, which is sent by a client of
`httpx`, so that answers and errors are of `httpx` too. That second client has no settings of its own: it takes those of
the first before each request.
"""

from __future__ import annotations

from typing import Any

import httpx
import httpx2

# What tells the library of whoever builds a request. Their `__module__` does not, which vendors' libraries change.
_HTTPX_TYPES = (httpx.URL, httpx.Timeout, httpx.Headers, httpx.QueryParams, httpx.Cookies, httpx.Auth)


def converted(value: Any, library: Any) -> Any:  # noqa: PLR0911 - one way out for each type
    """Returns a value in the types of a library if it is of the other one, and as it is otherwise."""
    other: Any = httpx if library is httpx2 else httpx2
    if value is other.USE_CLIENT_DEFAULT:
        return library.USE_CLIENT_DEFAULT
    if isinstance(value, other.Timeout):
        return library.Timeout(**value.as_dict())
    if isinstance(value, other.URL):
        return library.URL(str(value))
    if isinstance(value, (other.Headers, other.QueryParams)):
        return value.multi_items()
    if isinstance(value, other.Cookies):
        return library.Cookies(value.jar)
    if isinstance(value, other.Auth):
        return _converted_auth(value, library)
    return value


def _all_converted(arguments: dict[str, Any], library: Any) -> dict[str, Any]:
    return {name: converted(value, library) for name, value in arguments.items()}


def _converted_auth(auth: Any, library: Any) -> Any:
    class ConvertedAuth(library.Auth):  # type: ignore[misc]
        """Authenticates as another library's does, whose flow needs no more of a request than both have."""

        requires_request_body = auth.requires_request_body
        requires_response_body = auth.requires_response_body
        sync_auth_flow = staticmethod(auth.sync_auth_flow)
        async_auth_flow = staticmethod(auth.async_auth_flow)

    return ConvertedAuth()


def _build(client: Any, own: Any, second: Any, method: str, url: Any, arguments: dict[str, Any]) -> Any:
    """Builds a request of `httpx` if any argument is of `httpx`, and one of `httpx2` otherwise."""
    if any(isinstance(value, _HTTPX_TYPES) for value in (url, *arguments.values())):
        _take_settings(second, client)
        return second.build_request(method, converted(url, httpx), **_all_converted(arguments, httpx))
    return own(method, converted(url, httpx2), **_all_converted(arguments, httpx2))


def _unchangeable(arguments: dict[str, Any]) -> dict[str, Any]:
    """Returns those settings that a client has from the start."""
    return {name: arguments[name] for name in ("default_encoding", "trust_env") if name in arguments}


def _take_settings(second: Any, client: Any) -> None:
    second.base_url = str(client.base_url)
    second.headers = client.headers.multi_items()
    second.params = client.params.multi_items()
    second.cookies = client.cookies.jar
    second.auth = converted(client.auth, httpx)
    second.timeout = converted(client.timeout, httpx)
    second.event_hooks = client.event_hooks
    second.follow_redirects = client.follow_redirects
    second.max_redirects = client.max_redirects


def _check_open(client: Any) -> None:
    if client.is_closed:
        detail = "Cannot send a request, as the client has been closed."
        raise RuntimeError(detail)


class BothClient(httpx2.Client):
    """A client of both libraries that waits."""

    def __init__(self, transport: httpx2.BaseTransport, second: httpx.BaseTransport, arguments: dict[str, Any]) -> None:
        super().__init__(transport=transport, **_all_converted(arguments, httpx2))
        self._second = httpx.Client(transport=second, **_unchangeable(arguments))

    @property  # type: ignore[misc]
    def __class__(self) -> type[httpx.Client]:  # type: ignore[override]
        return httpx.Client

    def build_request(self, method: str, url: Any, **arguments: Any) -> Any:
        """Builds a request of the library whose types the arguments have."""
        return _build(self, super().build_request, self._second, method, url, arguments)

    def send(self, request: Any, **arguments: Any) -> Any:
        """Sends a request of either library, and returns an answer of the same."""
        if not isinstance(request, httpx.Request):
            return super().send(request, **_all_converted(arguments, httpx2))
        _check_open(self)
        _take_settings(self._second, self)
        return self._second.send(request, **_all_converted(arguments, httpx))


class AsyncBothClient(httpx2.AsyncClient):
    """A client of both libraries that awaits."""

    def __init__(
        self, transport: httpx2.AsyncBaseTransport, second: httpx.AsyncBaseTransport, arguments: dict[str, Any]
    ) -> None:
        super().__init__(transport=transport, **_all_converted(arguments, httpx2))
        self._second = httpx.AsyncClient(transport=second, **_unchangeable(arguments))

    @property  # type: ignore[misc]
    def __class__(self) -> type[httpx.AsyncClient]:  # type: ignore[override]
        return httpx.AsyncClient

    def build_request(self, method: str, url: Any, **arguments: Any) -> Any:
        """Builds a request of the library whose types the arguments have."""
        return _build(self, super().build_request, self._second, method, url, arguments)

    async def send(self, request: Any, **arguments: Any) -> Any:
        """Sends a request of either library, and returns an answer of the same."""
        if not isinstance(request, httpx.Request):
            return await super().send(request, **_all_converted(arguments, httpx2))
        _check_open(self)
        _take_settings(self._second, self)
        return await self._second.send(request, **_all_converted(arguments, httpx))
