"""Rules that change rows, in placement: which source a node reads through which, and cells in the place of rows."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from headwater.diagnostics import Diagnostic, Refused, Where, error
from headwater.graph.borders import PolicyNode
from headwater.graph.grant_addresses import is_lossy
from headwater.graph.values import Graph, Input, Node
from headwater.policy.aggregating import cut_grant
from headwater.policy.cell_queries import rewritten
from headwater.policy.cells import Cells, Slots, cells_of
from headwater.policy.charters import Charter
from headwater.policy.rules import form_of
from headwater.policy.slots import slots_of
from headwater.policy.subjects import subject_of
from headwater.policy.transforming import columns_behind
from headwater.policy.values import Grant
from headwater.sql.binding import Bind, Relation
from headwater.sql.plain import plain
from headwater.sql.tree import Query
from headwater.sql.uses import occurrences


@dataclass(frozen=True, slots=True, kw_only=True)
class Lossy:
    """How a node reads one source that it reads through a rule that changes rows."""

    rule: PolicyNode
    columns: Relation
    """As the query then sees them: of cells, or with the types of what takes their place."""
    cells: Cells | None = None
    """None: the rule transforms columns."""
    slots: Slots | None = None
    every: str = ""
    timezone: str = ""

    def seen(self, charter: Charter, source: Node, grant: Grant, bind: Bind) -> Grant | Diagnostic:
        """Give the grant as this reader sees it."""
        return cut_grant(charter, subject_of(source), grant, self.slots, bind) if self.slots else grant


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What a node reads of sources: its query, over cells where only those leave, and what is lossy."""

    query: Query
    rules: Mapping[str, str]
    """Source → the rule that the node, or a view that it reads, names for it."""
    lossy: Mapping[str, Lossy] = field(default_factory=dict)


def readings(
    query: Query,
    node: Node,
    sources: Iterable[tuple[Node, Input]],
    graph: Graph,
    bind: Bind,
    computed: Callable[[Node], list[Node]],
    where: Where | None,
) -> Readings:
    """Put cells in the place of rows; ``computed`` gives the views below a node. Raises Refused, with everything."""
    policies = {each.name: each for each in graph.borders.policies}
    rules = _rules(node, computed(node), where)
    lossy: dict[str, Lossy] = {}
    refused: list[Diagnostic] = []
    for source, each in sources:
        rule = policies.get(rules.get(source.name, ""))
        if rule is None or not is_lossy(rule) or rule.relation != source.name:
            continue
        found = _lossy(rule, source, node, each, bind, where)
        if isinstance(found, Diagnostic):
            refused.append(found)
        else:
            lossy[source.name] = found
    for table in occurrences(query):
        cells = lossy[table.node].cells if table.node in lossy else None
        made = rewritten(plain(query), table, cells) if cells else query
        if isinstance(made, Diagnostic):
            refused.append(replace(made, where=where))
        else:
            query = made
    if refused:
        raise Refused(*dict.fromkeys(refused))
    return Readings(query=query, rules=rules, lossy=lossy)


def _rules(node: Node, views: Iterable[Node], where: Where | None) -> dict[str, str]:
    """A view is put in the place of its name, so what it names counts; all must name the same for one source."""
    found: dict[str, str] = {}
    for each in (node, *views):
        for read in each.inputs:
            rule = each.through.get(read.node, "")
            if found.setdefault(read.node, rule) != rule:
                names = " and ".join(f"`{name}`" if name else "no rule" for name in sorted({found[read.node], rule}))
                message = f"`{node.name}` reads `{read.node}` through {names} at once"
                raise Refused.of("HW1236", message, where, hint="name one rule for it, in all views that it reads")
    return {name: rule for name, rule in found.items() if rule}


def _lossy(
    rule: PolicyNode, source: Node, node: Node, read: Input, bind: Bind, where: Where | None
) -> Lossy | Diagnostic:
    columns = subject_of(source).columns
    form = form_of(rule)
    if not form.aggregates:
        return _uncut(rule, source, read, where) or Lossy(rule=rule, columns=columns_behind(form, columns))
    if read.cut and (read.before_s or read.after_s):
        message = (
            f"`{node.name}` reads `{source.name}` beyond its slots, and through `{rule.name}` there are whole slots"
        )
        return error("HW1239", message, where, hint="leave out `before` and `after`, and join the model with itself")
    every = node.time.every if read.cut and node.time else ""
    slots = slots_of(source.time, every, node.timezone) if every and source.time else None
    cells = cells_of(rule, source.name, columns, bind, slots=slots)
    if isinstance(cells, Diagnostic):
        return cells
    return Lossy(
        rule=rule, columns=cells.columns, cells=cells, slots=slots, every=every if slots else "", timezone=node.timezone
    )


def _uncut(rule: PolicyNode, source: Node, read: Input, where: Where | None) -> Diagnostic | None:
    """A column that cuts time must leave as it is."""
    form = rule.form
    if not (read.cut and form and source.time and source.time.column in form.on):
        return None
    message = f"`{rule.name}` transforms `{source.name}.{source.time.column}`, by which time is cut"
    return error("HW1264", message, where, hint="read it as a full table, or ship the time as it is")
