"""Leaks by place: which rule covers what, relaying, linking two grants, models and macros on the way."""

from typing import Any, Final

from tests.policy.adversarial.values import Case, leaks, legal
from tests.policy.adversarial.worlds import LOG_LINES

_TO_UK: Final[dict[str, Any]] = {
    "ship": ["id", "client_ip", "bytes"],
    "from": "access_log@eu",
    "to": ["uk"],
}
_NO_DENY: Final[dict[str, Any]] = {"pii-stays": None}

CASES: Final[tuple[Case, ...]] = (
    *leaks(
        "without a rule nothing but public columns leaves",
        {
            "a row id": "SELECT id FROM access_log",
            "a predicate beside public columns": "SELECT region FROM access_log WHERE status = 500",
            "a count by a restricted column": "SELECT count(*) AS n FROM access_log GROUP BY path ORDER BY n",
            "an order beside public columns": "SELECT region FROM access_log ORDER BY bytes DESC LIMIT 1",
            "a join with a restricted column": "SELECT a.region FROM access_log a JOIN blocked b ON a.path = b.path",
            "an unclassified column without rules": "SELECT DISTINCT agent FROM access_log ORDER BY 1",
        },
        world="lawless",
        silent=True,
    ),
    *leaks(
        "a rule speaks of rows that its predicate chooses: others must not be asked for",
        {
            "no predicate": "SELECT id, bytes FROM access_log",
            "a weaker predicate": "SELECT id FROM access_log WHERE status >= 404",
            "another comparison": "SELECT id FROM access_log WHERE status <= 500",
            "a predicate in OR": "SELECT id FROM access_log WHERE status >= 500 OR bytes > 300",
            "a predicate in CASE": "SELECT CASE WHEN status >= 500 THEN id END AS id FROM access_log",
            "a predicate in FILTER": "SELECT sum(bytes) FILTER (WHERE status >= 500), count(*) FROM access_log",
            "a predicate in HAVING": "SELECT id, sum(bytes) FROM access_log GROUP BY id HAVING max(status) >= 500 OR true",
            "a predicate outside of a LIMIT": (
                "SELECT id FROM (SELECT id, status FROM access_log ORDER BY id LIMIT 1) WHERE status >= 500 OR true"
            ),
            "a predicate after a LIMIT": (
                "SELECT id FROM (SELECT id, status, bytes FROM access_log ORDER BY bytes DESC, id DESC LIMIT 3)"
                " WHERE status >= 500"
            ),
            "a predicate after a window": (
                "SELECT id, n FROM (SELECT id, status, sum(bytes) OVER () AS n FROM access_log) WHERE status >= 500"
            ),
            "a predicate on the outer side": (
                "SELECT b.path, a.id FROM blocked b LEFT JOIN access_log a ON a.path = b.path"
                " WHERE a.status >= 500 OR a.id IS NOT NULL"
            ),
            "a predicate in ON of a right join": (
                "SELECT a.id FROM blocked b RIGHT JOIN access_log a ON a.path = b.path AND a.status >= 500"
            ),
            "a negated predicate": "SELECT id FROM access_log WHERE NOT status >= 500",
            "one branch of UNION without it": (
                "SELECT id FROM access_log WHERE status >= 500 UNION ALL SELECT id FROM access_log"
            ),
            "a sub-query without it": (
                "SELECT id FROM access_log WHERE status >= 500 AND bytes >= (SELECT max(bytes) FROM access_log)"
            ),
            "a self join, one side without it": (
                "SELECT x.id FROM access_log x JOIN access_log y ON x.path = y.path WHERE x.status >= 500"
            ),
            "a predicate on another column of that name": (
                "SELECT a.id FROM access_log a, (SELECT 500 AS status) b WHERE b.status >= 500"
            ),
            "a predicate that an alias imitates": (
                "SELECT id FROM (SELECT id, 500 AS status FROM access_log) WHERE status >= 500"
            ),
            "a predicate with an integer that wraps": "SELECT id FROM access_log WHERE status + 400 >= 500",
            "a predicate with NULL let in": "SELECT id FROM access_log WHERE coalesce(status >= 500, true) OR id > 0",
            "a parameter instead of a constant": "SELECT id FROM access_log WHERE status >= 500 - 100",
            "a comparison as text": "SELECT id FROM access_log WHERE status::text >= '5' OR status < 500",
            "an anti join hides the predicate": (
                "SELECT b.path FROM blocked b WHERE NOT EXISTS"
                " (SELECT 1 FROM access_log a WHERE a.path = b.path AND a.bytes > 250)"
            ),
            "a full join keeps the others": (
                "SELECT a.id FROM (SELECT * FROM blocked) b FULL JOIN (SELECT id, path FROM access_log) a USING (path)"
            ),
        },
        world="failures",
    ),
    *leaks(
        "two rules do not grant the linkage of their columns",
        {
            "columns of two rules": "SELECT path, agent FROM access_log",
            "one rule as predicate of the other": "SELECT path FROM access_log WHERE agent = 'curl'",
            "one rule as group of the other": "SELECT agent, sum(bytes) FROM access_log GROUP BY agent",
        },
        policies={"agents": {"ship": ["agent", "region"], "from": "access_log@eu", "to": ["us"]}},
    ),
    *leaks(
        "a rule for another destination, or from elsewhere, is none",
        {
            "a rule to the UK asked in the US": "SELECT id, client_ip FROM access_log",
            "a rule of the UK used for the EU": "SELECT client_ip FROM access_log UNION ALL SELECT client_ip FROM uk_log",
            "relaying by a join in the UK": (
                "SELECT u.id, a.client_ip FROM uk_log u JOIN access_log a ON a.client_ip = u.client_ip"
            ),
            "relaying only whether it is there": (
                "SELECT u.id FROM uk_log u WHERE u.client_ip IN (SELECT client_ip FROM access_log)"
            ),
            "relaying a count": ("SELECT count(*) FROM uk_log u SEMI JOIN access_log a ON a.client_ip = u.client_ip"),
        },
        policies={"to-uk": _TO_UK, **_NO_DENY},
    ),
    *leaks(
        "relaying: what arrived in the UK is bound by the rule that brought it there",
        {
            "a view over what the UK may have": "SELECT ip FROM seen",
            "a count of what the UK may have": "SELECT count(*) FROM seen WHERE ip = '10.0.0.1'",
        },
        policies={
            "to-uk": _TO_UK,
            **_NO_DENY,
            "from-uk": {"ship": ["id", "client_ip"], "from": "uk_log@uk", "to": ["us"]},
        },
        models={
            "seen": (
                "SELECT a.client_ip AS ip FROM access_log a JOIN uk_log u ON a.client_ip = u.client_ip",
                {"kind": "inline"},
            )
        },
    ),
    *leaks(
        "deny beats ship",
        {
            "a denied column that a rule ships": "SELECT id, client_ip FROM access_log",
            "a denied column as predicate": "SELECT id FROM access_log WHERE client_ip = '10.0.0.1'",
            "a denied column, hashed": "SELECT id, md5(client_ip) FROM access_log",
        },
        policies={"addresses": {"ship": ["id", "client_ip"], "from": "access_log@eu", "to": ["us"]}},
    ),
    *leaks(
        "deny of one class takes those below it",
        {"a class below a denied one": "SELECT id, client_ip FROM access_log"},
        policies={
            "addresses": {"ship": ["id", "client_ip"], "from": "access_log@eu", "to": ["us"]},
            "pii-stays": {"deny": {"class": "pii.ip", "to": ["us"]}},
        },
        columns={"access_log.client_ip": ("text", "pii.ip.v4")},
    ),
    *leaks(
        "a rule whose predicate reads a denied class lets it decide",
        {"rows of one address": "SELECT id, path FROM access_log"},
        policies={"log-lines": {**LOG_LINES, "where": "client_ip = '10.0.0.1'"}},
        silent=True,
    ),
    *leaks(
        "a class that a model declares may add and not remove",
        {
            "a column called public": "SELECT ip FROM washed",
            "a column made of it called public": "SELECT ip FROM rewashed",
        },
        models={
            "washed": (
                "SELECT client_ip AS ip FROM access_log",
                {"kind": "inline", "columns": {"ip": {"class": "public"}}},
            ),
            "rewashed": (
                "SELECT upper(ip) AS ip FROM washed",
                {"kind": "inline", "columns": {"ip": {"class": "public"}}},
            ),
        },
    ),
    *leaks(
        "views and inline models are their queries",
        {
            "a view of an address": "SELECT x FROM first_view",
            "a view over views": "SELECT z FROM third_view",
            "a star over a view": "SELECT * FROM second_view",
            "a predicate through views": "SELECT n FROM third_view WHERE z = '10.0.0.1'",
            "an inline model": "SELECT y FROM second_view",
            "a forbidden group inside": "SELECT count(*) FROM grouped",
            "a forbidden predicate inside": "SELECT n FROM chosen",
            "a forbidden order inside": "SELECT id FROM ordered",
            "a forbidden window inside": "SELECT id FROM ranked WHERE place = 1",
        },
        models={
            "first_view": ("SELECT client_ip AS x, id AS n FROM access_log", {"kind": "inline"}),
            "second_view": ("SELECT x AS y, n FROM first_view", {"kind": "inline"}),
            "third_view": ("SELECT y AS z, n FROM second_view", {"kind": "inline"}),
            "grouped": ("SELECT client_ip, count(*) AS n FROM access_log GROUP BY client_ip", {"kind": "inline"}),
            "chosen": ("SELECT id AS n FROM access_log WHERE user_id = 74", {"kind": "inline"}),
            "ordered": ("SELECT id FROM access_log ORDER BY client_ip, id LIMIT 2", {"kind": "inline"}),
            "ranked": ("SELECT id, row_number() OVER (ORDER BY user_id) AS place FROM access_log", {"kind": "inline"}),
        },
    ),
    *leaks(
        "a table that a model fills at the hub has arrived there",
        {
            "a full model": "SELECT x FROM kept",
            "a full model that shows only a count": "SELECT n FROM counted",
        },
        models={
            "kept": "SELECT client_ip AS x FROM access_log",
            "counted": "SELECT count(*) AS n FROM access_log WHERE client_ip = '10.0.0.1'",
        },
    ),
    *leaks(
        "macros are what they say",
        {
            "a scalar macro": "SELECT peek(client_ip) FROM access_log",
            "a macro that compares": "SELECT id FROM access_log WHERE is_it(client_ip)",
            "a macro that drops its argument's name": "SELECT shorten(path, client_ip) FROM access_log",
            "a table macro": "FROM everything()",
            "a macro with a sub-query": "SELECT top() AS x",
        },
        macros=(
            "CREATE MACRO peek(x) AS upper(x);\n"
            "CREATE MACRO is_it(x) AS x = '10.0.0.1';\n"
            "CREATE MACRO shorten(a, b) AS left(a, length(b));\n"
            "CREATE MACRO everything() AS TABLE SELECT client_ip FROM access_log;\n"
            "CREATE MACRO top() AS (SELECT max(client_ip) FROM access_log);\n"
        ),
    ),
    *leaks(
        "an engine's message holds the value that it could not convert",
        {
            "a cast of a forbidden column": "SELECT id FROM access_log WHERE agent::integer > 0",
            "a cast in SELECT": "SELECT agent::integer AS n FROM access_log",
            "a cast that nobody reads": "SELECT count(*) FROM (SELECT id, agent::integer AS n FROM access_log) WHERE n > 0",
            "a division by zero on a secret": "SELECT id FROM access_log WHERE 1 // (user_id - 74) = 0",
            "error() on a secret": "SELECT id FROM access_log WHERE CASE WHEN user_id = 74 THEN error(client_ip) ELSE true END",
            "a strptime": "SELECT strptime(client_ip, '%Y') FROM access_log",
            "a scalar sub-query of several rows": "SELECT (SELECT client_ip FROM access_log WHERE user_id > 72) AS x",
            "an overflow on a secret": "SELECT id FROM access_log WHERE (user_id * 9000000000000000000) > 0",
            "an index out of bounds": "SELECT id, range(user_id)[100] FROM access_log",
            "a date from a secret": "SELECT make_date(2024, 1, (user_id % 40)::integer) FROM access_log",
        },
        silent=True,
    ),
    *leaks(
        "time and chance make two releases of one question differ",
        {
            "random rows of a forbidden column": "SELECT id FROM access_log WHERE random() < 2 AND client_ip > '10'",
            "now() beside a forbidden column": "SELECT id FROM access_log WHERE client_ip > now()::text",
        },
        silent=True,
    ),
    *leaks(
        "what the hub holds goes to a site only where the law lets it",
        {
            "the hub's list asked for in the EU": "SELECT client_ip, reason FROM blocked",
            "a join in the EU with the hub's list": (
                "SELECT a.id FROM access_log a JOIN blocked b ON a.client_ip = b.client_ip"
            ),
            "a predicate of the hub's in the EU": "SELECT score FROM suspects WHERE user_id = 71",
            "a key that one has and the other not": (
                "SELECT a.id FROM access_log a WHERE a.path NOT IN (SELECT path FROM blocked WHERE reason = 'spam')"
            ),
        },
        at="fra",
        silent=True,
    ),
    *legal(
        "within one jurisdiction no rule is needed",
        {
            "the address asked for at home": "SELECT client_ip FROM access_log",
            "members joined at home": (
                "SELECT m.email, count(*) AS n FROM access_log a JOIN members m USING (user_id) GROUP BY m.email"
            ),
            "the row at home": "SELECT id, client_ip, agent FROM access_log ORDER BY client_ip NULLS LAST, id LIMIT 3",
        },
        at="dub",
    ),
    *legal(
        "the hub's own tables at the hub",
        {
            "a list of the hub's": "SELECT client_ip, reason FROM blocked",
            "a list of another site under the same law": "SELECT user_id, score FROM suspects",
            "two of them joined": "SELECT b.reason, s.score FROM blocked b, suspects s",
        },
    ),
    *legal(
        "where nothing declares a jurisdiction there are no borders",
        {
            "the address without borders": "SELECT id, client_ip FROM access_log",
            "a join without borders": "SELECT a.id, m.email FROM access_log a JOIN members m USING (user_id)",
            "a group without borders": "SELECT client_ip, count(*) AS n FROM access_log GROUP BY client_ip",
            "a window without borders": "SELECT id, rank() OVER (ORDER BY user_id, id) AS place FROM access_log",
        },
        world="borderless",
    ),
    *legal(
        "public columns cross freely",
        {
            "a public column": "SELECT region FROM access_log",
            "a count of public columns": "SELECT region, count(*) AS n FROM access_log GROUP BY region",
            "a predicate on a public column": "SELECT count(*) AS n FROM access_log WHERE region = 'west'",
            "replicated public columns": "SELECT name FROM countries WHERE code = 'DE'",
        },
        world="lawless",
    ),
    *legal(
        "rows that the rule's predicate chooses",
        {
            "the same predicate": "SELECT id, bytes FROM access_log WHERE status >= 500",
            "a narrower range": "SELECT id FROM access_log WHERE status > 501",
            "an equality inside": "SELECT id, path FROM access_log WHERE status = 500",
            "a list inside": "SELECT id FROM access_log WHERE status IN (500, 503)",
            "a conjunction": "SELECT path, sum(bytes) AS bytes FROM access_log WHERE path = '/a' AND status >= 500 GROUP BY path",
            "the predicate turned round": "SELECT id FROM access_log WHERE 500 <= status",
            "the predicate in a sub-query": "SELECT id FROM (SELECT * FROM access_log WHERE status >= 500) WHERE bytes > 300",
            "the predicate above a view": "SELECT id FROM lines WHERE status = 500",
            "the predicate in an inner join": (
                "SELECT a.id, b.reason FROM blocked b JOIN access_log a ON a.path = b.path AND a.status >= 500"
            ),
            "the predicate in ON of a left join": (
                "SELECT b.path, a.id FROM blocked b LEFT JOIN access_log a ON a.path = b.path AND a.status >= 500"
            ),
            "BETWEEN inside": "SELECT id FROM access_log WHERE status BETWEEN 500 AND 599",
        },
        world="failures",
        models={"lines": ("SELECT id, status, path FROM access_log", {"kind": "inline"})},
    ),
)
