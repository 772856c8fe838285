"""Decides how the rows of a task come about: in the engine here, or by exchanges with the sites of its inputs."""

from collections.abc import Mapping
from functools import partial

from headwater.diagnostics import Broken, Where
from headwater.events import RowsCrossed
from headwater.graph.values import Node
from headwater.run.context import Context
from headwater.run.engine import Session
from headwater.run.relations import Surroundings, define, values_of
from headwater.run.sites.exchanging import Exchanged
from headwater.run.sites.reaching import Crossing
from headwater.run.sites.remote_source import is_stretch
from headwater.run.worker import Compute, parameters_of
from headwater.state.audit import append
from headwater.tasks.values import Relation, Task


def computing(context: Context, task: Task, around: Surroundings) -> Compute | None:
    """Give how a task computes; None: by its query alone, over what lies here."""
    placed = context.sites.placed(task.node) if context.sites else None
    if context.sites is None or placed is None:
        _refuse_stretches(task.relations, task.node)
        return None
    return Exchanged(
        placed=placed,
        sites=context.sites,
        values=values_of(task.node, context.graph, parameters_of(task), task),
        run=context.run_id,
        temp_directory=context.temp_directory,
        note=partial(note_crossings, context),
        define=lambda session, relations: _define(session, relations, around, parameters_of(task)),
    )


def _define(session: Session, relations: tuple[Relation, ...], around: Surroundings, values: Mapping[str, str]) -> None:
    define(session, relations, around, values)


def note_crossings(context: Context, crossings: list[Crossing]) -> None:
    """Write the certificates of what crossed into the audit, together, and tell who watches."""
    if not crossings:
        return
    with context.db.write() as connection:
        for each in crossings:
            append(connection, "exchange", _document(context, each), context.clock())
    context.crossed.extend(crossings)
    for each in crossings:
        certificate, sent = each.sent.certificate, each.sent
        context.emit(
            RowsCrossed(
                node=each.node,
                exchange=each.exchange.name,
                sender=each.sender,
                to=each.exchange.to,
                rows=sent.rows,
                bytes=sent.bytes,
                form=certificate.form,
                rules=certificate.rules,
                seconds=sent.seconds,
            )
        )


def _document(context: Context, crossing: Crossing) -> dict[str, object]:
    certificate, sent = crossing.sent.certificate, crossing.sent
    return {
        "run": context.run_id,
        "environment": context.environment,
        "node": crossing.node,
        "exchange": crossing.exchange.name,
        "because": crossing.exchange.because,
        "from": crossing.sender,
        "to": list(crossing.exchange.to),
        "charter": certificate.charter,
        "rules": list(certificate.rules),
        "columns": [list(each) for each in certificate.columns],
        "predicates": list(certificate.predicates),
        "fragment": certificate.fragment,
        "keys": certificate.keys,
        "destinations": list(certificate.destinations),
        "rows": sent.rows,
        "bytes": sent.bytes,
    }


def _refuse_stretches(relations: tuple[Relation, ...], node: Node) -> None:
    """A query that nobody took apart would see remote sources empty: that must never be."""
    for relation in relations:
        _refuse_stretches(relation.inputs, node)
        if any(is_stretch(item) for _, item in relation.items):
            message = f"`{node.name}` reads `{relation.name}` at remote sites, but was not placed"
            raise Broken.of("HW0507", message, Where(node.file, node.line), hint="report this: it is a defect")
