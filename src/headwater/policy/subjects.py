"""What rules speak of: a relation with its columns, their labels, and the columns by which checks decide about rows."""

from collections.abc import Mapping
from dataclasses import dataclass

from headwater.diagnostics import Where
from headwater.graph.values import Node
from headwater.policy.values import PUBLIC, UNCLASSIFIED, Label
from headwater.sql.binding import Relation
from headwater.sql.text import visible_tokens

Labels = Mapping[str, frozenset[Label]]
"""Column → its labels."""
ROWS = "*"
"""As the column of a label's origin: which rows there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A source, or a model whose rows lie somewhere."""

    name: str
    columns: Relation
    labels: Labels
    judged: frozenset[str] = frozenset()
    """Columns by which checks set rows aside."""
    is_model: bool = False
    where: Where | None = None

    @property
    def public(self) -> tuple[str, ...]:
        """Columns that cross freely, in order; none if a check decides about rows by one that does not."""
        names = tuple(name for name, _ in self.columns if is_public(self.labels[name]))
        return names if self.judged <= set(names) else ()


def subject_of(node: Node, labels: Labels | None = None) -> Subject:
    """Give the subject of a source, or of a model with the labels that flow into it."""
    return Subject(
        name=node.name,
        columns=tuple((column.name, column.type) for column in node.columns),
        labels=source_labels(node) if labels is None else labels,
        judged=judging_columns(node),
        is_model=node.kind != "source",
        where=Where(node.file, node.line) if node.file else None,
    )


def source_labels(node: Node) -> Labels:
    """Give the labels that a source's columns have by what is said of them."""
    return {
        column.name: frozenset({Label(f"{node.name}.{column.name}", class_name(column.class_))})
        for column in node.columns
    }


def class_name(class_: str) -> str:
    """Give a class as it is compared; without one it is unclassified.

    >>> class_name("PII.Email"), class_name(" ")
    ('pii.email', 'unclassified')
    """
    return class_.strip().casefold() or UNCLASSIFIED


def is_within(class_: str, above: str) -> bool:
    """Whether a class is another one, or below it.

    >>> is_within("pii.email", "pii"), is_within("piix", "pii"), is_within("pii", "pii.email")
    (True, False, False)
    """
    return class_ == above or class_.startswith(above + ".")


def is_public(labels: frozenset[Label]) -> bool:
    """Whether all labels are public (nothing at all is: project literals)."""
    return all(label.class_ == PUBLIC for label in labels)


def judging_columns(node: Node) -> frozenset[str]:
    """Give the columns by which row checks set rows aside: every one whose name stands in their conditions."""
    checks = [check for check in node.checks if check.scope == "row" and check.on_fail == "quarantine"]
    return frozenset().union(*(named_columns(check.failing, [each.name for each in node.columns]) for check in checks))


def deciding_columns(node: Node) -> frozenset[str]:
    """Give the columns by which a model decides about its own rows: those of checks, and of a merge or history."""
    names = {each.name.casefold(): each.name for each in node.columns}
    part = node.chain
    if part is None:
        return judging_columns(node)
    keys = {names[key.casefold()] for key in (*part.key, *part.track) if key.casefold() in names}
    return judging_columns(node) | keys | (named_columns(part.deleted, list(names.values())) if part.deleted else set())


def named_columns(text: str, columns: list[str]) -> frozenset[str]:
    """Give the columns that an expression may read: rather too many (all, if it may mean a whole row) than too few."""
    tokens = visible_tokens(text)
    words = {_name(token.text) for token in tokens if token.kind in ("word", "quoted")}
    folded = {name.casefold(): name for name in columns}
    whole = words & {"this", "columns"} or any(token.text == "#" for token in tokens)
    return frozenset(columns) if whole else frozenset(folded[word] for word in words if word in folded)


def _name(text: str) -> str:
    plain = text[1:-1].replace('""', '"') if text.startswith('"') else text
    return plain.casefold()
