"""A day at a site is a day where the model says."""

SALES = {"ts": {"type": "timestamptz", "required": True}, "price": "bigint"}


def test_days_are_cut_at_a_site_as_on_one_machine(project):
    project.settings(sites={"hub": {}, "ny": {"runtime": "local"}})
    project.source("sales", SALES, at=["ny"], time="ts", start="2024-01-01T00:00:00-05:00", rows=[])
    project.file("sales", "1.csv", list(SALES), [("2024-01-01T20:00:00-05:00", 1), ("2024-01-02T08:00:00-05:00", 2)])
    project.model(
        "daily",
        "SELECT CAST(ts AS DATE) AS day, sum(price) AS total FROM sales"
        " WHERE CAST(ts AS DATE) >= $start AND CAST(ts AS DATE) < $end GROUP BY ALL",
        kind="incremental",
        time="day",
        every="1d",
        timezone="America/New_York",
    )
    project.apply()
    assert project.query("SELECT CAST(day AS TEXT), CAST(total AS INT) FROM daily ORDER BY day") == [
        ("2024-01-01", 1),
        ("2024-01-02", 2),
    ]
