"""What every runtime must do: inherit `Conformance`, and give a `world` whose `runtime` reaches both of its sites."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from headwater.app.site import auditing
from headwater.app.site.homes import open_home
from headwater.connect.runtimes import Fragment, Granted, Measure, Observe
from headwater.diagnostics import Broken, HeadwaterError, Refused, Retryable
from headwater.policy.charters import digest, encode
from headwater.spec.policies import Form
from tests.runtimes.worlds import MOMENT, RULE, World, hour, rule, source

EU = "1,2024-01-01T00:10:00Z,2.50,anna,anna@example.org\n2,2024-01-01T03:10:00Z,3.50,bert,bert@example.org\n"
US = "7,2024-01-01T00:20:00Z,9.00,carl,carl@example.org\n"
ALL = 'SELECT id, price FROM "granted"."g1"'
ALL_COLUMNS = {"id": "BIGINT", "price": "DECIMAL(12,2)"}
RANGE = "SELECT hash(range) AS h FROM range(13000000)"


def vanishing(world: World, on_vanish: str) -> None:
    """Have both operators say what a file that disappears means."""
    node = world.charter.sources[0]
    world.charter = replace(world.charter, sources=(replace(node, source=replace(node.source, on_vanish=on_vanish)),))
    world.approve()


def _of_other_rule(world: World) -> Fragment:
    reads = (Granted(name="g1", source="sales", rule="no-such-rule"),)
    return world.fragment(ALL, ALL_COLUMNS, reads=reads)


def _without_rule(world: World) -> Fragment:
    return world.fragment(ALL, ALL_COLUMNS, reads=(Granted(name="g1", source="sales", rule=""),))


def _file_function(world: World) -> Fragment:
    path = world.path / "us" / "root" / "data" / "1.csv"
    return world.fragment(f"SELECT content FROM read_text('{path}')", {"content": "VARCHAR"})


REFUSED = {
    "a charter that nobody approved": lambda w: w.fragment(ALL, ALL_COLUMNS, charter="0" * 32),
    "a rule that does not exist": _of_other_rule,
    "no rule": _without_rule,
    "a receiver that the rule does not name": lambda w: w.fragment(ALL, ALL_COLUMNS, site="us", to=("eu",)),
    "a receiver that nobody knows": lambda w: w.fragment(ALL, ALL_COLUMNS, to=("mars",)),
    "a column that the rule does not ship": lambda w: w.fragment(
        'SELECT email FROM "granted"."g1"', {"email": "VARCHAR"}
    ),
    "a relation that is not declared": lambda w: w.fragment("SELECT id, price FROM sales", ALL_COLUMNS),
    "a grant that is not declared": lambda w: w.fragment('SELECT id, price FROM "granted"."g2"', ALL_COLUMNS),
    "a function that reads files": _file_function,
    "a file": lambda w: w.fragment(f"SELECT * FROM '{w.path}/us/root/data/1.csv'", ALL_COLUMNS),
    "the settings of the engine": lambda w: w.fragment("SELECT value FROM duckdb_settings()", {"value": "VARCHAR"}),
    "a variable of the session": lambda w: w.fragment("SELECT getvariable('key_crm_inner') AS k", {"k": "BLOB"}),
    "two statements": lambda w: w.fragment(f"{ALL}; {ALL}", ALL_COLUMNS),
    "what is no query": lambda w: w.fragment("INSTALL httpfs", ALL_COLUMNS),
    "other names of columns": lambda w: w.fragment(ALL, {"id": "BIGINT", "total": "DECIMAL(12,2)"}),
    "other types of columns": lambda w: w.fragment(ALL, {"id": "BIGINT", "price": "DOUBLE"}),
    "a source that the site does not hold": lambda w: w.fragment(
        ALL, ALL_COLUMNS, reads=(Granted(name="g1", source="orders", rule=RULE),)
    ),
    "an exchange that was not sent": lambda w: w.fragment(ALL, ALL_COLUMNS, received={"x0": (("id", "BIGINT"),)}),
}


class Conformance:
    """The fixture `world` has both sites' charters approved and no files yet."""

    def test_a_site_says_who_it_is_and_what_it_approved(self, world):
        with world.session() as session:
            state = session.state()
        assert (state.site, state.approved) == ("eu", (digest(world.charter),))

    def test_each_site_answers_from_its_own_rows(self, world):
        world.file("eu", "1.csv", EU)
        world.file("us", "1.csv", US)
        assert world.ask(ALL, ALL_COLUMNS) == [("1", "2.50"), ("2", "3.50")]
        assert world.ask(ALL, ALL_COLUMNS, "us") == [("7", "9.00")]

    def test_a_site_without_files_has_no_rows(self, world):
        assert world.ask(ALL, ALL_COLUMNS) == []

    def test_types_that_files_cannot_hold_come_back(self, world):
        world.file("eu", "1.csv", EU)
        query = (
            "SELECT sum(id) AS n, INTERVAL 3 DAY AS i, CAST(1 AS UHUGEINT) AS u, [max(price)] AS l,"
            ' CAST(\'12:00:00+02\' AS TIMETZ) AS t, max(ts) AS ts FROM "granted"."g1"'
        )
        columns = {"n": "HUGEINT", "i": "INTERVAL", "u": "UHUGEINT", "l": "DECIMAL(12,2)[]"}
        columns |= {"t": "TIME WITH TIME ZONE", "ts": MOMENT}
        assert world.ask(query, columns) == [("3", "3 days", "1", "[3.50]", "12:00:00+02", "2024-01-01 03:10:00+00")]

    def test_parameters_are_bound_where_the_fragment_runs(self, world):
        world.file("eu", "1.csv", EU)
        query = 'SELECT id FROM "granted"."g1" WHERE price > $least AND name <> \'$least\''
        assert world.ask(query, {"id": "BIGINT"}, parameters={"least": "3.00"}) == [("2",)]

    def test_keys_that_are_sent_along_pick_rows(self, world):
        world.file("eu", "1.csv", EU)
        path = world.exchange("x0", "SELECT 2::BIGINT AS id, 5::HUGEINT AS n", {"id": "BIGINT", "n": "HUGEINT"})
        query = 'SELECT g.id, x.n FROM "granted"."g1" AS g JOIN "exchange"."x0" AS x ON g.id = x.id'
        received = {"x0": (("id", "BIGINT"), ("n", "HUGEINT"))}
        fragment = world.fragment(query, {"id": "BIGINT", "n": "HUGEINT"}, received=received)
        rows, sent = world.perform(fragment, {"x0": path})
        assert rows == [("2", "5")]
        assert sent.certificate.keys == 1

    @pytest.mark.parametrize("bound", [("eu",), ("us",), ()], ids=["here only", "not here", "unsaid"])
    def test_what_was_received_goes_no_further_than_its_senders_let_it(self, world, bound):
        path = world.exchange("x0", "SELECT 2::BIGINT AS id", {"id": "BIGINT"})
        received = {"x0": (("id", "BIGINT"),)}
        fragment = world.fragment(
            'SELECT id FROM "exchange"."x0"', {"id": "BIGINT"}, reads=(), received=received, bound={"x0": bound}
        )
        with pytest.raises(Refused) as refused:
            world.perform(fragment, {"x0": path})
        assert [each.code for each in refused.value.diagnostics] == ["HW1246"]
        assert world.audit("eu")[-1].kind == "refused"
        home = replace(fragment, to=("eu",), bound={"x0": ("eu",)})
        assert world.perform(home, {"x0": path})[1].certificate.destinations == ("eu",)

    def test_what_is_sent_along_must_be_as_declared(self, world):
        path = world.exchange("x0", "SELECT 'a' AS id", {"id": "VARCHAR"})
        fragment = world.fragment(
            'SELECT id FROM "exchange"."x0"', {"id": "BIGINT"}, received={"x0": (("id", "BIGINT"),)}, reads=()
        )
        with pytest.raises(Refused, match="what was sent"):
            world.perform(fragment, {"x0": path})
        path.write_bytes(b"no Parquet")
        with pytest.raises(Refused, match="what was sent"):
            world.perform(fragment, {"x0": path})

    def test_a_stretch_of_time_is_cut_out(self, world):
        world.file("eu", "1.csv", EU)
        (at,) = world.positions("eu", hour(2), hour(4))
        read = Granted(
            name="g1", source="sales", rule=RULE, start=hour(2), end=hour(4), positions=((hour(2), hour(4), at),)
        )
        assert world.ask(ALL, ALL_COLUMNS, reads=(read,)) == [("2", "3.50")]

    def test_a_grant_without_the_time_column_cannot_be_cut(self, world):
        world.charter = replace(world.charter, policies=(rule(ship=("id", "price")),))
        world.approve()
        read = Granted(name="g1", source="sales", rule=RULE, start=hour(2), end=hour(4))
        with pytest.raises(Refused, match="cut by time"):
            world.ask(ALL, ALL_COLUMNS, reads=(read,))

    def test_aggregates_leave_as_they_were_released_until_enough_has_changed(self, world):
        form = Form(aggregates=("count",), by={"name": "name"}, unit="id", min_group=2)
        world.charter = replace(world.charter, policies=(rule(ship=("price",), form=form),))
        world.approve()
        seen = []
        for last in range(3, 7):
            lines = [f"{each},2024-01-01T02:50:00Z,1.00,anna,\n" for each in range(last)]
            world.file("eu", "1.csv", "".join(lines))
            seen += world.ask('SELECT count FROM "granted"."g1"', {"count": "BIGINT"})
        assert [int(count) for (count,) in seen] == [3, 3, 5, 5]

    def test_only_the_stretch_that_changed_stands_elsewhere(self, world):
        world.file("eu", "1.csv", EU)
        borders = (hour(0), hour(1), hour(3), hour(4))
        before = world.positions("eu", *borders)
        world.file("eu", "2.csv", "3,2024-01-01T03:50:00Z,1.00,dora,\n")
        after = world.positions("eu", *borders)
        assert [old == new for old, new in zip(before, after, strict=True)] == [True, True, False]

    def test_borders_may_be_closer_than_an_hour(self, world):
        world.file("eu", "1.csv", EU)
        borders = [hour(3).replace(minute=minute) for minute in (0, 15, 30)]
        before = world.positions("eu", *borders)
        world.file("eu", "2.csv", "3,2024-01-01T03:20:00Z,1.00,dora,\n")
        after = world.positions("eu", *borders)
        assert [old == new for old, new in zip(before, after, strict=True)] == [True, False]

    def test_positions_tell_nothing_across_sites_and_stretches(self, world):
        world.file("eu", "1.csv", EU)
        found = [*world.positions("eu", hour(5), hour(6), hour(7)), *world.positions("us", hour(5), hour(6), hour(7))]
        assert len(set(found)) == 4, "empty stretches look like all others"

    def test_what_moved_since_it_was_observed_is_not_read(self, world):
        world.file("eu", "1.csv", EU)
        (at,) = world.positions("eu")
        read = Granted(name="g1", source="sales", rule=RULE, positions=((None, None, at),))
        assert len(world.ask(ALL, ALL_COLUMNS, reads=(read,))) == 2
        world.file("eu", "2.csv", "3,2024-01-01T03:50:00Z,1.00,dora,\n")
        with pytest.raises(Retryable, match="moved"):
            world.ask(ALL, ALL_COLUMNS, reads=(read,))

    def test_a_file_that_vanished_is_said_until_it_is_back_or_its_operator_forgets_it(self, world):
        from headwater.app.site.forgetting import forget

        vanishing(world, "fail")
        world.file("eu", "1.csv", EU)
        other = world.file("eu", "2.csv", "3,2024-01-01T03:50:00Z,1.00,dora,\n")
        before = world.positions("eu")
        other.unlink()
        for ask in (world.positions, lambda site: world.ask(ALL, ALL_COLUMNS, site)):
            with pytest.raises(Broken) as failed:
                ask("eu")
            assert [each.code for each in failed.value.diagnostics] == ["HW1290"]
        forget(world.home("eu"), "sales", "operator", hour(1))
        assert world.positions("eu") != before
        assert len(world.ask(ALL, ALL_COLUMNS)) == 2
        assert "forgot" in {entry.kind for entry in world.audit("eu")}

    def test_a_file_that_comes_back_is_not_missed(self, world):
        vanishing(world, "fail")
        path = world.file("eu", "1.csv", EU)
        assert world.positions("eu")
        aside = path.rename(world.path / "aside")
        with pytest.raises(Broken):
            world.positions("eu")
        aside.rename(path)
        assert len(world.ask(ALL, ALL_COLUMNS)) == 2

    def test_what_rotated_away_keeps_its_position_and_cannot_be_asked_for(self, world):
        vanishing(world, "keep")
        world.file("eu", "1.csv", EU)
        gone = world.file("eu", "2.csv", "3,2024-01-01T05:50:00Z,1.00,dora,\n")
        borders = (hour(0), hour(4), hour(6))
        before = world.positions("eu", *borders)
        gone.unlink()
        assert world.positions("eu", *borders) == before
        assert world.positions("eu", *borders) == before
        read = Granted(name="g1", source="sales", rule=RULE, start=hour(0), end=hour(4))
        assert len(world.ask(ALL, ALL_COLUMNS, reads=(read,))) == 2
        for asked in (read := replace(read, start=hour(4), end=hour(6)), replace(read, start=None, end=None)):
            with pytest.raises(Refused) as refused:
                world.ask(ALL, ALL_COLUMNS, reads=(asked,))
            assert [each.code for each in refused.value.diagnostics] == ["HW1292"]

    def test_a_deleted_file_moves_its_stretch(self, world):
        vanishing(world, "delete")
        world.file("eu", "1.csv", EU)
        gone = world.file("eu", "2.csv", "3,2024-01-01T05:50:00Z,1.00,dora,\n")
        borders = (hour(0), hour(4), hour(6))
        before = world.positions("eu", *borders)
        gone.unlink()
        assert [a == b for a, b in zip(before, world.positions("eu", *borders), strict=True)] == [True, False]
        assert len(world.ask(ALL, ALL_COLUMNS)) == 2

    def test_a_rule_with_now_is_asked_by_the_clock_of_the_site(self, world):
        world.charter = replace(world.charter, policies=(rule(predicate="ts <= $now"),))
        world.approve()
        world.file("eu", "1.csv", EU)
        assert len(world.ask(ALL, ALL_COLUMNS, now=datetime.now(UTC))) == 2
        with pytest.raises(Retryable) as failed:
            world.ask(ALL, ALL_COLUMNS, now=datetime.now(UTC) + timedelta(minutes=6))
        assert [each.code for each in failed.value.diagnostics] == ["HW1291"]

    def test_a_rule_is_read_in_the_time_zone_of_its_source(self, world):
        world.charter = replace(world.charter, policies=(rule(predicate="CAST(ts AS DATE) = DATE '2024-01-01'"),))
        world.approve()
        world.file("eu", "1.csv", EU)
        assert len(world.ask(ALL, ALL_COLUMNS)) == 2
        with pytest.raises(Refused) as refused:
            world.ask(ALL, ALL_COLUMNS, timezone="Pacific/Kiritimati")
        assert [each.code for each in refused.value.diagnostics] == ["HW1238"]

    def test_statistics_are_told_in_two_digits_from_a_thousand_rows_up(self, world):
        question = Measure(charter=digest(world.charter), source="sales")
        rows = [f"{i},2024-01-01T00:10:00Z,{i % 7},n{i},\n" for i in range(1234)]
        world.file("eu", "1.csv", "".join(rows[:999]))
        with world.session() as session:
            assert session.measure(question).rows == 0
            world.file("eu", "2.csv", "".join(rows[999:]))
            found = session.measure(question)
        assert found.rows == 1200
        assert 5 <= found.distinct["price"] <= 9, "an estimate of 7"
        assert all(str(number).rstrip("0")[2:] == "" for number in (found.bytes, *found.distinct.values()))

    @pytest.mark.parametrize("asked", REFUSED.values(), ids=REFUSED)
    def test_a_site_refuses(self, world, asked):
        world.file("eu", "1.csv", EU)
        world.file("us", "1.csv", US)
        fragment = asked(world)
        with pytest.raises(Refused):
            world.perform(fragment)
        assert [entry.kind for entry in world.audit(fragment.site)] == ["approved", "refused"]

    def test_a_fragment_for_another_site_is_refused(self, world):
        with world.session("us") as session, pytest.raises(Refused):
            session.perform(world.fragment(ALL, ALL_COLUMNS), {}, world.path / "answer")

    def test_a_withdrawn_charter_is_refused(self, world):
        from headwater.app.site.approving import withdraw

        world.file("eu", "1.csv", EU)
        assert world.ask(ALL, ALL_COLUMNS)
        withdraw(world.home("eu"), digest(world.charter), "operator", hour(1))
        with pytest.raises(Refused, match="approve"):
            world.ask(ALL, ALL_COLUMNS)

    def test_without_borders_nobody_has_to_approve(self, bare_world):
        world = bare_world
        world.file("eu", "1.csv", EU)
        reads = (Granted(name="g1", source="sales", rule=""),)
        with pytest.raises(Refused):
            world.ask(ALL, ALL_COLUMNS, reads=reads)
        with world.session() as session:
            assert session.offer(encode(world.charter))
        assert len(world.ask(ALL, ALL_COLUMNS, reads=reads)) == 2

    def test_whoever_has_approved_borders_takes_no_charter_without_them(self, world):
        without = replace(world.charter, places={}, policies=())
        with world.session() as session:
            assert not session.offer(encode(without))
            with pytest.raises(Refused):
                session.observe(Observe(charter=digest(without), source="sales"))

    def test_a_certificate_is_in_the_sites_audit_before_rows_leave(self, world):
        world.file("eu", "1.csv", EU)
        _, sent = world.perform(world.fragment('SELECT id FROM "granted"."g1" WHERE price > 3', {"id": "BIGINT"}))
        kept = world.audit("eu")[-1]
        assert (kept.kind, kept.document["certificate"]["fragment"]) == ("sent", sent.certificate.fragment)
        assert (kept.document["rows"], sent.certificate.rules) == (1, (RULE,))
        assert auditing.verify(open_home(world.home("eu"))) == (2, None)

    def test_a_proof_is_given_without_running(self, world):
        fragment = world.fragment(ALL, ALL_COLUMNS)
        with world.session() as session:
            certificate = session.prove(fragment)
        assert certificate.columns == (("id", "BIGINT", "raw"), ("price", "DECIMAL(12,2)", "raw"))
        assert world.audit("eu")[-1].kind == "proved"

    def test_a_site_whose_audit_was_changed_sends_nothing(self, world):
        world.file("eu", "1.csv", EU)
        chain = world.home("eu") / "audit.jsonl"
        chain.write_bytes(chain.read_bytes().replace(b"operator", b"somebody")[:-20])
        with pytest.raises(Broken, match="audit chain"):
            world.ask(ALL, ALL_COLUMNS)

    def test_an_error_of_the_engine_says_nothing_of_rows(self, world):
        world.file("eu", "1.csv", EU)
        query = 'SELECT CAST(name AS INTEGER) AS n FROM "granted"."g1"'
        with pytest.raises(Broken) as failed:
            world.ask(query, {"n": "INTEGER"})
        assert [each.code for each in failed.value.diagnostics] == ["HW1252"]
        assert not any(name in str(failed.value) for name in ("anna", "bert", "INT"))
        assert "anna" in (world.home("eu") / "log").read_text() or "bert" in (world.home("eu") / "log").read_text()

    def test_a_number_that_no_file_can_hold_is_said_in_a_word(self, world):
        query = "SELECT CAST('1' || repeat('0', 38) AS HUGEINT) AS n"
        with pytest.raises(Broken) as failed:
            world.ask(query, {"n": "HUGEINT"}, reads=())
        assert [each.code for each in failed.value.diagnostics] == ["HW1265"]

    def test_a_secret_of_the_asker_is_none_of_the_site(self, world, monkeypatch):
        monkeypatch.setenv("SALES", "data/*.csv")
        world.charter = replace(world.charter, sources=(source(path="${env:SALES}"),))
        world.approve()
        world.file("eu", "1.csv", EU)
        with pytest.raises(Broken) as failed:
            world.ask(ALL, ALL_COLUMNS)
        assert [each.code for each in failed.value.diagnostics] == ["HW1267"]

    def test_two_askers_at_once_get_each_their_own(self, world):
        world.file("eu", "1.csv", EU)
        start, found = threading.Barrier(4), {}

        def ask(number: int) -> None:
            start.wait(60)
            query = f'SELECT id + {number} AS id FROM "granted"."g1"'
            found[number] = world.ask(query, {"id": "BIGINT"})

        threads = [threading.Thread(target=ask, args=(number,)) for number in (0, 10, 20, 30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert found == {n: [(str(n + 1),), (str(n + 2),)] for n in (0, 10, 20, 30)}
        assert auditing.verify(open_home(world.home("eu"))) == (5, None)

    def test_what_takes_too_long_is_stopped(self, world):
        query = "SELECT count(*) AS n FROM range(100000) AS a, range(100000) AS b, range(100000) AS c WHERE a.range % 7 = b.range % 11"
        with pytest.raises(Retryable):
            world.ask(query, {"n": "BIGINT"}, reads=(), timeout_s=0.2)
        assert world.ask("SELECT 1 AS n", {"n": "INTEGER"}, reads=()) == [("1",)]

    def test_a_refused_question_leaves_no_file(self, world):
        world.ask(ALL, ALL_COLUMNS)
        fragment = world.fragment("SELECT id, price FROM sales", ALL_COLUMNS)
        before = sorted(world.path.iterdir())
        with pytest.raises(HeadwaterError):
            world.perform(fragment)
        assert sorted(world.path.iterdir()) == before
        assert list((world.home("eu") / "tmp").iterdir()) == []

    def test_a_large_answer_passes_through_in_pieces(self, world):
        import tracemalloc

        fragment = world.fragment(RANGE, {"h": "UBIGINT"}, reads=(), to=("eu",))  # nothing crosses: unsorted
        to = world.path / "large.parquet"
        with world.session() as session:
            session.state()
            tracemalloc.start()
            sent = session.perform(fragment, {}, to)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert sent.bytes > to.stat().st_size > 100_000_000
        assert peak < 20_000_000
        (count,) = duckdb.sql(f"SELECT count(*) FROM read_parquet('{to}')").fetchone()
        assert count == Decimal(13_000_000)


def bordered(path: Path) -> World:
    """A world with two laws, which both operators approved."""
    world = World(path)
    world.approve()
    return world


def borderless(path: Path) -> World:
    """A world in which nothing declares a jurisdiction, and nobody approved anything."""
    world = World(path)
    world.charter = replace(world.charter, places={}, policies=())
    return world
