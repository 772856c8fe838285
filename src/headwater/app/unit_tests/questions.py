"""What rows a test of a model needs: its query taken apart, and what of it and of its inputs must be heeded."""

from collections.abc import Mapping
from dataclasses import replace

from headwater.diagnostics import Where
from headwater.graph.classes import columns_of_class, is_guarded
from headwater.graph.drafts import Macros
from headwater.graph.resolve_references import parse, read_macros
from headwater.graph.split_chains import CHANGES
from headwater.graph.values import Graph, Node
from headwater.run.binding import Binder
from headwater.run.unit_tests.choosing import Question
from headwater.run.unit_tests.masking import Place
from headwater.spec.nodes import Model
from headwater.spec.project import Project
from headwater.sql.binding import BindError
from headwater.sql.equated import equated
from headwater.sql.macros import expand
from headwater.sql.outline import Json
from headwater.sql.queries import read_query
from headwater.sql.tree import Unclear


def question_of(project: Project, graph: Graph, node: Node, most: int) -> Question:
    """Say what rows a test of a node needs."""
    nodes = {each.name: each for each in graph.nodes}
    guarded = columns_of_class(graph, is_guarded)
    sources = [(each.node, nodes[each.node].source) for each in node.inputs]
    query, equalities, unclear = _parsed(project, nodes, node)
    return Question(
        model=_as_compiled(project.models[node.name.removesuffix(CHANGES)], node),
        where=Where(node.file, node.line),
        most=most,
        query=query,
        unclear=unclear,
        guarded=frozenset((each.node, column) for each in node.inputs for column in guarded[each.node]),
        equated=equalities,
        required=frozenset((name, column) for name, source in sources if source for column in source.required),
        variables=graph.variables,
    )


def _as_compiled(model: Model, node: Node) -> Model:
    """Give a model with the query that its node has: something may stand before what the user wrote."""
    before = node.query.find(model.query) if model.query else -1
    return replace(model, query=node.query, query_column=model.query_column - before) if before > 0 else model


def _parsed(
    project: Project, nodes: Mapping[str, Node], node: Node
) -> tuple[Json | None, list[tuple[Place, Place]], str]:
    """Give a node's query parsed, the columns that it compares, and why either cannot be had."""
    if node.python is not None:
        return None, [], "it is a Python function"
    bind = Binder()
    try:
        tree = parse(bind, node.query)
        if isinstance(tree, BindError):
            return None, [], tree.message
        query = expand(tree, read_macros(Macros.of(project.macros), node.query, bind))
        inputs = {each.node.casefold(): (each.node, _relation(nodes[each.node])) for each in node.inputs}
        return query, list(equated(read_query(query, inputs)[0])), ""
    except Unclear as why:
        return None, [], str(why)
    except RecursionError:
        return None, [], "nested too deeply"
    finally:
        bind.close()


def _relation(node: Node) -> tuple[tuple[str, str], ...]:
    return tuple((column.name, column.type) for column in node.columns)
