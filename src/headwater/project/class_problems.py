"""Classes of columns: what cannot be one, and what is probably a slip of one that everybody knows."""

from collections.abc import Iterator, Mapping

from headwater.diagnostics import Diagnostic, error, warning
from headwater.project.names import shown
from headwater.spec.classes import is_class, meant
from headwater.spec.nodes import Column, Model, Source
from headwater.spec.origin import Origin
from headwater.spec.project import Project


def class_problems(project: Project) -> Iterator[Diagnostic]:
    """Judge every class that columns and policies name."""
    nodes: list[Source | Model] = [*project.sources.values(), *project.models.values()]
    for node in nodes:
        yield from _columns(node.columns, node.at)
    for policy in project.policies.values():
        for key, rule in (("deny", policy.deny), ("retain", policy.retain)):
            if rule is not None:
                yield from _class(rule.class_, policy.at, f"{key}.class")
        for index, class_ in enumerate(policy.classes):
            yield from _class(class_, policy.at, f"classes.{index}")


def _columns(columns: Mapping[str, Column], at: Origin) -> Iterator[Diagnostic]:
    for name, column in columns.items():
        if column.class_:
            yield from _class(column.class_, at, f"columns.{name}.class")


def _class(class_: str, at: Origin, path: str) -> Iterator[Diagnostic]:
    where, length = at.of(path), len(class_) or 1
    if not is_class(class_):
        hint = "lower-case words with dots between them, such as pii.email, internal, or your own"
        yield error("HW1216", f"`{shown(class_)}` cannot be a class", where, hint=hint, length=length)
    elif known := meant(class_):
        message = f"the class `{shown(class_)}` is not among those that are known"
        yield warning("HW1215", message, where, hint=f"did you mean `{known}`?", length=length)
