"""Merge, append and history models: what came is kept slot by slot, what it comes to is a fold of it."""

PRICES = {"seen": "timestamp", "id": "bigint", "price": "double"}


def prices(project, **days):
    """One file a day: day → rows of (seen, id, price)."""
    project.source("prices", PRICES, files=days, time="seen", start="2024-01-08")


def test_a_merge_keeps_the_last_row_of_each_key(project):
    project.source(
        "prices",
        PRICES,
        rows=[("2024-01-08 10:00", 1, 2.5), ("2024-01-09 10:00", 1, 3.0), ("2024-01-08 11:00", 2, 9)],
        time="seen",
        start="2024-01-08",
    )
    project.model(
        "latest",
        "SELECT * FROM prices WHERE seen >= $start AND seen < $end",
        kind="merge",
        key=["id"],
        time="seen",
        every="1d",
    )
    project.apply()
    assert project.query("SELECT id, price FROM latest ORDER BY id") == [(1, 3.0), (2, 9.0)]


def test_a_history_says_from_when_to_when(project):
    project.source(
        "prices",
        PRICES,
        rows=[("2024-01-08 10:00", 1, 2.5), ("2024-01-09 10:00", 1, 3.0), ("2024-01-10 09:00", 1, 3.0)],
        time="seen",
        start="2024-01-08",
    )
    project.model(
        "prices_h",
        "SELECT * FROM prices WHERE seen >= $start AND seen < $end",
        kind="history",
        key=["id"],
        time="seen",
        every="1d",
    )
    project.apply()
    assert project.query("SELECT price, valid_from::text, valid_to::text FROM prices_h ORDER BY 2") == [
        (2.5, "2024-01-08 10:00:00", "2024-01-09 10:00:00"),
        (3.0, "2024-01-09 10:00:00", None),
    ]


def test_a_history_of_snapshots_notices_change_and_loss(project):
    project.source("planes", {"id": "bigint", "seats": "bigint"}, rows=[(1, 100), (2, 200)])
    project.model("planes_h", "SELECT * FROM planes", kind="history", key=["id"])
    project.apply()
    project.source("planes", {"id": "bigint", "seats": "bigint"}, rows=[(1, 110), (3, 300)])
    project.later(hours=1)
    project.run()
    assert project.query("SELECT id, seats, valid_to IS NULL FROM planes_h ORDER BY 1, 2") == [
        (1, 100, False),
        (1, 110, True),
        (2, 200, False),
        (3, 300, True),
    ]
