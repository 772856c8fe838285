"""What a name can mean where it stands: columns of sources, aliases of outputs, whole rows, parameters of lambdas."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from headwater.sql.tree import Expr, Nested, Ref, Source, Term, Unclear

Names = tuple[str, ...]


@dataclass(slots=True)
class Named:
    """A source under the names by which it can be addressed (folded)."""

    position: int
    source: Source
    alias: str
    qualified: Names = ()
    """Schema and name, of a table without an alias."""
    index: dict[str, int] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    """Columns that USING merged: found without a qualifier as the merged one only."""

    def __post_init__(self) -> None:
        self.index = {name.casefold(): at for at, name in enumerate(self.source.columns)}
        if len(self.index) != len(self.source.columns):
            raise Unclear("two columns of one name")

    def leave(self) -> None:
        """After a SEMI or ANTI JOIN nothing of its right side can be named."""
        self.alias, self.qualified, self.index = "", (), {}

    def ref(self, name: str) -> Ref:
        """Give one of its columns."""
        return Ref(0, self.position, self.source, self.index[name])

    def row(self) -> Term:
        """Give its whole row, as a struct with these names."""
        return Term("row:" + ",".join(self.source.columns), tuple(self.ref(name) for name in self.index))


@dataclass(slots=True)
class Scope:
    """The names that one SELECT sees, and the SELECT around it."""

    parent: "Scope | None" = None
    sources: list[Named] = field(default_factory=list)
    merged: dict[str, Expr] = field(default_factory=dict)
    aliases: dict[str, Expr] = field(default_factory=dict)
    lambdas: list[dict[str, Term]] = field(default_factory=list)
    aliases_compete: bool = False
    """GROUP BY, HAVING, QUALIFY, ORDER BY: an alias may be meant although there is such a column, so both count."""

    def resolve(self, names: Names) -> Expr:
        """Give what a dotted name stands for, all possible meanings if several; Unclear if it has none."""
        found = self._meanings(tuple(name.casefold() for name in names))
        if not found:
            raise Unclear(f"`{'.'.join(names)}` has no meaning here")
        return found[0] if len(found) == 1 else Term("either", tuple(found))

    def _meanings(self, names: Names) -> list[Expr]:
        for level in reversed(self.lambdas):
            if names[0] in level:
                return [_fields(level[names[0]], names[1:])]
        columns = list(self._columns(names))
        if columns and not self.aliases_compete:
            return columns
        found = columns + [_fields(self.aliases[n], names[1:]) for n in names[:1] if n in self.aliases]
        if columns:
            return found
        found += [each.row() for each in self.sources if each.index and names == (each.alias,)]
        outer = self.parent._meanings(names) if self.parent else []  # noqa: SLF001 - the same class
        return found + [outwards(each) for each in outer]

    def _columns(self, names: Names) -> Iterator[Expr]:
        """Columns of sources: alone, behind the source's alias, behind schema and table; then fields of structs."""
        if names[0] in self.merged:
            yield _fields(self.merged[names[0]], names[1:])
        for each in self.sources:
            if names[0] in each.index and names[0] not in each.hidden:
                yield _fields(each.ref(names[0]), names[1:])
            if len(names) > 1 and names[0] == each.alias and names[1] in each.index:
                yield _fields(each.ref(names[1]), names[2:])
            if len(names) > 2 and names[:2] == each.qualified and names[2] in each.index:  # noqa: PLR2004 - schema.table.column
                yield _fields(each.ref(names[2]), names[3:])


def _fields(value: Expr, names: Names) -> Expr:
    for name in names:
        value = Term(f"field:{name}", (value,))
    return value


def outwards(value: Expr) -> Expr:
    """Give an expression as it reads from a query one level further in."""
    match value:
        case Ref():
            return Ref(value.depth + 1, value.position, value.source, value.index)
        case Term():
            return Term(value.kind, tuple(outwards(part) for part in value.parts))
        case Nested():
            raise Unclear("a subquery seen from inside another one")
        case _:
            return value
