"""A line to a server that is cut at a word, before it arrives or before the answer does."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def cutting(port: int, word: bytes, *, arrives: bool) -> Iterator[int]:
    """Give a port that leads to another; the second message with ``word`` in it cuts the line, once."""
    seen = [0]
    with socket.create_server(("127.0.0.1", 0)) as door:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    near, _ = door.accept()
                    far = socket.create_connection(("127.0.0.1", port))
                    threading.Thread(target=_there, args=(near, far, word, arrives, seen), daemon=True).start()
                    threading.Thread(target=_back, args=(near, far), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield door.getsockname()[1]
        door.shutdown(socket.SHUT_RDWR)


def _there(near: socket.socket, far: socket.socket, word: bytes, arrives: bool, seen: list[int]) -> None:
    with suppress(OSError):
        while data := near.recv(65536):
            seen[0] += word in data
            if word in data and seen[0] == 2:
                near.shutdown(socket.SHUT_RDWR)  # from now on, no answer comes back
                if arrives:
                    far.sendall(data)
                    far.settimeout(30)
                break
            far.sendall(data)
    with suppress(OSError):
        far.shutdown(socket.SHUT_WR)


def _back(near: socket.socket, far: socket.socket) -> None:
    with suppress(OSError):
        while data := far.recv(65536):
            near.sendall(data)
    for end in (near, far):
        end.close()
