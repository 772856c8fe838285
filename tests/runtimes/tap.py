"""Stands between an asker and a worker: `tap.py RECORD DIE -- COMMAND...` keeps every byte that the worker sends.

If the file DIE is there, it holds a number: worker and tap are killed when so many bytes have passed, once.
"""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

_CHUNK = 1 << 16


def _forward(child: "subprocess.Popen[bytes]") -> None:
    while chunk := os.read(0, _CHUNK):
        try:
            child.stdin.write(chunk)
            child.stdin.flush()
        except OSError:
            return
    child.stdin.close()


def _back(child: "subprocess.Popen[bytes]", record: Path, die: Path) -> None:
    passed = 0
    with record.open("ab", buffering=0) as file:
        while chunk := os.read(child.stdout.fileno(), _CHUNK):
            file.write(chunk)
            passed += len(chunk)
            os.write(1, chunk)
            if die.exists() and passed >= int(die.read_text()):
                die.unlink()
                child.kill()
                os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Pass everything on, both ways, until the worker ends."""
    record, die, _, *command = sys.argv[1:]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    threading.Thread(target=_forward, args=(child,), daemon=True).start()
    _back(child, Path(record), Path(die))
    sys.exit(child.wait())


if __name__ == "__main__":
    main()
