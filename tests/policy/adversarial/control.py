"""Leaks by control: what a forbidden column decides without being shown."""

from typing import Final

from tests.policy.adversarial.values import Case, leaks

CASES: Final[tuple[Case, ...]] = (
    *leaks(
        "a predicate on a forbidden column decides which rows leave",
        {
            "WHERE equals": "SELECT id FROM access_log WHERE client_ip = '10.0.0.1'",
            "WHERE prefix": "SELECT id FROM access_log WHERE starts_with(client_ip, '10.')",
            "WHERE LIKE": "SELECT id FROM access_log WHERE client_ip LIKE '10.%1'",
            "WHERE regular expression": "SELECT id FROM access_log WHERE client_ip ~ '10[.].*1'",
            "WHERE IN list": "SELECT id FROM access_log WHERE client_ip IN ('10.0.0.1', '10.0.0.2')",
            "WHERE BETWEEN": "SELECT id FROM access_log WHERE client_ip BETWEEN '10' AND '11'",
            "WHERE IS NULL": "SELECT id FROM access_log WHERE client_ip IS NULL",
            "WHERE IS DISTINCT FROM": "SELECT id FROM access_log WHERE client_ip IS DISTINCT FROM '10.0.0.1'",
            "WHERE by length": "SELECT id FROM access_log WHERE length(client_ip) > 8",
            "WHERE OR true for others": "SELECT id FROM access_log WHERE status = 200 OR client_ip = '10.0.0.2'",
            "WHERE NOT": "SELECT id FROM access_log WHERE NOT (client_ip = '10.0.0.1')",
            "WHERE CASE": "SELECT id FROM access_log WHERE CASE WHEN client_ip = '10.0.0.1' THEN status = 200 END",
            "WHERE through arithmetic": "SELECT id FROM access_log WHERE user_id % 2 = 1",
            "WHERE self comparison": "SELECT id FROM access_log WHERE client_ip = client_ip",
            "WHERE compares two columns": "SELECT id FROM access_log WHERE agent < client_ip",
            "WHERE one row": "SELECT bytes FROM access_log WHERE client_ip = '10.0.0.4' AND status = 200",
        },
        because="access_log",
    ),
    *leaks(
        "a count under a predicate answers one question about one person",
        {
            "count under WHERE": "SELECT count(*) FROM access_log WHERE client_ip = '10.0.0.1'",
            "count FILTER": "SELECT count(*) FILTER (WHERE client_ip = '10.0.0.1') FROM access_log",
            "sum of CASE": "SELECT sum(CASE WHEN client_ip = '10.0.0.1' THEN bytes END) FROM access_log",
            "count of CASE": "SELECT count(CASE WHEN user_id = 71 THEN 1 END) FROM access_log",
            "count_if": "SELECT count_if(user_id = 71) FROM access_log",
            "bool_or": "SELECT bool_or(client_ip = '10.0.0.4') FROM access_log",
            "count of a column": "SELECT count(client_ip) FROM access_log",
            "a bit of each row": "SELECT id, (user_id >> 3) & 1 AS bit FROM access_log",
            "group of one": "SELECT path, count(*) FROM access_log WHERE user_id = 74 GROUP BY path",
        },
    ),
    *leaks(
        "HAVING and QUALIFY decide by a forbidden column which groups leave",
        {
            "HAVING max": "SELECT path FROM access_log GROUP BY path HAVING max(client_ip) > '10.0.0.1'",
            "HAVING count DISTINCT": "SELECT path FROM access_log GROUP BY path HAVING count(DISTINCT client_ip) > 2",
            "HAVING bool_or": "SELECT path FROM access_log GROUP BY path HAVING bool_or(user_id = 74)",
            "HAVING without GROUP BY": "SELECT count(*) FROM access_log HAVING max(user_id) = 74",
            "QUALIFY by order": "SELECT id FROM access_log QUALIFY row_number() OVER (ORDER BY client_ip, id) = 1",
            "QUALIFY by partition": (
                "SELECT id FROM access_log QUALIFY row_number() OVER (PARTITION BY client_ip ORDER BY id) = 1"
            ),
            "QUALIFY on the column": "SELECT id FROM access_log QUALIFY client_ip = min(client_ip) OVER ()",
        },
    ),
    *leaks(
        "a join compares a forbidden column",
        {
            "JOIN ON": "SELECT a.id FROM access_log a JOIN blocked b ON a.client_ip = b.client_ip",
            "JOIN USING": "SELECT a.id FROM access_log a JOIN blocked b USING (client_ip)",
            "NATURAL JOIN": "SELECT a.id FROM access_log a NATURAL JOIN blocked b",
            "NATURAL JOIN shows only the other side": "SELECT reason FROM blocked NATURAL JOIN access_log",
            "LEFT JOIN on a forbidden condition": (
                "SELECT b.reason, a.id FROM blocked b LEFT JOIN access_log a"
                " ON a.path = b.path AND a.client_ip = b.client_ip"
            ),
            "FULL JOIN": "SELECT a.id, b.reason FROM access_log a FULL JOIN blocked b ON a.client_ip = b.client_ip",
            "SEMI JOIN": "SELECT b.reason FROM blocked b SEMI JOIN access_log a ON a.client_ip = b.client_ip",
            "ANTI JOIN": "SELECT b.reason FROM blocked b ANTI JOIN access_log a ON a.client_ip = b.client_ip",
            "ASOF JOIN": (
                "SELECT s.score, a.id FROM suspects s ASOF JOIN access_log a ON s.user_id >= a.user_id ORDER BY ALL"
            ),
            "inequality join": "SELECT s.score, a.id FROM suspects s JOIN access_log a ON a.user_id < s.user_id",
            "cross join with a filter": (
                "SELECT b.reason FROM blocked b, access_log a WHERE b.client_ip = a.client_ip"
            ),
            "self join": "SELECT x.id, y.id AS other FROM access_log x JOIN access_log y ON x.client_ip = y.client_ip",
            "join of two EU sources": ("SELECT a.id, m.plan FROM access_log a JOIN members m ON a.user_id = m.user_id"),
            "join of sources under two laws": (
                "SELECT a.id, u.id AS other FROM access_log a JOIN uk_log u ON a.client_ip = u.client_ip"
            ),
            "join on an expression": "SELECT a.id FROM access_log a JOIN blocked b ON md5(a.client_ip) = md5(b.client_ip)",
            "join on a concatenation": (
                "SELECT a.id FROM access_log a JOIN blocked b ON a.path || a.client_ip = b.path || b.client_ip"
            ),
        },
    ),
    *leaks(
        "a sub-query asks whether a value exists",
        {
            "EXISTS": "SELECT reason FROM blocked b WHERE EXISTS (SELECT 1 FROM access_log a WHERE a.client_ip = b.client_ip)",
            "EXISTS *": "SELECT reason FROM blocked b WHERE EXISTS (SELECT * FROM access_log a WHERE a.client_ip = b.client_ip)",
            "NOT EXISTS": (
                "SELECT reason FROM blocked b WHERE NOT EXISTS (FROM access_log a WHERE a.client_ip = b.client_ip)"
            ),
            "EXISTS of one person": "SELECT EXISTS (SELECT * FROM access_log WHERE client_ip = '10.0.0.4') AS seen",
            "IN": "SELECT reason FROM blocked WHERE client_ip IN (SELECT client_ip FROM access_log)",
            "NOT IN": "SELECT reason FROM blocked WHERE client_ip NOT IN (SELECT client_ip FROM access_log WHERE id < 7)",
            "= ANY": "SELECT reason FROM blocked WHERE client_ip = ANY (SELECT client_ip FROM access_log)",
            ">= ALL": "SELECT score FROM suspects WHERE user_id >= ALL (SELECT user_id FROM access_log WHERE id < 7)",
            "a tuple IN": (
                "SELECT reason FROM blocked WHERE (client_ip, path) IN (SELECT (client_ip, path) FROM access_log)"
            ),
            "scalar sub-query": "SELECT reason, (SELECT max(client_ip) FROM access_log) AS top FROM blocked",
            "correlated count": (
                "SELECT reason, (SELECT count(*) FROM access_log a WHERE a.client_ip = b.client_ip) AS n FROM blocked b"
            ),
            "correlated inside": (
                "SELECT id FROM access_log a WHERE EXISTS (SELECT 1 FROM blocked b WHERE b.client_ip = a.client_ip)"
            ),
            "correlated two levels out": (
                "SELECT reason FROM blocked b WHERE EXISTS (SELECT 1 FROM members m WHERE EXISTS"
                " (SELECT 1 FROM access_log a WHERE a.client_ip = b.client_ip AND a.user_id = m.user_id))"
            ),
            "sub-query in LIMIT": (
                "SELECT path FROM blocked ORDER BY path LIMIT"
                " (SELECT count(*) FROM access_log WHERE client_ip = '10.0.0.1')"
            ),
            "sub-query in OFFSET": (
                "SELECT path FROM blocked ORDER BY path OFFSET (SELECT count(*) FROM access_log WHERE user_id = 73)"
            ),
            "sub-query in ORDER BY": (
                "SELECT path FROM blocked b ORDER BY"
                " (SELECT count(*) FROM access_log a WHERE a.client_ip = b.client_ip) DESC, path DESC LIMIT 1"
            ),
            "sub-query in CASE": (
                "SELECT CASE WHEN (SELECT bool_or(user_id = 74) FROM access_log) THEN reason END FROM blocked"
            ),
            "sub-query in a join condition": (
                "SELECT b.reason FROM blocked b JOIN countries c"
                " ON c.code = 'DE' AND b.client_ip IN (SELECT client_ip FROM access_log)"
            ),
        },
    ),
    *leaks(
        "the order of rows shows the order of forbidden values",
        {
            "ORDER BY": "SELECT id FROM access_log ORDER BY client_ip, id",
            "ORDER BY LIMIT 1": "SELECT id FROM access_log ORDER BY client_ip DESC LIMIT 1",
            "ORDER BY OFFSET": "SELECT id FROM access_log ORDER BY user_id LIMIT 1 OFFSET 2",
            "ORDER BY an expression": "SELECT id FROM access_log ORDER BY length(client_ip), id LIMIT 3",
            "ORDER BY ALL of a sub-query": (
                "SELECT id FROM (SELECT client_ip, id FROM access_log ORDER BY ALL LIMIT 2) ORDER BY id"
            ),
            "order inside an aggregate": "SELECT string_agg(path, ',' ORDER BY client_ip) FROM access_log",
            "order inside a list": "SELECT list(id ORDER BY user_id DESC) FROM access_log",
            "first by order": "SELECT first(id ORDER BY client_ip) FROM access_log",
            "arg_min": "SELECT arg_min(id, client_ip) FROM access_log",
            "max_by": "SELECT max_by(id, user_id) FROM access_log",
            "DISTINCT ON": "SELECT DISTINCT ON (client_ip) id FROM access_log ORDER BY client_ip, id",
            "DISTINCT ON with a forbidden order": "SELECT DISTINCT ON (path) path, id FROM access_log ORDER BY path, client_ip",
        },
    ),
    *leaks(
        "a window is cut or ordered by a forbidden column",
        {
            "PARTITION BY": "SELECT id, count(*) OVER (PARTITION BY client_ip) AS n FROM access_log",
            "window ORDER BY": "SELECT id, rank() OVER (ORDER BY client_ip) AS place FROM access_log",
            "row_number": "SELECT id, row_number() OVER (ORDER BY user_id) AS place FROM access_log",
            "lag": "SELECT id, lag(client_ip) OVER (ORDER BY id) AS before FROM access_log",
            "dense_rank": "SELECT id, dense_rank() OVER (ORDER BY user_id) AS person FROM access_log",
            "window FILTER": ("SELECT id, count(*) FILTER (WHERE client_ip = '10.0.0.1') OVER () AS n FROM access_log"),
            "named window": "SELECT id, sum(bytes) OVER w AS s FROM access_log WINDOW w AS (PARTITION BY user_id)",
            "RANGE frame": (
                "SELECT id, count(*) OVER (ORDER BY user_id RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) AS n"
                " FROM access_log"
            ),
            "ntile": "SELECT id, ntile(2) OVER (ORDER BY user_id) AS half FROM access_log",
        },
    ),
    *leaks(
        "groups by a forbidden column show how many people there are, and who is one",
        {
            "GROUP BY": "SELECT count(*) AS n FROM access_log GROUP BY client_ip ORDER BY n",
            "GROUP BY a hash": "SELECT count(*) AS n, sum(bytes) AS s FROM access_log GROUP BY hash(client_ip)",
            "GROUP BY an expression": "SELECT count(*) AS n FROM access_log GROUP BY user_id // 10",
            "GROUP BY position": "SELECT client_ip, count(*) FROM access_log GROUP BY 1",
            "GROUP BY an alias": "SELECT client_ip AS x, count(*) FROM access_log GROUP BY x",
            "GROUP BY ALL": "SELECT client_ip, count(*) FROM access_log GROUP BY ALL",
            "GROUPING SETS of a forbidden column": "SELECT count(*) AS n FROM access_log GROUP BY GROUPING SETS ((client_ip), ())",
            "ROLLUP": "SELECT count(*) AS n FROM access_log GROUP BY ROLLUP (path, user_id)",
            "CUBE": "SELECT count(*) AS n FROM access_log GROUP BY CUBE (path, user_id)",
            "DISTINCT counted": "SELECT count(*) FROM (SELECT DISTINCT client_ip FROM access_log)",
            "count DISTINCT": "SELECT count(DISTINCT client_ip) FROM access_log",
            "approx_count_distinct": "SELECT approx_count_distinct(user_id) FROM access_log",
            "entropy": "SELECT entropy(client_ip) FROM access_log",
        },
    ),
    *leaks(
        "set operations compare whole rows",
        {
            "INTERSECT": "SELECT client_ip FROM blocked INTERSECT SELECT client_ip FROM access_log",
            "EXCEPT": "SELECT client_ip FROM blocked EXCEPT SELECT client_ip FROM access_log",
            "UNION": "SELECT client_ip FROM blocked UNION SELECT client_ip FROM access_log",
            "UNION ALL under another name": "SELECT path FROM blocked UNION ALL SELECT client_ip FROM access_log",
            "UNION BY NAME": ("SELECT path FROM blocked UNION ALL BY NAME SELECT client_ip FROM access_log"),
            "EXCEPT on the far side": "SELECT client_ip FROM access_log EXCEPT SELECT client_ip FROM blocked",
        },
    ),
)
