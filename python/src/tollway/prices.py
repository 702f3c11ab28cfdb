"""Prices: dated prices of the meters of a model config, and the lists that they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._engine import AsyncEngine, Namespace, Operation, SyncEngine, check_names, nothing
from ._price_arguments import path_text, price_arguments
from ._values import given, instant_text
from .price_list_results import Finding, PriceExport, PriceImport, PriceUpdate, RerateReport
from .price_results import Price
from .types import RecordFilter

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from typing_extensions import Unpack

    from .types import Instant, PriceFormat, PriceMap

_NAMED_BOOKS = frozenset({"as_known_now", "in_force_now"})


def _put(verb: str, model: str, prices: PriceMap) -> Operation[Sequence[Price]]:
    return Operation(verb, {"model": model, "prices": price_arguments(prices)}, _decode)


def _list(model: str | None) -> Operation[Sequence[Price]]:
    return Operation("prices.list", given(model=model), _decode)


def _expire(price: Price | int, at: Instant | None) -> Operation[None]:
    number = price.id if isinstance(price, Price) else price
    return Operation("prices.expire", given(id=number, at=None if at is None else instant_text(at, "at")), nothing)


def _lint(path: str | os.PathLike[str] | None, file_format: PriceFormat) -> Operation[Sequence[Finding]]:
    arguments = {} if path is None else {"path": path_text(path, "path"), "format": file_format}
    return Operation("prices.lint", arguments, lambda value: [Finding(**finding) for finding in value])


def _import_file(
    path: str | os.PathLike[str], file_format: PriceFormat, source: str | None, options: Mapping[str, bool]
) -> Operation[PriceImport]:
    arguments = {"path": path_text(path, "path"), "format": file_format, **options, **given(source=source)}
    return Operation("prices.import_file", arguments, PriceImport._decode)


def _export(path: str | os.PathLike[str]) -> Operation[PriceExport]:
    return Operation("prices.export", {"path": path_text(path, "path")}, lambda value: PriceExport(**value))


def _update_from_catalog(options: Mapping[str, bool]) -> Operation[PriceUpdate]:
    return Operation("prices.update_from_catalog", options, PriceUpdate._decode)


def _rerate(
    since: Instant,
    until: Instant | None,
    book: str | os.PathLike[str],
    file_format: PriceFormat,
    selection: RecordFilter,
    options: Mapping[str, bool],
) -> Operation[RerateReport]:
    fields: dict[str, Any] = given(**selection)
    check_names(fields, RecordFilter.__optional_keys__, "prices.rerate()")
    named = isinstance(book, str) and book in _NAMED_BOOKS
    arguments = {
        "since": instant_text(since, "since"),
        **given(until=None if until is None else instant_text(until, "until")),
        "filter": fields,
        "book": book if named else {"file": {"path": path_text(book, "book"), "format": file_format}},
        **options,
    }
    return Operation("prices.rerate", arguments, RerateReport._decode)


def _decode(value: Any) -> Sequence[Price]:
    return [Price._decode(price) for price in value]


class Prices(Namespace):
    """Sets prices. Everywhere, `model` is an alias, `provider/model`, or a config id as text."""

    def __init__(self, engine: SyncEngine) -> None:
        self._engine = engine

    def set(self, model: str, prices: PriceMap) -> Sequence[Price]:
        """Sets the prices of some meters, so that what is given is all that there is of each from then on.

        `prices` maps a meter, or `modifier`, to one price or a list of them, in the shape of
        `tollway.types.PriceInput`. Past costs stay as they are; `rerate` shows what they would be.

        Raises:
            InvalidRequestError: A meter, a unit, a condition or a currency is wrong.
            TypeError: An amount is a float.
        """
        return self._engine.run(_put("prices.set", model, prices))

    def add(self, model: str, prices: PriceMap) -> Sequence[Price]:
        """Adds prices to those that there are; only one for the same thing under the same conditions ends.

        Raises:
            InvalidRequestError: A meter, a unit, a condition or a currency is wrong.
            TypeError: An amount is a float.
        """
        return self._engine.run(_put("prices.add", model, prices))

    def list(self, model: str | None = None) -> Sequence[Price]:
        """Returns the prices of a model config, or all of them, those no longer in force included."""
        return self._engine.run(_list(model))

    def expire(self, price: Price | int, at: Instant | None = None) -> None:
        """Ends a price, by its row or its id, at an instant or now.

        Raises:
            NotFoundError: There is no such price.
        """
        self._engine.run(_expire(price, at))

    def lint(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        format: PriceFormat = "tollway",  # noqa: A002 - it is what the command calls it
    ) -> Sequence[Finding]:
        """Looks for what seems wrong in a price list, or in the prices of this file.

        Raises:
            StorageError: The list cannot be read.
            InvalidRequestError: The list is not of the format.
        """
        return self._engine.run(_lint(path, format))

    def import_file(
        self,
        path: str | os.PathLike[str],
        *,
        format: PriceFormat,  # noqa: A002 - as above
        strict: bool = False,
        apply: bool = False,
        source: str | None = None,
    ) -> PriceImport:
        """Reads a price list, and returns what of it was understood and what it means for the configured models.

        Nothing changes unless `apply` is true; then new prices apply from now on. Prices that were set by hand are
        never touched. With `strict`, a key that was not understood is an error. `source` is what the prices name as
        their source, such as the list's name and version.

        Raises:
            StorageError: The list cannot be read.
            InvalidRequestError: The list is not of the format, or with `strict` a key was not understood.
        """
        return self._engine.run(_import_file(path, format, source, {"strict": strict, "apply": apply}))

    def export(self, path: str | os.PathLike[str]) -> PriceExport:
        """Writes the prices of this file that are in force, and those that begin later, as a price list.

        Raises:
            StorageError: The list cannot be written.
            InvalidRequestError: Two configs of one model have different prices, of which a list holds one.
        """
        return self._engine.run(_export(path))

    def update_from_catalog(self, *, apply: bool = False) -> PriceUpdate:
        """Compares the prices of the configured models with the bundled catalog; with `apply`, takes them over.

        New prices apply from now on. Prices that were set by hand are never touched, and models that the catalog no
        longer has keep theirs; both are reported.
        """
        return self._engine.run(_update_from_catalog({"apply": apply}))

    def rerate(
        self,
        since: Instant,
        *,
        until: Instant | None = None,
        book: str | os.PathLike[str] = "as_known_now",
        format: PriceFormat = "tollway",  # noqa: A002 - as above
        apply: bool = False,
        **selection: Unpack[RecordFilter],
    ) -> RerateReport:
        """Bills past calls again at other prices, and returns what would differ.

        `book` is `"as_known_now"` (the prices in force at each call, by what is known now), `"in_force_now"` (those of
        today), or the path of a price list of a `format`. With `apply`, each difference becomes a record that adjusts
        the call's own, which never changes; budgets move by it. What was applied once makes no difference again.

        Raises:
            StorageError: The list cannot be read.
            InvalidRequestError: The list is not of the format, or a field of the selection is wrong.
        """
        return self._engine.run(_rerate(since, until, book, format, selection, {"apply": apply}))


class AsyncPrices(Namespace):
    """Sets prices; see `Prices`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def set(self, model: str, prices: PriceMap) -> Sequence[Price]:
        """Sets the prices of some meters; see `Prices.set`."""
        return await self._engine.run(_put("prices.set", model, prices))

    async def add(self, model: str, prices: PriceMap) -> Sequence[Price]:
        """Adds prices to those that there are; see `Prices.add`."""
        return await self._engine.run(_put("prices.add", model, prices))

    async def list(self, model: str | None = None) -> Sequence[Price]:
        """Returns prices; see `Prices.list`."""
        return await self._engine.run(_list(model))

    async def expire(self, price: Price | int, at: Instant | None = None) -> None:
        """Ends a price; see `Prices.expire`."""
        await self._engine.run(_expire(price, at))

    async def lint(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        format: PriceFormat = "tollway",  # noqa: A002 - as in the sync twin
    ) -> Sequence[Finding]:
        """Looks for what seems wrong in a price list, or in the prices of this file; see `Prices.lint`."""
        return await self._engine.run(_lint(path, format))

    async def import_file(
        self,
        path: str | os.PathLike[str],
        *,
        format: PriceFormat,  # noqa: A002 - as above
        strict: bool = False,
        apply: bool = False,
        source: str | None = None,
    ) -> PriceImport:
        """Reads a price list, and takes it over if `apply` is true; see `Prices.import_file`."""
        return await self._engine.run(_import_file(path, format, source, {"strict": strict, "apply": apply}))

    async def export(self, path: str | os.PathLike[str]) -> PriceExport:
        """Writes the prices of this file as a price list; see `Prices.export`."""
        return await self._engine.run(_export(path))

    async def update_from_catalog(self, *, apply: bool = False) -> PriceUpdate:
        """Compares prices with the bundled catalog; see `Prices.update_from_catalog`."""
        return await self._engine.run(_update_from_catalog({"apply": apply}))

    async def rerate(
        self,
        since: Instant,
        *,
        until: Instant | None = None,
        book: str | os.PathLike[str] = "as_known_now",
        format: PriceFormat = "tollway",  # noqa: A002 - as above
        apply: bool = False,
        **selection: Unpack[RecordFilter],
    ) -> RerateReport:
        """Bills past calls again at other prices; see `Prices.rerate`."""
        return await self._engine.run(_rerate(since, until, book, format, selection, {"apply": apply}))
