"""Leases under times that are arguments: who holds what, and numbers that never come back."""

from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.state.database import Database
from headwater.state.leases import acquire, lease, release_leases, renew
from tests.state.making import NOON, later


def test_a_free_lease_is_granted(db: Database) -> None:
    granted = acquire(db, ["a", "b"], "ada", NOON, 60)
    assert set(granted) == {"a", "b"}
    assert (lease(db, "a").holder, lease(db, "a").expires_at) == ("ada", later(60))
    assert lease(db, "c") is None


def test_what_somebody_holds_is_not_granted(db: Database) -> None:
    acquire(db, ["a"], "ada", NOON, 60)
    assert set(acquire(db, ["a", "b"], "bob", later(59), 60)) == {"b"}


def test_who_asks_in_vain_writes_nothing(file_db: Database, tmp_path: Path) -> None:
    acquire(file_db, ["a"], "ada", NOON, 60)
    written = (tmp_path / "state.db-wal").stat().st_size
    assert acquire(file_db, ["a"], "bob", later(59), 60) == {}
    assert (tmp_path / "state.db-wal").stat().st_size == written > 0


def test_an_expired_lease_goes_to_who_asks_with_a_larger_fence(db: Database) -> None:
    old = acquire(db, ["a"], "ada", NOON, 60)["a"]
    assert acquire(db, ["a"], "bob", later(60), 60)["a"] > old


def test_asking_again_for_ones_own_prolongs_it_under_the_same_fence(db: Database) -> None:
    fence = acquire(db, ["a"], "ada", NOON, 60)["a"]
    assert acquire(db, ["a"], "ada", later(30), 60) == {"a": fence}
    assert lease(db, "a").expires_at == later(90)


def test_renewing_says_what_is_still_mine(db: Database) -> None:
    acquire(db, ["a", "b"], "ada", NOON, 60)
    acquire(db, ["b"], "bob", later(61), 60)
    assert renew(db, ["a", "b", "c"], "ada", later(62), 60) == {"a"}
    assert lease(db, "a").expires_at == later(122)
    assert lease(db, "b").holder == "bob"


def test_only_the_holder_gives_back(db: Database) -> None:
    acquire(db, ["a"], "ada", NOON, 60)
    release_leases(db, ["a"], "bob")
    assert lease(db, "a") is not None
    release_leases(db, ["a"], "ada")
    assert lease(db, "a") is None


def test_a_lease_given_back_and_taken_again_has_a_larger_fence(db: Database) -> None:
    old = acquire(db, ["a"], "ada", NOON, 60)["a"]
    release_leases(db, ["a"], "ada")
    assert acquire(db, ["a"], "ada", NOON, 60)["a"] > old


def test_asking_for_a_name_twice_or_for_nothing_is_harmless(db: Database) -> None:
    assert set(acquire(db, ["a", "a"], "ada", NOON, 60)) == {"a"}
    assert acquire(db, [], "ada", NOON, 60) == {}
    assert renew(db, [], "ada", NOON, 60) == frozenset()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["acquire", "renew", "release"]),
        st.sampled_from(["ada", "bob", "eve"]),
        st.sets(st.sampled_from("abc"), min_size=1),
        st.integers(0, 40),
    ),
    max_size=25,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_there_is_one_holder_at_a_time_and_fences_only_grow(db: Database, steps) -> None:
    ttl, now, holders, fences = 60, NOON, {}, {}
    for holder in ("ada", "bob", "eve"):
        release_leases(db, "abc", holder)
    for action, holder, names, wait in steps:
        now += timedelta(seconds=wait)
        if action == "acquire":
            expected = {n for n in names if n not in holders or holders[n][0] == holder or holders[n][1] <= now}
            granted = acquire(db, sorted(names), holder, now, ttl)
            assert set(granted) == expected
            for name, fence in granted.items():
                same = name in holders and holders[name][0] == holder
                assert fence == fences[name] if same else fence > fences.get(name, 0)
                fences[name], holders[name] = fence, (holder, now + timedelta(seconds=ttl))
        elif action == "renew":
            mine = {name for name in names if name in holders and holders[name][0] == holder}
            assert renew(db, names, holder, now, ttl) == mine
            holders |= {name: (holder, now + timedelta(seconds=ttl)) for name in mine}
        else:
            release_leases(db, names, holder)
            holders = {n: h for n, h in holders.items() if n not in names or h[0] != holder}


def test_a_lease_on_the_whole_is_one_on_its_parts(db: Database) -> None:
    acquire(db, ["build:a", "build:b/1"], "ada", NOON, 60)
    assert set(acquire(db, ["build:a/1", "build:b/2", "build:c"], "bob", later(1), 60)) == {"build:b/2", "build:c"}


def test_a_lease_on_a_part_keeps_others_from_the_whole_until_it_expires(db: Database) -> None:
    acquire(db, ["build:a/1"], "ada", NOON, 60)
    assert acquire(db, ["build:a"], "bob", later(1), 60) == {}
    assert set(acquire(db, ["build:a"], "ada", later(1), 60)) == {"build:a"}
    assert set(acquire(db, ["build:a"], "bob", later(70), 60)) == {"build:a"}
