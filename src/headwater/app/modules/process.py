"""Starts the processes that run a project's Python files, twice with everything else different, and compares."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec

from headwater.project.python.running import MadeNode, Mishap, Ran, ToRun

_GRACE_S: Final = 5.0
"""How much longer than its limit a file may keep its process: Python code is stopped inside, other code is not."""
_INHERITED: Final = ("SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Without these, an interpreter may not find its own libraries; nothing else is handed on."""
_CODE: Final = "from headwater.app.modules.worker import main; main([])"
_OTHERS: Final = "nodes come from the file's text alone: no clock, no chance, no order of a set"


@dataclass(frozen=True, slots=True)
class Load:
    """How one load differs from the other."""

    seed: str
    is_shifted: bool = False


@dataclass(slots=True)
class _Process:
    """One process and the lines it says."""

    child: "subprocess.Popen[str]"
    lines: "queue.SimpleQueue[str | None]" = field(default_factory=queue.SimpleQueue)
    _listener: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def end(self) -> None:
        """Kill it, and wait until nothing of it is left."""
        self.child.kill()
        self.child.wait()
        self._listener.join()

    def _listen(self) -> None:
        assert self.child.stdout is not None  # noqa: S101 - it is a pipe
        with self.child.stdout as lines:
            for line in lines:
                self.lines.put(line)
        self.lines.put(None)


def run_twice(root: Path, asked: Sequence[ToRun], limit_s: float) -> dict[str, Ran]:
    """Run files in two processes at once; a file that makes other nodes the second time is refused."""
    second: list[dict[str, Ran]] = []
    other = threading.Thread(target=lambda: second.append(_run(root, asked, limit_s, Load("1", is_shifted=True))))
    other.start()
    first = _run(root, asked, limit_s, Load("0"))
    other.join()
    again = second[0] if second else first
    sound = [each for each in asked if not first[each.path].mishaps]
    unlike = [each for each in sound if again[each.path].mishaps]
    if unlike:  # a library may not bear a moved clock
        again |= _run(root, unlike, limit_s, Load("1"))
    return first | {each.path: _compared(each.path, first[each.path], again[each.path]) for each in sound}


def _compared(path: str, first: Ran, second: Ran) -> Ran:
    if second.mishaps:
        mishap = second.mishaps[0]
        message = f"`{path}` loads once and not again: {mishap.message}"
        return Ran(mishaps=(replace(mishap, code="HW0144", message=message, hint=_OTHERS),))
    one, two = _by_name(first), _by_name(second)
    for key in [*one, *two]:
        if one.get(key) != two.get(key):
            node = one.get(key) or two[key]
            what = "other nodes" if key not in one or key not in two else f"another {_name(node)}"
            message = f"`{path}` makes {what} each time it is loaded"
            line, column = node.span[:2]
            where = Mishap(code="HW0144", message=message, file=node.file, line=line, column=column, hint=_OTHERS)
            return Ran(mishaps=(where,))
    return first


def _by_name(ran: Ran) -> dict[tuple[str, str, int], MadeNode]:
    """Key nodes by kind and name; those that share both by their order."""
    found: dict[tuple[str, str, int], MadeNode] = {}
    counts: dict[tuple[str, str], int] = {}
    for node in ran.nodes:
        key = (node.kind, _name(node))
        counts[key] = counts.get(key, 0) + 1
        found[*key, counts[key]] = node
    return found


def _name(node: MadeNode) -> str:
    said = next((value for name, value in node.settings if name == "name"), None)
    return str(said if said is not None else node.function.name if node.function else node.kind)


def _run(root: Path, asked: Sequence[ToRun], limit_s: float, load: Load) -> dict[str, Ran]:
    """Run files one after the other; a file that ends its process ends only itself."""
    results: dict[str, Ran] = {}
    waiting = list(asked)
    while waiting:
        done = dict(_answers(root, waiting, limit_s, load))
        results |= done
        waiting = [each for each in waiting if each.path not in done]
    return results


def _answers(root: Path, asked: Sequence[ToRun], limit_s: float, load: Load) -> Iterator[tuple[str, Ran]]:
    """Give each file's result as it comes; when the process ends, that of the file it was at says so."""
    process = _start(root, asked, limit_s, load)
    path = asked[0].path
    left = {each.path for each in asked}
    try:
        while left:
            line = process.lines.get(timeout=limit_s + _GRACE_S)
            if line is None:
                yield path if path in left else min(left), _ended(process, path)
                return
            said = json.loads(line)
            path = said.get("begins", path)
            if "made" in said:
                left.discard(path)
                yield path, msgspec.convert(said["made"], Ran)
    except queue.Empty:
        hint = "is this a loop without an end? `load_timeout:` in headwater.yaml gives it longer"
        yield path, _failed("HW0145", f"`{path}` takes longer than {limit_s:g} s to load", path, hint)
    finally:
        process.end()


def _ended(process: _Process, path: str) -> Ran:
    code = process.child.wait()
    how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
    hint = "a file that makes nodes is imported, not run as a program"
    return _failed("HW0149", f"`{path}` ends the process that loads it ({how})", path, hint)


def _failed(code: str, message: str, path: str, hint: str) -> Ran:
    return Ran(mishaps=(Mishap(code=code, message=message, file=path, hint=hint),))


def _start(root: Path, asked: Sequence[ToRun], limit_s: float, load: Load) -> _Process:
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment |= {"PYTHONHASHSEED": load.seed, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1", "TZ": "UTC"}
    request = {
        "root": str(root.resolve()),
        "search": [each for each in sys.path if each and Path(each).resolve() != root.resolve()],
        "limit_s": limit_s,
        "is_shifted": load.is_shifted,
        "files": [{"path": each.path, "modules": dict(each.modules)} for each in asked],
    }
    bootstrap = f"import sys; sys.path[:0] = {request['search']!r}; {_CODE}"
    child = subprocess.Popen(
        [sys.executable, "-s", "-P", "-c", bootstrap],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=root,
        env=environment,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )
    process = _Process(child)
    assert child.stdin is not None  # noqa: S101 - it is a pipe
    with suppress(BrokenPipeError), child.stdin:
        child.stdin.write(json.dumps(request))
    return process
