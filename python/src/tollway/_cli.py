"""The `tollway` command, as the package installs it."""

from __future__ import annotations

import signal
import sys

from . import _native


def main() -> int:
    """Runs the command with the arguments of the process, and returns its exit code."""
    # The command runs outside the interpreter, which would only notice Ctrl-C after its end. It holds nothing that an
    # abrupt end could harm. What started it may have it ignored, as a shell does in the background.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.cli(["tollway", *sys.argv[1:]])
