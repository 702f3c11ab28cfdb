"""What the engine logs, handed to Python's `logging`.

A thread of Python's own waits for records and hands them over, so that no handler holds up a call, however slow it is,
and no thread of the engine touches the interpreter. Each process has one; a forked child starts its own with its first
use of a handle.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import threading
from typing import Any

from . import _native
from ._values import instant

_LEVELS = {"error": logging.ERROR, "warn": logging.WARNING, "info": logging.INFO, "debug": logging.DEBUG}
_CALL, _MODELS, _LEDGER = (logging.getLogger(f"tollway.{noun}") for noun in ("call", "models", "ledger"))
_BATCH = 64
_JOIN_TIMEOUT = 1.0

logs = _native.Logs("warn")


class _Listener:
    """The thread of one process that hands records over."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.is_verbose = False
        self._queue = _native.CompletionQueue()
        self._thread = threading.Thread(target=self._run, name="tollway-logging", daemon=True)
        # Where no thread can be started any more, what is logged is handed over at the exit.
        with contextlib.suppress(RuntimeError):
            self._thread.start()

    def rate(self) -> None:
        """Asks the engine for what is enabled, so that nothing else is made."""
        is_verbose = (
            _CALL.isEnabledFor(logging.INFO) or _MODELS.isEnabledFor(logging.INFO) or _LEDGER.isEnabledFor(logging.INFO)
        )
        if is_verbose != self.is_verbose:
            self.is_verbose = is_verbose
            logs.set_level("debug" if is_verbose else "warn")

    def stop(self) -> None:
        """Waits until what is left has been handed over, but not for a handler that hangs."""
        if self._thread.is_alive():
            self._thread.join(_JOIN_TIMEOUT)
        else:
            _hand_all_over()

    def _run(self) -> None:
        has_ended = False
        while not has_ended:
            logs.notify(self._queue, 0)
            self._wait()
            self._queue.drain()
            has_ended = _hand_all_over()

    def _wait(self) -> None:
        descriptor = self._queue.fileno()
        if descriptor is None:
            self._queue.wait()
        elif hasattr(select, "poll"):
            # Python waits here, and no code of the engine: the interpreter may end meanwhile.
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            poll.poll()
        else:
            select.select([descriptor], [], [])


_listener: _Listener | None = None
_starting = threading.Lock()


def listen() -> None:
    """Sees to it that what this process logs is handed over, from the level on that is enabled now."""
    global _listener  # noqa: PLW0603 - a process has one
    if _listener is None:
        with _starting:
            if _listener is None:
                _listener = _Listener()
    _listener.rate()


def close() -> None:
    """Hands over what is left, and ends the thread."""
    if _listener is not None and _listener.process == os.getpid():
        logs.close()
        _listener.stop()


def _hand_all_over() -> bool:
    """Hands over what is ready; returns whether nothing follows."""
    while True:
        records, has_ended = logs.take(_BATCH)
        if records is None:
            return has_ended
        for record in json.loads(records):
            _hand_over(**record)


def _hand_over(time: str, level: str, target: str, message: str, fields: dict[str, Any]) -> None:
    logger = logging.getLogger(target)
    if not logger.isEnabledFor(_LEVELS[level]):
        return
    record = logger.makeRecord(target, _LEVELS[level], "(tollway)", 0, message, (), None, extra=fields)
    late = record.created - instant(time).timestamp()
    record.created -= late
    record.relativeCreated -= late * 1_000
    record.msecs = record.created % 1 * 1_000
    try:
        logger.handle(record)
    except (Exception, SystemExit):
        # As `logging` itself does with what a handler raises: told on standard error, and no reason to stop.
        logging.Handler().handleError(record)


def _forget() -> None:
    """Forgets, in a forked child, what its parent's thread and locks were."""
    global _listener, _starting
    _listener, _starting = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
