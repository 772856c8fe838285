"""Content addresses, per column and per row set; from them each node's version. The nodes are complete after this."""

from collections.abc import Iterable, Mapping
from typing import Any

from headwater.diagnostics import Diagnostic
from headwater.graph.address_sources import source_node
from headwater.graph.carry_tables import carried, goes_forward
from headwater.graph.cut_time import is_volatile
from headwater.graph.drafts import Draft
from headwater.graph.infer_columns import is_cut
from headwater.graph.keep_promises import promises_of
from headwater.graph.python_nodes import python_node
from headwater.graph.values import Column, Input, Node, NodeKind, TimeCut
from headwater.spec.addresses import Version, address
from headwater.spec.nodes import Column as DeclaredColumn
from headwater.spec.nodes import Model
from headwater.sql.analysis import LIST, PARAMETER, ROWS, Analysis
from headwater.sql.canonical import FORM, Reference
from headwater.sql.text import literal, parameters

WHOLE = ("*",)


def address_columns(draft: Draft) -> Draft:
    """Make the nodes, each from those that it reads."""
    nodes: dict[str, Node] = {}
    addresses = _Addresses(draft)
    volatile: dict[str, bool] = {}
    found: dict[str, list[Diagnostic]] = {}
    before: Mapping[str, Node] | None = None
    for name in draft.order:
        if name in draft.failed or name not in draft.relations:
            continue
        if any(each not in nodes for each in draft.inputs.get(name, ())):
            continue
        source = draft.project.sources.get(name)
        if source is not None:
            nodes[name] = source_node(draft, source)
        else:
            model = draft.project.models[name]
            volatile[name] = is_volatile(draft, name, volatile)
            nodes[name] = _model_node(draft, model, nodes, addresses, volatile=volatile[name])
            if goes_forward(model):
                before = draft.previous() if before is None else before
                nodes[name], found[name] = carried(nodes[name], model, before.get(name))
        addresses.add(nodes[name])
    return draft.noting(found, nodes=tuple(nodes.values()))


class _Addresses:
    """What references stand for, by content."""

    def __init__(self, draft: Draft) -> None:
        self._known: dict[Reference, str] = {
            (PARAMETER, name.lower()): address("value", literal(value)) for name, value in draft.variables.items()
        }
        self._relations = draft.relations

    def add(self, node: Node) -> None:
        """Make a node known to those that read it."""
        name, known = node.name, self._known
        known[name, ROWS] = node.rows_address
        for column in node.columns:
            known[name, column.name] = column.address

    def of(self, references: Iterable[Reference]) -> str:
        """Give the addresses of references, in order; parameters of the run stand for themselves."""
        known = self._known
        return ",".join([known[each] if each in known else self._other(each) for each in references])

    def _other(self, reference: Reference) -> str:
        node, part = reference
        if part != LIST or node == PARAMETER:
            return f"{node} {part}"
        self._known[reference] = address("list", *(text for column in self._relations[node] for text in column))
        return self._known[reference]


def _model_node(
    draft: Draft, model: Model, nodes: Mapping[str, Node], addresses: _Addresses, *, volatile: bool
) -> Node:
    name = model.name
    time = draft.times.get(name)
    inputs = _inputs(draft, model, nodes)
    settings = _row_settings(draft, model, time, inputs, addresses)
    if model.code is not None:
        columns, rows = _python_addresses(draft, model, settings, addresses)
        controls: tuple[Reference, ...] = ()
        own = rows
    else:
        analysis = draft.analyses[name]
        columns, rows = _query_addresses(model, analysis, settings, addresses, draft.granted.get(name, {}))
        controls = _to_columns(analysis.of(analysis.rows))
        own = address("stars", *(part for each in analysis.stars for part in _whole(nodes[each])))
    listed = (str(draft.relations[name]), ",".join([column.address for column in columns]))
    # Its name, too: fills lie under the names of their nodes, and twins with one query must not share them.
    version = address("version", FORM, name, _kind(model), rows, own, *listed, *(each.node for each in inputs))
    return Node(
        name=name,
        kind=_kind(model),
        version=Version(version),
        table=Version(version),
        rows_address=rows,
        columns=columns,
        controls=controls,
        inputs=inputs,
        time=time,
        query=model.query,
        parameters=tuple(sorted({each for each, _ in parameters(model.query)})),
        python=python_node(model.code),
        chain=model.chain,
        checks=draft.checks.get(name, ()),
        volatile=volatile,
        through=draft.through.get(name, {}),
        timezone=model.timezone,
        **_settings(draft, model),
    )


def _query_addresses(
    model: Model, analysis: Analysis, settings: str, addresses: _Addresses, granted: Mapping[str, str]
) -> tuple[tuple[Column, ...], str]:
    """``granted``: inputs that are read in another form than their rows have, with the address of that."""
    rows = address("rows", settings, analysis.rows.shape, addresses.of(analysis.of(analysis.rows)))
    columns = []
    for (name, type_), part in zip(analysis.columns, analysis.parts, strict=True):
        references = analysis.of(part)
        said = model.columns.get(name, _NOTHING_SAID) if model.columns else _NOTHING_SAID
        read = {node for node, _ in references} if granted else ()
        forms = (f"{node} {form}" for node, form in granted.items() if node in read)
        columns.append(
            Column(
                name=name,
                type=type_,
                address=address("column", type_, model.timezone, part.shape, addresses.of(references), *forms),
                values=_to_columns(references),
                description=said.description,
                unit=said.unit,
                class_=said.class_,
            )
        )
    return tuple(columns), rows


