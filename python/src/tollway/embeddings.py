"""Embeddings and reranking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._engine import Operation, check_mapping, check_names
from .results import EmbedReply, RerankReply
from .types import EmbedParameters, RerankParameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OPTIONS = frozenset(
    {"user", "tags", "idempotency_key", "timeout", "max_retries", "fallbacks", "on_abandon", "on_unpriced"}
)
_HINT = "; pass fields that only some providers know in extra={...}"


def _arguments(
    own: dict[str, Any], parameters: Mapping[str, Any], known: frozenset[str], function: str
) -> dict[str, Any]:
    given: dict[str, Any] = {name: value for name, value in parameters.items() if value is not None}
    check_names(given, known, function, _HINT)
    options = {name: given.pop(name) for name in _OPTIONS & given.keys()}
    extra = check_mapping(given.pop("extra", {}), "extra", "{'truncate': 'END'}")
    doubled = sorted(extra.keys() & (known | own.keys()))
    if doubled:
        detail = f"extra holds {doubled[0]!r}, which {function} takes as an argument of its own; pass it there"
        raise TypeError(detail)
    return {"request": {**own, **given, **extra}, "options": options}


def embed(texts: str | Sequence[str], parameters: EmbedParameters) -> Operation[EmbedReply]:
    """Returns the operation that makes a vector of each text."""
    texts = texts if isinstance(texts, str) else list(texts)
    arguments = _arguments({"input": texts}, parameters, EmbedParameters.__optional_keys__, "embed()")
    return Operation("embed", arguments, EmbedReply._decode)


def rerank(query: str, documents: Sequence[str], parameters: RerankParameters) -> Operation[RerankReply]:
    """Returns the operation that orders documents."""
    if isinstance(documents, str):
        detail = "documents must be a list of strings, not one string"
        raise TypeError(detail)
    own = {"query": query, "documents": list(documents)}
    arguments = _arguments(own, parameters, RerankParameters.__optional_keys__, "rerank()")
    return Operation("rerank", arguments, RerankReply._decode)
