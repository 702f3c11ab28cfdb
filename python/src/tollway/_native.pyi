"""The native module: verbs, arguments and results are JSON text."""

import os
from typing import final

__all__ = [
    "Call",
    "CompletionQueue",
    "Engine",
    "Fetch",
    "Logs",
    "Stream",
    "call",
    "check_fetch",
    "cli",
    "error_codes",
    "shutdown",
    "start",
]

@final
class Engine:
    """A handle of one file."""

    @staticmethod
    def create(path: str | os.PathLike[str], options: str, logs: Logs) -> tuple[Engine | None, str | None]:
        """Makes a handle of a path, whose work logs to a queue; opens nothing. Returns it, or an error as JSON text."""

    def path(self) -> str:
        """Returns the path of the file, for people."""

    def call(self, verb: str, arguments: str) -> tuple[str | None, str | None]:
        """Runs a verb and waits for its end; returns a result or an error. Ctrl-C gives the call up."""

    def start(self, verb: str, arguments: str, queue: CompletionQueue, ticket: int) -> Call:
        """Starts a verb, whose end is put on a queue under a ticket."""

    def stream(self, arguments: str) -> Stream:
        """Starts a streamed chat."""

    def fetch(self, head: str, body: bytes) -> Fetch:
        """Answers a request of a vendor's own library, whose head is JSON."""

@final
class Call:
    """A call under way. When it is collected, the call is given up."""

    def cancel(self) -> None:
        """Gives the call up; nothing happens if it has ended."""

@final
class Stream:
    """A streamed chat with one reader. When it is collected, the call is given up."""

    def take(self, maximum: int) -> tuple[str | None, str | None, bool]:
        """Takes what is ready, without waiting: events, an error, and whether the stream is over."""

    def wait(self) -> None:
        """Waits until there is something to take. Ctrl-C ends the wait and gives the call up."""

    def notify(self, queue: CompletionQueue, ticket: int) -> None:
        """Puts a ticket on a queue once there is something to take."""

    def close(self) -> None:
        """Gives the call up and ends the stream."""

@final
class Fetch:
    """An answer with one reader. When it is collected, the call is given up."""

    def take(self) -> tuple[str | None, bytes | None, str | None, bool]:
        """Takes what is ready, without waiting: the head alone, more of the body, an error; and whether it is over."""

    def wait(self, timeout: float | None) -> bool:
        """Waits until there is something to take; returns false if the seconds ran out before.

        Ctrl-C ends the wait and gives the call up.
        """

    def notify(self, queue: CompletionQueue, ticket: int) -> None:
        """Puts a ticket on a queue once there is something to take."""

    def close(self) -> None:
        """Gives the call up and ends the answer."""

@final
class Logs:
    """The records of the handles that were made with it, with one reader."""

    def __new__(cls, level: str) -> Logs: ...
    def set_level(self, level: str) -> None:
        """Changes from which level on records are wanted: `error`, `warn`, `info` or `debug`."""

    def take(self, maximum: int) -> tuple[str | None, bool]:
        """Takes what is ready, without waiting: a JSON array of records, and whether nothing follows."""

    def notify(self, queue: CompletionQueue, ticket: int) -> None:
        """Puts a ticket on a queue once there is something to take."""

    def close(self) -> None:
        """Ends the reading, after what is ready."""

@final
class CompletionQueue:
    """The finished calls of one event loop."""

    def __new__(cls) -> CompletionQueue: ...
    def fileno(self) -> int | None:
        """Returns the descriptor that becomes readable when calls have finished; nothing where there is none."""

    def drain(self) -> list[tuple[int, str | None, str | None]]:
        """Takes all finished calls, each as its ticket, its result and its error."""

    def wait(self) -> bool:
        """Waits until calls have finished; returns false once the queue is closed."""

    def close(self) -> None:
        """Ends the wait of the thread that stands in for the loop."""

def cli(arguments: list[str]) -> int:
    """Runs the `tollway` command with arguments whose first is its name, and returns its exit code.

    It reads and writes the standard streams of the process. Ctrl-C waits for its end.
    """

def call(verb: str, arguments: str) -> tuple[str | None, str | None]:
    """Runs a verb about files that nobody has open, and waits for its end; returns a result or an error."""

def start(verb: str, arguments: str, queue: CompletionQueue, ticket: int) -> Call:
    """Starts a verb about files that nobody has open, whose end is put on a queue under a ticket."""

def check_fetch(chosen: str) -> str | None:
    """Returns what is wrong with the choices for every request of a vendor's library, as JSON text."""

def error_codes() -> list[str]:
    """Returns the codes of all kinds of errors."""

def shutdown(timeout: float) -> None:
    """Gives up what is under way, waits for its settlement, at most for the seconds given, and stops the runtime."""
