"""The transports that hand the requests of an HTTP library to the engine. No socket is opened.

`httpx` and `httpx2` have the same interface and classes of their own, so that one function makes the classes of either.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from ._fetch import Answer, AsyncAnswer, Choices
from .errors import TollwayError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from . import _native

# The engine drops the values of these, which therefore stand in no variable. Of some it looks whether they are there.
_DROPPED = frozenset({"api-key", "authorization", "cookie", "proxy-authorization", "x-api-key", "x-goog-api-key"})
_EXTENSIONS = {"http_version": b"HTTP/1.1"}


class Transports(NamedTuple):
    """The two transports of a library for one file and the choices of one client."""

    waiting: Any
    awaiting: Any


def _read_timeout(request: Any) -> float | None:
    seconds: float | None = request.extensions.get("timeout", {}).get("read")
    return seconds


def _arguments(request: Any) -> tuple[str, str, list[tuple[str, str]]]:
    headers = request.headers.multi_items()
    return request.method, str(request.url), [(name, "" if name in _DROPPED else value) for name, value in headers]


def transports(library: Any, native: _native.Engine, chosen: Choices) -> Transports:
    """Makes the transports of a library, which is the module `httpx` or `httpx2`."""

    @contextmanager
    def translated(request: Any, error_type: Any) -> Iterator[None]:
        """Raises the library's own errors, which vendors' libraries know."""
        try:
            yield
        except TimeoutError as error:
            if isinstance(error, TollwayError):
                raise error_type(str(error), request=request) from error
            detail = f"the engine had nothing more for {_read_timeout(request)} s, and the call was given up"
            raise library.ReadTimeout(detail, request=request) from error
        except TollwayError as error:
            raise error_type(str(error), request=request) from error

    class Body(library.SyncByteStream):  # type: ignore[misc]
        """The body of an answer, as it arrives. Closing it before its end gives the call up."""

        def __init__(self, answer: Answer, request: Any) -> None:
            self._answer = answer
            self._request = request

        def __iter__(self) -> Iterator[bytes]:
            with translated(self._request, library.ReadError):
                yield from self._answer.pieces(_read_timeout(self._request))

        def close(self) -> None:
            self._answer.give_up()

    class AsyncBody(library.AsyncByteStream):  # type: ignore[misc]
        """The body of an answer, as it arrives. Closing it before its end gives the call up."""

        def __init__(self, answer: AsyncAnswer, request: Any) -> None:
            self._answer = answer
            self._request = request

        async def __aiter__(self) -> AsyncIterator[bytes]:
            with translated(self._request, library.ReadError):
                async for piece in self._answer.pieces(_read_timeout(self._request)):
                    yield piece

        async def aclose(self) -> None:
            self._answer.give_up()

    class Transport(library.BaseTransport):  # type: ignore[misc]
        """Hands requests to the engine, and waits for its answers."""

        def handle_request(self, request: Any) -> Any:
            with translated(request, library.ConnectError):
                answer = Answer(native, chosen, *_arguments(request), request.read())
                answer.wait_for_head(_read_timeout(request))
            return library.Response(
                answer.status, headers=answer.headers, stream=Body(answer, request), extensions=dict(_EXTENSIONS)
            )

    class AsyncTransport(library.AsyncBaseTransport):  # type: ignore[misc]
        """Hands requests to the engine, and awaits its answers."""

        async def handle_async_request(self, request: Any) -> Any:
            body = await request.aread()
            with translated(request, library.ConnectError):
                answer = AsyncAnswer(native, chosen, *_arguments(request), body)
                await answer.wait_for_head(_read_timeout(request))
            return library.Response(
                answer.status, headers=answer.headers, stream=AsyncBody(answer, request), extensions=dict(_EXTENSIONS)
            )

    return Transports(Transport(), AsyncTransport())
