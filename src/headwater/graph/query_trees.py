"""The resolved tree of a node's query, read anew from its text: for whoever takes queries apart."""

from collections.abc import Mapping

from headwater.graph.drafts import Macros
from headwater.graph.resolve_references import parse, read_macros
from headwater.graph.values import Graph, Node
from headwater.sql.binding import Bind, BindError, Relation
from headwater.sql.macros import expand, name_of
from headwater.sql.outline import Json
from headwater.sql.queries import read_query
from headwater.sql.tree import Query, Unclear


def query_tree(graph: Graph, node: Node, bind: Bind) -> Query:
    """Give the tree of a node's query over its inputs; raises Unclear if anything in it is not certain."""
    nodes = {each.name: each for each in graph.nodes}
    inputs = {each.node: relation_of(nodes[each.node]) for each in node.inputs}
    return tree_of(node.query, inputs, graph.macros, bind)


def tree_of(text: str, inputs: Mapping[str, Relation], macros: tuple[str, ...], bind: Bind) -> Query:
    """Give the tree of a query's text; ``inputs`` are the relations that it may name. Raises Unclear."""
    folded = {name.casefold(): (name, columns) for name, columns in inputs.items()}
    return read_query(parsed(text, macros, bind), folded)[0]


def parsed(text: str, macros: tuple[str, ...], bind: Bind) -> Json:
    """Give the engine's parse of a query, with calls of macros put in their place. Raises Unclear."""
    tree = parse(bind, text)
    if isinstance(tree, BindError):
        raise Unclear(tree.message)
    known = read_macros(Macros({name_of(each): each for each in macros}), text, bind)
    return expand(tree, known) if known else tree


def relation_of(node: Node) -> Relation:
    """Give names and types of a node's columns."""
    return tuple((column.name, column.type) for column in node.columns)
