"""Whatever is done to the files of a valid project, checking and planning it ends in diagnostics, never in a trace."""

import random
from pathlib import Path

import pytest

from headwater.app.checking import check
from headwater.app.initialise import initialise
from headwater.diagnostics import CATALOGUE, HeadwaterError
from tests.bad_input.valid import RICH
from tests.cli.conftest import CommandLine
from tests.project.test_fuzz import MUTATIONS

CHECKS_PER_SEED = {"minimal": 330, "rich": 90}
COMMANDS_PER_SEED = 5
SEEDS = range(12)
SQL = [
    "(", ")", ",", "*", "'", "''", '"', "--", "/*", "$start", "$end", "$now", "$late_after_min", "$nobody", "$1", "?", "now()", "current_date",
    "SELECT", "FROM", "WHERE", "GROUP BY ALL", "LIMIT 1", "UNION ALL", "EXCEPT", "QUALIFY", "LATERAL", "PIVOT", "UNNEST([1, 2])", "flights",
    "daily", "summary", "parsed", "clean.flights", "no.such", "information_schema.tables", "read_csv('x')", "'x.csv'", "random()", "best(2)",
    "is_late(1, 2)", "is_late", "lambda x: x", "x -> x", "[1]", "{'a': 1}", "1e400", "0/0", "NULL", "::DATE", "::nothing", "COLUMNS('.*')",
    "EXCLUDE (origin)", "RECURSIVE", "WITH a AS (SELECT 1)", "INTO", "; DROP TABLE x", "PRAGMA x", "ATTACH 'y'", "COPY (SELECT 1) TO 'z'",
]  # fmt: skip

Files = dict[str, bytes]


def minimal(tmp_path: Path) -> Files:
    initialise(tmp_path / "minimal", "minimal", name="shop")
    found = {path.relative_to(tmp_path / "minimal").as_posix(): path for path in (tmp_path / "minimal").rglob("*")}
    return {name: path.read_bytes() for name, path in found.items() if path.is_file()}


def rich(tmp_path: Path) -> Files:
    return {path: text.encode() for path, text in RICH.items()}


def put_sql(chance: random.Random, text: bytes) -> bytes:
    words = text.split(b" ")
    at = chance.randrange(len(words) + 1)
    words[at : at + chance.randrange(2)] = [chance.choice(SQL).encode()]
    return b" ".join(words)


def take_from(chance: random.Random, files: Files, text: bytes) -> bytes:
    """Put a line of another file in."""
    lines, other = text.split(b"\n"), files[chance.choice(list(files))].split(b"\n")
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(other))
    return b"\n".join(lines)


def mutated(chance: random.Random, files: Files) -> Files:
    """Change one file, seldom two: its text, its name, or whether it is there."""
    changed = dict(files)
    for _ in range(chance.choice([1, 1, 1, 2])):
        path = chance.choice([each for each in changed if not each.startswith("data/")] or list(changed))
        action = chance.randrange(20)
        if action == 0 and path != "headwater.yaml":
            del changed[path]
        elif action == 1 and path != "headwater.yaml":
            changed[odd_name(chance, path)] = changed.pop(path)
        else:
            for _ in range(chance.choice([1, 1, 1, 2, 4])):
                changed[path] = altered(chance, files, path, changed[path])
    return changed


def altered(chance: random.Random, files: Files, path: str, text: bytes) -> bytes:
    choice = chance.random()
    if choice < (0.6 if path.endswith(".sql") else 0.1):
        return put_sql(chance, text)
    if choice > 0.95:
        return take_from(chance, files, text)
    return chance.choice(MUTATIONS)(chance, text)


def odd_name(chance: random.Random, path: str) -> str:
    folder, _, name = path.rpartition("/")
    stem, dot, suffix = name.rpartition(".")
    odd = chance.choice(
        ["a.b", "ä", "x y", "select", "'", '"', "a;b", "x" * 200, "_", "1", "$x", "%s", "{site}", "A", stem.upper()]
    )
    return f"{folder}/{odd}{dot}{suffix}" if folder else f"{odd}{dot}{suffix}"


class Playground:
    """A directory whose files are replaced by those of each mutation."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files: Files = {}

    def lay_out(self, files: Files) -> None:
        for path in self._files.keys() - files.keys():
            (self.root / path).unlink()
        for path, content in files.items():
            if self._files.get(path) != content:
                (self.root / path).parent.mkdir(parents=True, exist_ok=True)
                (self.root / path).write_bytes(content)
        self._files = files


@pytest.mark.parametrize("make", [minimal, rich])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_mutated_project_is_checked(make, seed, tmp_path):
    chance, files, place = random.Random(seed), make(tmp_path), Playground(tmp_path / "p")
    for each in range(CHECKS_PER_SEED[make.__name__]):
        changed = mutated(chance, files)
        place.lay_out(changed)
        require_words(place.root, (seed, each, {p: t for p, t in changed.items() if files.get(p) != t}))


def require_words(root: Path, what: object) -> None:
    try:
        checked = check(root, environment="dev")
        found = checked.diagnostics
        assert checked.is_sound or found, what
    except HeadwaterError as problem:
        found = problem.diagnostics
    except Exception as problem:
        raise AssertionError(f"checking raised for {what!r}") from problem
    for diagnostic in found:
        assert diagnostic.code in CATALOGUE, what
        assert diagnostic.hint, (diagnostic, what)
        assert diagnostic.where is not None or diagnostic.code.startswith("HW05"), (diagnostic, what)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mutated_project_is_planned(seed, tmp_path):
    chance, files, place = random.Random(1000 + seed), rich(tmp_path), Playground(tmp_path / "p")
    headwater = CommandLine(place.root)
    for _ in range(COMMANDS_PER_SEED):
        place.lay_out(mutated(chance, files))
        for said in (headwater("check"), headwater("plan", "--json"), headwater("status")):
            assert "Traceback" not in said.everything
            assert "HW0999" not in said.everything
            assert said.code in {0, 1, 5}
