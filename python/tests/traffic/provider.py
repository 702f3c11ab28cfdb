"""A provider on loopback with exact control of the bytes."""

from __future__ import annotations

import socket
import struct
import threading
import time
from dataclasses import dataclass
from typing import Literal

Framing = Literal["length", "longer", "chunked", "unended", "until_closed"]
End = Literal["keep", "close", "reset", "silence"]

# A silence ends when the client goes, or after this many seconds.
LONGEST_SILENCE = 10
# The time that a client has to read what came before a reset, which throws the rest away.
BEFORE_A_RESET = 0.05


@dataclass(frozen=True)
class Reply:
    """What the provider does with one request."""

    # The pieces of the body, as they are written.
    pieces: tuple[bytes, ...]
    content_type: str | None = "application/json"
    # How the body is compressed, as the head says.
    encoding: str | None = None
    status: int = 200
    framing: Framing = "length"
    end: End = "keep"
    # The seconds before each piece but the first.
    pause: float = 0.0
    # How many bytes of the body the head promises beyond those that come.
    missing: int = 40

    def head(self) -> bytes:
        """Returns the head of the answer."""
        lines = [f"HTTP/1.1 {self.status} X"]
        if self.content_type:
            lines.append(f"content-type: {self.content_type}")
        if self.encoding:
            lines.append(f"content-encoding: {self.encoding}")
        length = sum(map(len, self.pieces))
        if self.framing in {"length", "longer"}:
            lines.append(f"content-length: {length + (self.missing if self.framing == 'longer' else 0)}")
        elif self.framing == "until_closed":
            lines.append("connection: close")
        else:
            lines.append("transfer-encoding: chunked")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def framed(self, piece: bytes) -> bytes:
        """Returns a piece as it stands on the wire."""
        return b"%x\r\n%s\r\n" % (len(piece), piece) if self.framing in {"chunked", "unended"} else piece


class Provider:
    """Plays replies in their order, and the last one again and again."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._replies: list[Reply] = []
        # The bodies of the requests that came since the last `play`.
        self.requests: list[bytes] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def play(self, *replies: Reply) -> None:
        """Sets what is played from now on."""
        self._replies = list(replies)
        self.requests = []

    def close(self) -> None:
        """Closes the port."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection:
            try:
                while (body := _read_request(connection)) is not None:
                    self.requests.append(body)
                    reply = self._replies[min(len(self.requests), len(self._replies)) - 1]
                    if not _write(connection, reply):
                        return
            except OSError:
                return


def _read_request(connection: socket.socket) -> bytes | None:
    """Reads a request whole; nothing at the end of the connection."""
    read = b""
    while b"\r\n\r\n" not in read:
        more = connection.recv(65536)
        if not more:
            return None
        read += more
    head, body = read.split(b"\r\n\r\n", 1)
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < int(lengths[0] if lengths else 0):
        body += connection.recv(65536)
    return body


def _write(connection: socket.socket, reply: Reply) -> bool:
    """Writes a reply; returns whether the connection lives on."""
    connection.sendall(reply.head())
    for place, piece in enumerate(reply.pieces):
        if place and reply.pause:
            time.sleep(reply.pause)
        connection.sendall(reply.framed(piece))
    if reply.framing == "chunked":
        connection.sendall(b"0\r\n\r\n")
    if reply.end == "keep" and reply.framing in {"length", "chunked"}:
        return True
    if reply.end == "silence":
        connection.settimeout(LONGEST_SILENCE)
        connection.recv(1)
    if reply.end == "reset":
        time.sleep(BEFORE_A_RESET)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False
