"""The shape of the code: how long functions and modules are, how wide signatures, who is imported most."""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method: where it is, its length in lines, how many parameters it takes."""

    name: str
    lines: int
    parameters: int


@dataclass(frozen=True, slots=True)
class Module:
    """A module: its dotted name, length, first paragraph of its docstring, functions, imports of its own package."""

    name: str
    lines: int
    opening: str
    functions: tuple[Function, ...]
    imports: frozenset[str]


def modules() -> list[Module]:
    """Read every module of the package; templates are a user's project, not modules."""
    return [_read(path) for path in sorted(SOURCE.rglob("*.py")) if "templates" not in path.parts]


def _read(path: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    name = ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
    opening = " ".join((ast.get_docstring(tree) or "").split("\n\n")[0].split())
    return Module(name, len(text.splitlines()), opening, tuple(_functions(tree, name)), frozenset(_imports(tree)))


def _functions(tree: ast.AST, prefix: str) -> Iterator[Function]:
    for node in ast.iter_child_nodes(tree):
        name = f"{prefix}.{node.name}" if isinstance(node, ast.ClassDef | ast.FunctionDef) else prefix
        if isinstance(node, ast.FunctionDef):
            yield Function(name, (node.end_lineno or node.lineno) - node.lineno + 1, _width(node.args))
        yield from _functions(node, name)


def _width(arguments: ast.arguments) -> int:
    named = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return len([name for name in named if name not in {"self", "cls"}])


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("headwater"):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("headwater"))


def main() -> None:
    """Print the tail: where a concept may be hiding without a name."""
    everything = modules()
    functions = [function for module in everything for function in module.functions]
    imported = Counter(name for module in everything for name in module.imports)
    _table("longest functions (lines)", {f.name: f.lines for f in functions})
    _table("longest modules (lines)", {m.name: m.lines for m in everything})
    _table("widest signatures (parameters)", {f.name: f.parameters for f in functions})
    _table("most imported modules (importers)", imported)
    lengths = sorted(f.lines for f in functions) or [0]
    print(f"{len(everything)} modules, {len(functions)} functions, median {lengths[len(lengths) // 2]} lines")


def _table(title: str, sizes: dict[str, int], rows: int = 10) -> None:
    print(title)
    for name, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:rows]:
        print(f"  {size:5}  {name}")
    print()


if __name__ == "__main__":
    main()
