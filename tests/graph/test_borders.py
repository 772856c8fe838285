"""Sites, policies and keys in the graph: places looked up, what is part of which address, and what is kept of them."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from headwater.graph.borders import Borders, PolicyNode
from headwater.graph.encoding import decode, encode
from headwater.spec.policies import Deny, Form, Key, Policy, Retain
from headwater.spec.project import Site
from headwater.spec.units import Seconds
from tests.graph.conftest import Code

TOTALS = Form(aggregates=("sum",), by={"path": "path"}, unit="CLIENT", min_group=10)


@pytest.fixture
def logs(code: Code) -> Code:
    """Two sites of one jurisdiction, the hub in another; logs at both, a model that sums them up by path."""
    for name, jurisdiction in (("hub", "us"), ("fr", "eu"), ("de", "eu"), ("uk", "uk")):
        code.sites[name] = Site(name=name, jurisdiction=jurisdiction)
    code.source("logs", "client text, path text, bytes bigint", at_sites=("fr", "de"))
    code.model("traffic", "SELECT path, sum(bytes) AS bytes FROM logs GROUP BY ALL")
    code.policy("totals", ship=("BYTES",), from_="logs@eu", to=("hub",), as_=TOTALS)
    return code


def policy(code: Code, name: str) -> PolicyNode:
    return next(each for each in code.graph().borders.policies if each.name == name)


# Places


def test_once_there_are_borders_every_site_but_the_hub_computes_for_itself(logs: Code) -> None:
    borders = logs.graph().borders
    assert {site.name: site.runtime for site in borders.sites} == {
        "de": "local",
        "fr": "local",
        "hub": "",
        "uk": "local",
    }
    assert borders.remote == {"de", "fr", "uk"}


def test_without_borders_the_hub_reads_what_lies_at_sites(code: Code) -> None:
    code.sites = {"hub": Site(name="hub"), "eu": Site(name="eu"), "uk": Site(name="uk", runtime="local")}
    assert code.graph().borders.remote == {"uk"}
    assert code.graph().borders.jurisdictions == {}


def test_a_policy_knows_sites_jurisdictions_and_columns(logs: Code) -> None:
    found = policy(logs, "totals")
    assert (found.relation, found.sites, found.to, found.ship) == ("logs", ("fr", "de"), ("us",), ("bytes",))
    assert found.form == replace(TOTALS, unit="client")


@pytest.mark.parametrize(
    ("from_", "sites"), [("logs", ("fr", "de")), ("logs@de", ("de",)), ("traffic@eu", ("fr", "de")), ("Logs@fr", ("fr",))]
)  # fmt: skip
def test_rows_lie_where_the_relation_and_the_place_meet(from_: str, sites: tuple[str, ...], logs: Code) -> None:
    logs.policy("rows", ship=("bytes",), from_=from_, to=("us",))
    assert policy(logs, "rows").sites == sites


@pytest.mark.parametrize(
    ("to", "denied"),
    [
        (("!eu",), ("uk", "us")),
        (("!de",), ("uk", "us")),
        (("!eu", "!uk"), ("us",)),
        (("us", "fr"), ("eu", "us")),
        ((), ("eu", "uk", "us")),
    ],
)
def test_a_denied_class_goes_nowhere_else(to: tuple[str, ...], denied: tuple[str, ...], logs: Code) -> None:
    logs.policies["stays"] = Policy(name="stays", deny=Deny(class_="pii", to=to))
    assert policy(logs, "stays").denied_to == denied


def test_holders_of_a_key_are_jurisdictions(logs: Code) -> None:
    logs.keys["crm"] = Key(name="crm", secret="${env:CRM}", at_sites=("fr", "eu", "uk"))  # noqa: S106 - a reference
    (key,) = logs.graph().borders.keys
    assert (key.secret, key.holders) == ("${env:CRM}", ("eu", "uk"))


# Mistakes that only the graph can see


def test_a_column_that_a_model_does_not_have(logs: Code) -> None:
    logs.policy("rows", ship=("byte",), from_="traffic@eu", to=("us",))
    mistake = logs.only_mistake()
    assert (mistake.code, mistake.hint) == ("HW1204", "did you mean `bytes`?")


def test_columns_of_a_model_that_cannot_be_compiled_are_not_judged(logs: Code) -> None:
    logs.policy("rows", ship=("byte",), from_="traffic@eu", to=("us",))
    logs.model("traffic", "SELECT nothing FROM logs")
    assert logs.only_mistake().code == "HW0213"


def test_a_model_reads_through_policies_what_it_reads(logs: Code) -> None:
    logs.model("other", "SELECT path FROM traffic", through={"logs": "totals"})
    mistake = logs.only_mistake()
    assert (mistake.code, mistake.hint) == ("HW1212", "it reads traffic; name it where it is read")


def test_a_chain_reads_through_policies_where_it_takes_what_came(logs: Code) -> None:
    logs.model("paths", "SELECT path, bytes FROM logs", kind="merge", key=("path",), through={"LOGS": "totals"})
    assert {node.name: node.through for node in logs.graph().nodes if node.through} == {
        "paths@changes": {"logs": "totals"}
    }


# What is part of an address


def through(code: Code) -> None:
    code.model("traffic", code.models["traffic"].query, through={"Logs": "totals"})
    code.model("top", "SELECT max(bytes) AS most FROM traffic")
    code.model("other", "SELECT count(*) AS n FROM logs")


def test_reading_through_a_lossy_policy_is_another_version(logs: Code) -> None:
    logs.model("top", "SELECT max(bytes) AS most FROM traffic")
    logs.model("other", "SELECT count(*) AS n FROM logs")
    assert logs.rebuilt_by(lambda: through(logs)) == {"traffic", "top"}
    assert logs.node("traffic").through == {"logs": "totals"}


@pytest.mark.parametrize(
    "change",
    [
        {"ship": ("bytes", "path")},
        {"where": "bytes > 0"},
        {"as_": replace(TOTALS, min_group=20)},
        {"as_": replace(TOTALS, by={"path": "lower(path)"})},
        {"as_": Form(transform="round", on=("bytes",), step="10")},
    ],
)
def test_whoever_reads_through_a_lossy_policy_follows_its_changes(change: dict[str, Any], logs: Code) -> None:
    through(logs)
    changed = {name: replace(each, **change) for name, each in logs.policies.items()}
    assert logs.rebuilt_by(lambda: logs.policies.update(changed)) == {"traffic", "top"}


@pytest.mark.parametrize("change", [{"to": ("us", "uk")}, {"description": "why"}, {"ship": ("Bytes",)}])
def test_where_rows_may_go_is_no_matter_of_versions(change: dict[str, Any], logs: Code) -> None:
    through(logs)
    changed = {name: replace(each, **change) for name, each in logs.policies.items()}
    assert logs.rebuilt_by(lambda: logs.policies.update(changed)) == set()


def test_raw_rows_are_rows_whatever_policy_ships_them(logs: Code) -> None:
    logs.policy("rows", ship=("bytes", "path"), from_="logs@eu", to=("us",))
    named = {"logs": "rows"}
    assert logs.rebuilt_by(lambda: logs.model("traffic", logs.models["traffic"].query, through=named)) == set()
    assert logs.node("traffic").through == named


def test_who_makes_grants_gives_their_addresses(logs: Code) -> None:
    through(logs)
    one, other = (logs.graph(grant_address=lambda *_, key=key: key) for key in ("key 1", "key 2"))
    changed = {a.name for a, b in zip(one.nodes, other.nodes, strict=True) if a.version != b.version}
    assert changed == {"traffic", "top"}


CHANGES: dict[str, Callable[[Code], None]] = {
    "a policy": lambda code: code.policies.update(stays=Policy(name="stays", deny=Deny(class_="pii"))),
    "a retention": lambda code: code.policies.update(
        year=Policy(name="year", retain=Retain(class_="pii", for_=Seconds(9.0)))
    ),
    "a key": lambda code: code.keys.update(crm=Key(name="crm", secret="${env:CRM}", at_sites=("fr",))),  # noqa: S106 - a reference
    "a jurisdiction": lambda code: code.sites.update(uk=Site(name="uk", jurisdiction="gb")),
    "copies": lambda code: code.sources.update(logs=replace(code.sources["logs"], replicated=True)),
    "a partition": lambda code: code.sources.update(logs=replace(code.sources["logs"], partition={"PATH": "paths"})),
}


@pytest.mark.parametrize("what", CHANGES)
def test_borders_are_part_of_the_code_and_of_no_version(what: str, logs: Code) -> None:
    before = logs.graph().digest
    assert logs.rebuilt_by(lambda: CHANGES[what](logs)) == set()
    assert logs.graph().digest != before


def test_places_in_files_are_no_part_of_the_code(logs: Code) -> None:
    before = logs.graph().digest
    logs.policy("totals", line=7, ship=("BYTES",), from_="logs@eu", to=("hub",), as_=TOTALS)
    assert policy(logs, "totals").line == 7
    assert logs.graph().digest == before


def test_names_of_sites_alone_change_no_digest(flights: Code) -> None:
    before = flights.graph().digest
    flights.sites = {"hub": Site(name="hub"), "ewr": Site(name="ewr", labels={"region": "east"})}
    assert flights.graph().digest == before


# What a release keeps


def test_a_graph_comes_back_with_its_borders(logs: Code) -> None:
    through(logs)
    CHANGES["a partition"](logs)
    for what in ("a policy", "a retention", "a key"):
        CHANGES[what](logs)
    graph = logs.graph()
    source = graph.nodes[0].source
    assert source is not None
    assert source.partition == {"path": "paths"}
    assert decode(encode(graph)) == graph


def test_a_graph_of_an_older_release_has_no_borders(flights: Code) -> None:
    document = json.loads(encode(flights.graph()))
    del document["borders"]
    for node in document["nodes"]:
        del node["through"]
        if node["source"]:
            del node["source"]["replicated"], node["source"]["partition"]
    assert decode(json.dumps(document).encode()).borders == Borders()
