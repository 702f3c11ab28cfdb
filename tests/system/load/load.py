"""Makes calls from threads of one process, and says what became of each: one of the three loads of a shared file.

`load.py FILE GO USER CALLS TASKS`: once the file GO is there, CALLS calls are made, TASKS at a time, billed to USER. It
writes `USER ready`, then for each call `USER reply RECORD_UID COST` or `USER refused CODE`.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tollway


def main() -> None:
    """Makes the calls."""
    file, go, user, calls, tasks = sys.argv[1:]
    with tollway.open(file, master_key="env:TOLLWAY_TEST_KEY") as tw:

        def call(_: int) -> None:
            try:
                reply = tw.chat("name some rivers", user=user, max_tokens=16)
            except tollway.TollwayError as error:
                say(f"{user} refused {error.code}")
            else:
                say(f"{user} reply {reply.attempts[-1].record_uid} {reply.cost:f}")

        say(f"{user} ready")
        while not Path(go).exists():
            time.sleep(0.002)
        with ThreadPoolExecutor(int(tasks)) as threads:
            # Taking the results raises what a call raised that is no error of Tollway's.
            list(threads.map(call, range(int(calls))))


def say(line: str) -> None:
    """Writes a line in one piece, so that no other comes into it."""
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    main()
