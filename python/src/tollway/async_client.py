"""The async client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _handle
from ._engine import AsyncEngine
from ._secret import Secret, hide

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from .quote_results import Quote
    from .results import EmbedReply, RerankReply
    from .types import ChatParameters, EmbedParameters, Messages, RerankParameters, SettingsParameters
    from .verification_results import Verification

_CLOSE_TIMEOUT = 5.0


class AsyncTollway:
    """An open file, as `Tollway` is, with the same methods, awaited. Several event loops may share it."""

    def __init__(self, engine: AsyncEngine) -> None:
        if not isinstance(engine, AsyncEngine):
            detail = "an AsyncTollway is made by await AsyncTollway.open(path, master_key=...)"
            raise TypeError(detail)
        # As in the sync twin, these come with the first handle, and no later.
        from .budgets import AsyncBudgets
        from .chat import AsyncChat
        from .fx import AsyncFxRates
        from .models import AsyncModels
        from .prices import AsyncPrices
        from .routes import AsyncRoutes
        from .usage import AsyncUsageLedger

        self._engine = engine
        self.chat = AsyncChat(engine)
        self.models = AsyncModels(engine)
        self.prices = AsyncPrices(engine)
        self.routes = AsyncRoutes(engine)
        self.fx = AsyncFxRates(engine)
        self.budgets = AsyncBudgets(engine)
        self.usage = AsyncUsageLedger(engine)

    @classmethod
    async def open(
        cls,
        path: str | os.PathLike[str],
        *,
        master_key: str | Callable[[], str],
        **settings: Unpack[SettingsParameters],
    ) -> Self:
        """Opens a file, and makes it at first use; see `tollway.open`. Cancelling leaves the file closed."""
        key = Secret(master_key)
        del master_key
        engine = AsyncEngine(_handle.create(path, key, hide(settings, _handle.PLAIN_SETTINGS)))
        await engine.run(_handle.OPEN)
        return cls(engine)

    async def embed(self, input: str | Sequence[str], **parameters: Unpack[EmbedParameters]) -> EmbedReply:  # noqa: A002
        """Makes a vector of each text, and returns them once their cost is in the ledger.

        More texts than the provider takes at once go in several requests, under one bill. The parameters are those of
        `tollway.types.EmbedParameters`. `reply.embeddings` is an array of NumPy with a row for each text where NumPy is
        there, else a tuple of arrays. Cancelling the task gives the call up, which is then billed.

        Raises:
            BudgetExceededError: A budget that applies would be passed.
            TollwayError: The call failed; its kind says what to do.
        """
        from .embeddings import embed

        return await self._engine.run(embed(input, parameters))

    async def rerank(self, query: str, documents: Sequence[str], **parameters: Unpack[RerankParameters]) -> RerankReply:
        """Orders documents by how much they say to a query, and returns them once their cost is in the ledger.

        The parameters are those of `tollway.types.RerankParameters`. `reply.results` has the best document first.
        Cancelling the task gives the call up, which is then billed.

        Raises:
            BudgetExceededError: A budget that applies would be passed.
            TollwayError: The call failed; its kind says what to do.
        """
        from .embeddings import rerank

        return await self._engine.run(rerank(query, documents, parameters))

    async def quote(self, messages: Messages, **parameters: Unpack[ChatParameters]) -> Quote:
        """Says what a chat call would cost, without making it; see `Tollway.quote`."""
        from .chat import quote

        return await self._engine.run(quote(messages, parameters))

    async def head(self) -> str:
        """Returns the head of the ledger as a text, to be kept outside the file; see `Tollway.head`."""
        return await self._engine.run(_handle.head())

    async def verify(self, head: str | None = None) -> Verification:
        """Reads the whole file and returns what is not as it was written; see `Tollway.verify`."""
        return await self._engine.run(_handle.verify(head))

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