_NOTHING_SAID = DeclaredColumn()
_NOT_COLUMNS = frozenset({ROWS, LIST})


def _to_columns(references: tuple[Reference, ...]) -> tuple[Reference, ...]:
    """References to columns: not to row sets, lists of columns or parameters."""
    return tuple([each for each in references if each[1] not in _NOT_COLUMNS and each[0] != PARAMETER])


def _python_addresses(
    draft: Draft, model: Model, settings: str, addresses: _Addresses
) -> tuple[tuple[Column, ...], str]:
    """Code that we cannot read depends on all of its inputs, and on every module of the project that it imports."""
    code = model.code
    parts = (code.stands_on or code.modules) if code else {}
    modules = (part for name in sorted(parts) for part in (name, parts[name]))
    whole: list[Reference] = []
    for each in draft.inputs[model.name]:
        whole += [(each, ROWS), (each, LIST), *((each, column) for column, _ in draft.relations[each])]
    arguments = (f"{k}={v}" for k, v in sorted(code.inputs.items())) if code else ()
    variables = (f"{name}={literal(value)}" for name, value in sorted(draft.variables.items()))
    takes_run = code is not None and "run" in code.arguments
    rows = address(
        "python",
        settings,
        code.function if code else "",
        *modules,
        *arguments,
        *(variables if takes_run else ()),
        addresses.of(whole),
    )
    values = _to_columns(tuple(whole))
    columns = tuple(
        Column(
            name=name,
            type=type_,
            address=address("column", type_, rows, name),
            values=values,
            description=model.columns[name].description,
            unit=model.columns[name].unit,
            class_=model.columns[name].class_,
        )
        for name, type_ in draft.relations[model.name]
    )
    return columns, rows


def _row_settings(
    draft: Draft, model: Model, time: TimeCut | None, inputs: tuple[Input, ...], addresses: _Addresses
) -> str:
    """Settings that decide about rows: how time is cut, what of the inputs a slot sees, who is set aside."""
    cut = (time.column, time.type, time.timezone, time.every) if time else ()
    seen = tuple(
        f"{each.node} {each.before_s} {each.after_s} {addresses.of(((each.node, draft.times[each.node].column),))}"
        for each in inputs
        if each.cut
    )
    set_aside = tuple(check.address for check in draft.checks.get(model.name, ()) if check.scope == "row")
    part = model.chain
    links = [part.kind, *part.key, part.on_missing, part.deleted] if part and part.role == "links" else []
    links += [f"new {each.node}" for each in inputs if each.new]
    granted = [f"{node} {form}" for node, form in draft.granted.get(model.name, {}).items()]
    through = ["through", *granted] if granted else []
    return address("settings", model.timezone, *cut, "reads", *seen, "set aside", *set_aside, *links, *through)


def _kind(model: Model) -> NodeKind:
    """Chains were taken apart before: what is left of them are links, one after the other."""
    if model.chain is not None and model.chain.role == "links":
        return "links"
    assert model.kind in {"full", "view", "inline", "incremental"}  # noqa: S101 - see `split_chains`
    return model.kind


def _whole(node: Node) -> tuple[str, ...]:
    return (
        node.rows_address,
        *(part for column in node.columns for part in (column.name, column.type, column.address)),
    )


def _inputs(draft: Draft, model: Model, nodes: Mapping[str, Node]) -> tuple[Input, ...]:
    columns = _columns_read(draft, model)
    cuts = is_cut(model)
    inputs = []
    for name in draft.inputs[model.name]:
        cut = cuts and name in draft.times and nodes[name].kind != "full"
        reads = model.reads.get(name)
        inputs.append(
            Input(
                node=name,
                columns=columns[name],
                cut=cut,
                moving=model.kind != "incremental" or cut or name in model.restate_on,
                before_s=reads.before if reads else 0.0,
                after_s=reads.after if reads else 0.0,
                new=name in draft.read_once.get(model.name, ()),
            )
        )
    return tuple(inputs)


def _columns_read(draft: Draft, model: Model) -> dict[str, tuple[str, ...]]:
    names = draft.inputs[model.name]
    analysis = draft.analyses.get(model.name)
    if analysis is None or analysis.opaque:
        return dict.fromkeys(names, WHOLE)
    read: dict[str, set[str]] = {name: set() for name in names}
    for node, column in analysis.references:
        if column not in (ROWS, LIST) and node in read:
            read[node].add(column)
    return {name: WHOLE if name in analysis.stars else tuple(sorted(read[name])) for name in names}


def _settings(draft: Draft, model: Model) -> dict[str, Any]:
    """Settings of execution, and what is said of the node for people: none of it is part of an address."""
    defaults = draft.project.defaults
    retries = model.retries or defaults.retries
    return {
        "lookback_s": model.lookback or 0.0,
        "batch_s": model.batch if model.name in draft.slotwise else 0.0,
        "timeout_s": model.timeout or defaults.timeout,
        "memory_bytes": model.memory,
        "attempts": retries.attempts,
        "backoff_s": retries.backoff,
        "backoff_max_s": retries.max,
        "priority": model.priority,
        "description": model.description,
        "owner": model.owner or defaults.owner,
        "tags": model.tags,
        "promises": promises_of(model),
        "file": model.at.where.file,
        "line": model.at.where.line,
    }
