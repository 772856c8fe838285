"""Leaks through aggregates: what may be asked of cells, and what of the rows behind them."""

from typing import Any, Final

from tests.policy.adversarial.values import Case, leaks, legal
from tests.policy.adversarial.worlds import TOTALS

THROUGH: Final = {"access_log": "traffic-totals"}


def _totals(**changes: Any) -> dict[str, Any]:
    """The rule of the world ``totals``, with another form."""
    return {"traffic-totals": {**TOTALS, "as": {**TOTALS["as"], **changes}}}


def _rule(**changes: Any) -> dict[str, Any]:
    return {"traffic-totals": {**TOTALS, **changes}}


CASES: Final[tuple[Case, ...]] = (
    *leaks(
        "a lossy grant is never chosen silently, and no raw one is there",
        {
            "totals without saying through": "SELECT sum(bytes) FROM access_log",
            "totals by path without through": "SELECT path, sum(bytes) FROM access_log GROUP BY path",
            "hours without through": "SELECT date_trunc('hour', ts) AS hour, count(*) FROM access_log GROUP BY 1",
        },
        world="totals",
    ),
    *leaks(
        "rows behind cells do not leave, only cells do",
        {
            "a row through totals": "SELECT ts FROM access_log",
            "the unit through totals": "SELECT client_ip FROM access_log",
            "units counted through totals": "SELECT path, count(DISTINCT client_ip) FROM access_log GROUP BY path",
            "a predicate on the unit": "SELECT sum(bytes) FROM access_log WHERE client_ip = '10.9.9.1'",
            "a condition finer than by": "SELECT sum(bytes) FROM access_log WHERE ts < '2024-01-01 00:30:00'",
            "a condition on the summed column": "SELECT sum(bytes) FROM access_log WHERE bytes = 7",
            "a singleton by CASE": "SELECT sum(CASE WHEN bytes = 14 THEN bytes END) FROM access_log",
            "a singleton by FILTER": "SELECT sum(bytes) FILTER (WHERE user_id = 91) FROM access_log",
            "a group finer than by": "SELECT ts, sum(bytes) FROM access_log GROUP BY ts",
            "a group by a unique key": "SELECT id, sum(bytes) FROM access_log GROUP BY id",
            "a group by a column that is not by": "SELECT region, sum(bytes) FROM access_log GROUP BY region",
            "min of a shipped column": "SELECT path, min(bytes) FROM access_log GROUP BY path",
            "max of a shipped column": "SELECT path, max(bytes) FROM access_log GROUP BY path",
            "median of a shipped column": "SELECT path, median(bytes) FROM access_log GROUP BY path",
            "list of a shipped column": "SELECT path, list(bytes) FROM access_log GROUP BY path",
            "any_value of a shipped column": "SELECT path, any_value(bytes) FROM access_log GROUP BY path",
            "arg_max over rows": "SELECT path, arg_max(status, bytes) FROM access_log GROUP BY path",
            "mode": "SELECT path, mode(bytes) FROM access_log GROUP BY path",
            "histogram": "SELECT path, histogram(bytes) FROM access_log GROUP BY path",
            "approx_quantile": "SELECT path, approx_quantile(bytes, 0.9) FROM access_log GROUP BY path",
            "approx_count_distinct of the unit": (
                "SELECT path, approx_count_distinct(client_ip) FROM access_log GROUP BY path"
            ),
            "a sum of an expression": "SELECT path, sum(bytes * user_id) FROM access_log GROUP BY path",
            "a cross join that makes rows": (
                "SELECT path, sum(bytes) FROM access_log CROSS JOIN range(10) GROUP BY path HAVING count(*) >= 10"
            ),
            "a join before the count": (
                "SELECT b.reason, sum(a.bytes) FROM access_log a JOIN blocked b ON a.client_ip = b.client_ip GROUP BY 1"
            ),
            "a window over rows": "SELECT path, sum(bytes) OVER (ORDER BY id) FROM access_log",
            "a row limit": "SELECT sum(bytes) FROM (SELECT bytes FROM access_log ORDER BY id DESC LIMIT 1)",
            "DISTINCT rows": "SELECT DISTINCT bytes FROM access_log",
            "EXISTS of a rare row": "SELECT EXISTS (SELECT 1 FROM access_log WHERE user_id = 91) AS seen",
            "a whole row through totals": "SELECT a FROM access_log a",
            "PIVOT through totals": "PIVOT access_log ON region USING sum(bytes) GROUP BY path",
        },
        world="totals",
        through=THROUGH,
        silent=True,
    ),
    *leaks(
        "samples are refused: two of them give what one hides",
        {
            "USING SAMPLE": "SELECT sum(bytes) FROM access_log USING SAMPLE 50 PERCENT (bernoulli, 1)",
            "TABLESAMPLE": "SELECT sum(bytes) FROM access_log TABLESAMPLE reservoir(3 ROWS) REPEATABLE (1)",
        },
        world="totals",
        through=THROUGH,
        silent=True,
    ),
    *leaks(
        "a rule that would show single people is no rule",
        {"through a rule without a unit": "SELECT path, sum(bytes) FROM access_log GROUP BY path"},
        world="totals",
        through=THROUGH,
        policies=_totals(unit=""),
        silent=True,
    ),
    *leaks(
        "a group of one is a person",
        {"through a rule of groups of one": "SELECT path, sum(bytes) FROM access_log GROUP BY path"},
        world="totals",
        through=THROUGH,
        policies=_totals(min_group=1),
        silent=True,
    ),
    *leaks(
        "groups by the unit are groups of one",
        {"by the unit": "SELECT who, sum(bytes) FROM access_log GROUP BY who"},
        world="totals",
        through=THROUGH,
        policies=_totals(by={"who": "client_ip"}),
        invalid=True,
    ),
    *leaks(
        "a denied class in `by` leaves in the names of groups",
        {"by a hash of the unit": "SELECT who, sum(bytes) FROM access_log GROUP BY who"},
        world="totals",
        through=THROUGH,
        policies=_totals(by={"who": "hash(client_ip)"}),
        invalid=True,
    ),
    *leaks(
        "a denied class in `where` tells which cells one person is in",
        {"a rule about one address": "SELECT path, sum(bytes) FROM access_log GROUP BY path"},
        world="totals",
        through=THROUGH,
        policies=_rule(where="client_ip <> '10.9.9.1'"),
        silent=True,
    ),
    *leaks(
        "`min` is no aggregate that hides",
        {"a rule with min": "SELECT path, min(bytes) FROM access_log GROUP BY path"},
        world="totals",
        through=THROUGH,
        policies=_totals(aggregates=["min"]),
        silent=True,
    ),
    *leaks(
        "a denied class is shipped in a sum",
        {"a rule that sums a denied column": "SELECT path, sum(user_id) FROM access_log GROUP BY path"},
        world="totals",
        through=THROUGH,
        policies={
            "traffic-totals": {**TOTALS, "ship": ["user_id"]},
            "pii-stays": {"deny": {"class": "pii", "to": ["!eu"], "even": ["aggregate"]}},
        },
        silent=True,
    ),
    *leaks(
        "two aggregates of one source for one jurisdiction are subtracted from each other",
        {"beside another aggregates rule": "SELECT path, sum(bytes) FROM access_log GROUP BY path"},
        world="totals",
        through=THROUGH,
        policies={"by-status": {**TOTALS, "as": {**TOTALS["as"], "by": {"status": "status"}}}},
        silent=True,
    ),
    *leaks(
        "a window that slides over rows is a difference every time",
        {"a rule that slides by the second": "SELECT path, sum(bytes) FROM access_log GROUP BY path"},
        world="totals",
        through=THROUGH,
        policies=_rule(where="ts >= $now - INTERVAL 90 DAY"),
        silent=True,
    ),
    *leaks(
        "a rule whose rows are chosen by chance differs every time",
        {"a rule with random()": "SELECT path, sum(bytes) FROM access_log GROUP BY path"},
        world="totals",
        through=THROUGH,
        policies=_rule(where="random() < 0.5"),
        silent=True,
    ),
    *leaks(
        "a rule must not read another relation",
        {"a rule with a sub-query": "SELECT path, sum(bytes) FROM access_log GROUP BY path"},
        world="totals",
        through=THROUGH,
        policies=_rule(where="user_id IN (SELECT user_id FROM members)"),
        silent=True,
    ),
    *legal(
        "the grant is a table: sums of cells are sums of what was released",
        {
            "totals by path": "SELECT path, sum(bytes) AS bytes FROM access_log GROUP BY path",
            "totals by hour": (
                "SELECT date_trunc('hour', ts) AS hour, sum(bytes) AS bytes FROM access_log GROUP BY ALL"
            ),
            "totals of all": "SELECT sum(bytes) AS bytes, count(*) AS n FROM access_log",
            "totals where by": "SELECT sum(bytes) AS bytes FROM access_log WHERE path = '/a' AND status = 200",
            "totals joined at the hub": (
                "SELECT b.reason, t.bytes FROM (SELECT path, sum(bytes) AS bytes FROM access_log GROUP BY path) t"
                " JOIN blocked b ON b.path = t.path"
            ),
            "totals with HAVING": (
                "SELECT path, sum(bytes) AS bytes FROM access_log GROUP BY path HAVING sum(bytes) > 100"
            ),
            "mean by path": "SELECT path, avg(bytes) AS mean FROM access_log GROUP BY path",
        },
        world="totals",
        through=THROUGH,
    ),
)
