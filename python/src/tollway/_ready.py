"""What the ready clients of all vendors' libraries share."""

from __future__ import annotations

from typing import Any

# Vendors' libraries demand a key, and the engine drops it: the keys are in the file.
_NO_KEY = "kept-by-tollway"


def library_arguments(function: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments of a vendor's client, with those filled in that the engine makes needless.

    Raises:
        TypeError: They hold an HTTP client, which would bypass the engine.
    """
    if "http_client" in arguments:
        detail = (
            f"{function}() brings its own http_client; give one made by tollway.httpx_client(...) to the class itself"
        )
        raise TypeError(detail)
    return {"api_key": _NO_KEY, "max_retries": 0, **arguments}
