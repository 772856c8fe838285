"""What came from outside: each nonce once, in order, and not for ever."""

from datetime import UTC, datetime, timedelta

from headwater.state.arrivals import add_arrival, arrivals_after, forget_arrivals, last_arrivals

NOW = datetime(2024, 1, 1, tzinfo=UTC)


def came(db, nonce, *, name="orders", at=NOW, environment="prod"):
    return add_arrival(db, environment, "webhook", name, nonce, at, "{}")


def test_a_nonce_is_taken_once(db):
    assert came(db, "a") is not None
    assert came(db, "a") is None


def test_a_nonce_of_another_name_or_environment_is_another_one(db):
    assert None not in {came(db, "a"), came(db, "a", name="x"), came(db, "a", environment="dev")}


def test_what_came_is_given_in_order_from_where_one_was(db):
    first, second, third = (came(db, nonce) for nonce in "abc")
    assert [each.seq for each in arrivals_after(db, "prod", "webhook", "orders", first)] == [second, third]


def test_the_last_of_each_name_is_known(db):
    came(db, "a")
    last, other = came(db, "b"), came(db, "c", name="x")
    assert last_arrivals(db, "prod") == {("webhook", "orders"): last, ("webhook", "x"): other}


def test_old_arrivals_are_forgotten_but_for_the_last(db):
    for number in range(5):
        came(db, str(number), at=NOW + timedelta(minutes=number))
    forget_arrivals(db, "prod", "webhook", "orders", NOW + timedelta(minutes=4), keep=2)
    assert [each.nonce for each in arrivals_after(db, "prod", "webhook", "orders", 0)] == ["3", "4"]
