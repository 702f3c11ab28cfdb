"""Whether the vendors' libraries are there, without which the tests beside this one are left out."""

from __future__ import annotations

from conftest import missing
from sdk.conftest import ABSENT


def test_the_libraries_are_installed() -> None:
    if ABSENT:
        missing(f"what requirements-sdks.txt installs from Python 3.11 on ({', '.join(ABSENT)})")
