"""The charter: all that decides what a site may send, as one value with a digest that the site's operator approves."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from headwater.graph.borders import KeyNode, PolicyNode
from headwater.graph.values import Check, Column, Graph, Node
from headwater.policy.values import Places
from headwater.spec.addresses import Version, address

LAW: Final = 1
"""Version of the law itself: raised whenever the same rules would let something else pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charter:
    """Places, sources, rules, and holders of keys; secrets are references, resolved at the site."""

    law: int = LAW
    project: str = ""
    places: Mapping[str, str] = field(default_factory=dict)
    """Site → jurisdiction; empty: nothing declares one."""
    roots: Mapping[str, str] = field(default_factory=dict)
    """Site → the directory that paths of its sources start from, where one is said."""
    sources: tuple[Node, ...] = ()
    policies: tuple[PolicyNode, ...] = ()
    keys: tuple[KeyNode, ...] = ()

    @property
    def jurisdictions(self) -> Places:
        """Who stands under which law."""
        return Places(jurisdictions=self.places)

    def source(self, name: str) -> Node | None:
        """Give a source by its name."""
        return next((each for each in self.sources if each.name == name), None)

    def policy(self, name: str) -> PolicyNode | None:
        """Give a rule by its name."""
        return next((each for each in self.policies if each.name == name), None)


def charter_of(graph: Graph) -> Charter:
    """Give the charter of a project: models, sinks and descriptions have no part in it."""
    borders = graph.borders
    sources = tuple(_bare(node) for node in graph.nodes if node.source is not None)
    named = {node.name for node in sources}
    charter = Charter(
        project=graph.project,
        places=dict(sorted(borders.jurisdictions.items())),
        roots={each.name: each.root for each in borders.sites if each.root},
        sources=tuple(sorted(sources, key=lambda node: node.name)),
        policies=tuple(
            replace(each, description="")
            for each in sorted(borders.policies, key=lambda policy: policy.name)
            if each.deny is not None or each.relation in named
        ),
        keys=tuple(sorted(borders.keys, key=lambda key: key.name)),
    )
    # As a site reads it: a duration of whole seconds, say, has one way to be written.
    return decode(encode(charter))


def digest(charter: Charter) -> str:
    """Give the address of a charter: what its rules say, not in which lines of which files they stand."""
    bare = replace(
        charter,
        policies=tuple(replace(each, file="", line=0) for each in charter.policies),
        keys=tuple(replace(each, file="", line=0) for each in charter.keys),
    )
    # Read back once: a whole number in the place of a fraction is the same value, and must be the same text.
    return address("charter", str(charter.law), encode(decode(encode(bare))).decode())


def encode(charter: Charter) -> bytes:
    """Write a charter as JSON, always in the same way."""
    import msgspec

    return msgspec.json.encode(charter, order="sorted")


def decode(document: bytes) -> Charter:
    """Read a charter; ValueError if these bytes are none, or one under a law that we do not know."""
    import msgspec

    charter = msgspec.json.decode(document, type=Charter)
    if charter.law != LAW:
        raise ValueError(f"a charter under version {charter.law} of the law; this is version {LAW}")
    return charter


def _bare(node: Node) -> Node:
    """Give of a source what decides which rows it has, and what is in them."""
    source = node.source
    assert source is not None  # noqa: S101 - the caller has looked
    return Node(
        name=node.name,
        kind=node.kind,
        version=Version(""),
        rows_address="",
        columns=tuple(Column(name=each.name, type=each.type, class_=each.class_) for each in node.columns),
        time=node.time,
        source=replace(source, columns_line=0),
        checks=tuple(_bare_check(each) for each in node.checks if each.scope == "row"),
        timezone=node.timezone,
    )


def _bare_check(check: Check) -> Check:
    return replace(check, name="", file="", line=0, column=0, examples="")
