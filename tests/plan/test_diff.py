"""The one rule of dueness, on graphs and heads made by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from headwater.graph.values import Column, Graph, Input, Node, TimeCut
from headwater.plan.diff import diff
from headwater.plan.knowledge import Knowledge, Options
from headwater.plan.values import SourceFacts
from headwater.plan.wanted import Horizon
from headwater.spec.observations import Item, Observation, runs_of
from headwater.spec.releases import Head, HeadNode, rollup

DAY = timedelta(days=1)
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
CUT = TimeCut(column="at", type="TIMESTAMP", timezone="UTC", every="1d", start=FIRST)


def node(name, kind, *inputs, version="1", **more):
    columns = (Column(name="at", type="TIMESTAMP", address=version), Column(name="x", type="INTEGER", address=version))
    time = CUT if kind == "incremental" else None
    return Node(
        name=name, kind=kind, version=version, rows_address=version, columns=columns, inputs=inputs, time=time, **more
    )


def cut(name, **more):
    return Input(node=name, columns=("at",), cut=True, **more)


RAW = replace(node("raw", "source"), time=replace(CUT, every=""))
CLEAN = node("clean", "incremental", cut("raw"))
TOTALS = node("totals", "full", Input(node="clean", columns=("x",)))


class World:
    """A head, files, and what was sealed; plans are made against it and taken over as if all had been computed."""

    def __init__(self, *nodes, days=3):
        self.graph = Graph(project="p", nodes=nodes, digest="code-1")
        self.now = FIRST + (days - 1) * DAY + timedelta(hours=12)
        self.files = {f"file{n}": (n,) for n in range(days)}
        self.head = Head(environment="dev", release=None, code="", nodes={}, holds={}, entries_of=lambda _: {})
        self.sealed, self.refused, self.horizon = set(), set(), None

    def facts(self):
        items = tuple(Item(path=name, identity=name, size_bytes=1) for name in sorted(self.files))
        first = int(FIRST.timestamp()) // 3600
        occupied = {name: runs_of((first + 24 * d + 3 for d in days), 3600) for name, days in self.files.items()}
        return {"raw": SourceFacts(observations=(Observation("raw", "hub", items),), occupied=occupied)}

    def plan(self, **options):
        return diff(
            self.graph,
            self.head,
            self.facts(),
            now=self.now,
            horizon=self.horizon or Horizon(as_of=self.now),
            knowledge=Knowledge(
                sealed=lambda _, ids: frozenset(ids) & self.sealed,
                refused=lambda _, ids: frozenset(ids) & self.refused,
                latest=lambda *_: None,
                chain=lambda _: {},
            ),
            previous=lambda: self.graph if self.head.code else None,
            options=Options(**options),
        )

    def move(self, **options):
        plan = self.plan(**options)
        entries, nodes = {}, {}
        for name, each in plan.nodes.items():
            found = self.head.entries_of(name) if each.settled else each.chosen
            entries[name] = dict(found)
            self.sealed |= {entry.fill for entry in found.values()}
            digest = rollup((key, entry.digest) for key, entry in found.items())
            nodes[name] = HeadNode(version=each.node.version, rollup=digest, slots=len(found), settled=each.settles)
        self.head = replace(
            self.head, release="r", code=self.graph.digest, nodes=nodes, entries_of=lambda name: entries.get(name, {})
        )
        return plan

    def change(self, changed):
        nodes = tuple(changed if n.name == changed.name else n for n in self.graph.nodes)
        self.graph = replace(self.graph, nodes=nodes, digest=self.graph.digest + "+")


def built(plan):
    return {name: len(each.build) for name, each in plan.nodes.items() if each.build}


def reused(plan):
    return {name: len(each.reuse) for name, each in plan.nodes.items() if each.reuse}


def test_a_first_plan_builds_every_wanted_slot():
    assert built(World(RAW, CLEAN, TOTALS).plan()) == {"clean": 3, "totals": 1}


def test_nothing_is_due_straight_after():
    world = World(RAW, CLEAN, TOTALS)
    world.move()
    assert world.plan().is_empty


def test_a_late_file_makes_only_its_slots_due():
    world = World(RAW, CLEAN, TOTALS)
    world.move()
    world.files["late"] = (1,)
    assert built(world.plan()) == {"clean": 1, "totals": 1}


def test_the_same_content_at_a_second_path_counts():
    world = World(RAW, CLEAN)
    before = world.plan().nodes["clean"].build
    world.files = {"file0": (0,), "copy": (0,), "file1": (1,), "file2": (2,)}
    assert {k for k, e in world.plan().nodes["clean"].build.items() if e != before[k]} == {
        ("hub", "2024-01-01T00:00:00Z")
    }


def test_a_new_day_makes_one_slot_due():
    world = World(RAW, CLEAN, TOTALS)
    world.move()
    world.now += DAY
    assert built(world.plan()) == {"clean": 1, "totals": 1}


def test_a_new_version_is_built_anew_and_its_unchanged_reader_stays():
    world = World(RAW, CLEAN, TOTALS)
    world.move()
    world.change(replace(CLEAN, version="2"))
    assert built(world.plan()) == {"clean": 3}


def test_going_back_to_an_old_version_computes_nothing():
    world = World(RAW, CLEAN, TOTALS)
    world.move()
    world.change(replace(CLEAN, version="2"))
    world.move()
    world.change(CLEAN)
    plan = world.plan()
    assert (built(plan), reused(plan)) == ({}, {"clean": 3})


def test_an_input_as_of_the_run_does_not_make_slots_due():
    resting = replace(CLEAN, inputs=(cut("raw"), Input(node="totals", columns=("x",), moving=False)))
    other = node("totals", "full", Input(node="raw", columns=("x",)))
    world = World(RAW, other, resting)
    world.move()
    world.files["late"] = (2,)
    assert built(world.plan())["clean"] == 1


def test_what_reads_the_day_before_moves_with_it():
    rolling = node("rolling", "incremental", cut("clean", before_s=86400.0))
    world = World(RAW, CLEAN, rolling)
    world.move()
    world.files["late"] = (0,)
    assert built(world.plan()) == {"clean": 1, "rolling": 2}


def test_a_coarser_slot_stands_on_all_the_slots_it_covers():
    weekly = replace(node("weekly", "incremental", cut("clean")), time=replace(CUT, every="1w"))
    world = World(RAW, CLEAN, weekly, days=10)
    assert built(world.plan()) == {"clean": 10, "weekly": 2}


def test_a_view_passes_positions_on():
    view = replace(node("view", "view", cut("clean")), time=CUT)
    reader = node("reader", "incremental", cut("view"))
    world = World(RAW, CLEAN, view, reader)
    world.move()
    world.files["late"] = (1,)
    assert built(world.plan()) == {"clean": 1, "reader": 1}


def test_a_refused_fill_blocks_its_slot_and_its_readers_keep_what_they_have():
    world = World(RAW, CLEAN, TOTALS)
    world.move()
    world.files["late"] = (1,)
    [bad] = [entry.fill for entry in world.plan().nodes["clean"].build.values()]
    world.sealed.add(bad)
    world.refused.add(bad)
    plan = world.plan()
    assert (built(plan), len(plan.nodes["clean"].blocked)) == ({}, 1)


def test_a_slot_waits_for_what_it_reads():
    world = World(RAW, CLEAN, TOTALS)
    first = world.plan()
    bad = next(entry.fill for entry in first.nodes["clean"].build.values())
    world.sealed.add(bad)
    world.refused.add(bad)
    assert len(world.plan().nodes["totals"].waiting) == 1


def test_a_hold_lasts_until_the_inputs_move():
    world = World(RAW, CLEAN)
    world.move()
    world.files["late"] = (1,)
    [(key, rejected)] = world.plan().nodes["clean"].build.items()
    world.head = replace(world.head, holds={("clean", *key): rejected.moving})
    held = world.plan()
    world.files["later"] = (1,)
    assert (built(held), held.nodes["clean"].held, built(world.plan())) == ({}, {key}, {"clean": 1})


def test_holds_end_on_request():
    world = World(RAW, CLEAN)
    world.move()
    world.files["late"] = (1,)
    [(key, rejected)] = world.plan().nodes["clean"].build.items()
    world.head = replace(world.head, holds={("clean", *key): rejected.moving})
    assert built(world.plan(release_holds=True)) == {"clean": 1}


def test_a_window_drops_what_is_no_longer_wanted():
    world = World(RAW, CLEAN, days=9)
    world.move()
    world.horizon = Horizon(as_of=world.now, window_s=2 * 86400.0)
    assert len(world.plan().nodes["clean"].drop) == 6


def test_a_volatile_node_is_due_at_each_run_and_never_by_itself():
    volatile = replace(TOTALS, volatile=True)
    world = World(RAW, CLEAN, volatile)
    world.move()
    world.now += timedelta(minutes=1)
    assert (built(world.plan()), built(world.plan(refresh=True))) == ({}, {"totals": 1})


def test_lookback_refills_recent_slots_at_each_run():
    looking = replace(CLEAN, lookback_s=86400.0)
    world = World(RAW, looking, days=5)
    world.move()
    world.now += timedelta(minutes=1)
    assert (built(world.plan()), built(world.plan(refresh=True))) == ({}, {"clean": 2})


def test_a_selection_leaves_the_rest_alone():
    world = World(RAW, CLEAN, TOTALS)
    world.move()
    world.files["late"] = (1,)
    assert built(world.plan(selected=frozenset({"totals"}))) == {}


def test_a_node_that_the_code_no_longer_has_is_dropped():
    world = World(RAW, CLEAN, TOTALS)
    world.move()
    world.graph = replace(world.graph, nodes=(RAW, CLEAN), digest="code-2")
    assert world.plan().dropped == ("totals",)


def test_a_slot_whose_held_input_was_taken_back_with_it_stays_as_it_is():
    world = World(
        RAW, CLEAN, node("named", "incremental", cut("clean"), Input(node="raw", columns=("x",), moving=False))
    )
    world.move()
    world.files["late"] = (1,)
    plan = world.plan()
    rejected = {name: dict(plan.nodes[name].build) for name in ("clean", "named")}
    holds = {(name, *key): entry.moving for name, found in rejected.items() for key, entry in found.items()}
    world.head = replace(world.head, holds=holds)
    held = world.plan()
    assert (built(held), held.nodes["named"].held) == ({}, set(rejected["named"]))
