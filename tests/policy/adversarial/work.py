"""Ordinary work that no rule stands against: it must not be refused."""

from typing import Final

from tests.policy.adversarial.values import Case, legal

CASES: Final[tuple[Case, ...]] = (
    *legal(
        "columns that the rule ships, in any form",
        {
            "shipped columns": "SELECT id, path, bytes FROM access_log",
            "a shipped predicate": "SELECT id FROM access_log WHERE status = 500 AND bytes > 100",
            "a shipped group": "SELECT path, count(*) AS n, sum(bytes) AS bytes FROM access_log GROUP BY path",
            "a mean": "SELECT path, avg(bytes) AS mean FROM access_log GROUP BY path",
            "a count of rows": "SELECT count(*) AS n FROM access_log",
            "extremes": "SELECT min(ts) AS first, max(ts) AS last FROM access_log",
            "HAVING": "SELECT path FROM access_log GROUP BY path HAVING sum(bytes) > 700",
            "a count of different paths": "SELECT count(DISTINCT path) AS n FROM access_log",
            "DISTINCT": "SELECT DISTINCT path, status FROM access_log",
            "the first three": "SELECT id, bytes FROM access_log ORDER BY bytes DESC, id LIMIT 3",
            "an offset": "SELECT id FROM access_log ORDER BY id LIMIT 2 OFFSET 3",
            "a window": "SELECT id, sum(bytes) OVER (PARTITION BY path ORDER BY id) AS running FROM access_log",
            "QUALIFY": "SELECT id, path FROM access_log QUALIFY row_number() OVER (PARTITION BY path ORDER BY id) = 1",
            "CASE": "SELECT CASE WHEN status >= 500 THEN 'bad' ELSE 'good' END AS verdict, count(*) AS n FROM access_log GROUP BY 1",
            "FILTER": "SELECT count(*) FILTER (WHERE status = 500) AS bad, count(*) AS n FROM access_log",
            "an hour": "SELECT date_trunc('hour', ts) AS hour, sum(bytes) AS bytes FROM access_log GROUP BY hour",
            "a star over shipped columns": "SELECT * EXCLUDE (client_ip, user_id, agent, region) FROM access_log",
            "a pattern over shipped columns": "SELECT COLUMNS('path|status') FROM access_log",
            "a sub-query that drops a column": "SELECT id FROM (SELECT id, client_ip FROM access_log)",
            "a CTE that drops a column": "WITH t AS (SELECT * FROM access_log) SELECT path, bytes FROM t",
            "GROUPING SETS": "SELECT path, status, count(*) AS n FROM access_log GROUP BY GROUPING SETS ((path), (status), ())",
            "a struct of shipped columns": "SELECT {'p': path, 's': status} AS both FROM access_log",
            "capitals": "SELECT ID, Path FROM ACCESS_LOG WHERE STATUS = 200",
            "a variance": "SELECT var_samp(bytes) AS v FROM access_log",
            "string functions": "SELECT upper(path) AS p, length(path) AS n FROM access_log",
        },
    ),
    *legal(
        "joins of what may be here",
        {
            "a join on a shipped column": "SELECT a.id, b.reason FROM access_log a JOIN blocked b ON a.path = b.path",
            "USING a shipped column": "SELECT a.id, b.reason FROM access_log a JOIN blocked b USING (path)",
            "a left join from the hub": "SELECT b.reason, a.id FROM blocked b LEFT JOIN access_log a ON a.path = b.path",
            "EXISTS on a shipped column": (
                "SELECT reason FROM blocked b WHERE EXISTS (SELECT 1 FROM access_log a WHERE a.path = b.path)"
            ),
            "NOT EXISTS on a shipped column": (
                "SELECT reason FROM blocked b WHERE NOT EXISTS (SELECT 1 FROM access_log a WHERE a.path = b.path)"
            ),
            "EXISTS * on a shipped column": (
                "SELECT b.id FROM access_log b WHERE b.status = 200 AND EXISTS"
                " (SELECT * FROM access_log a WHERE a.path = b.path AND a.status = 500)"
            ),
            "IN a shipped column": "SELECT id FROM access_log WHERE path IN (SELECT path FROM blocked)",
            "sources under three laws": (
                "SELECT sum(bytes) AS bytes FROM (SELECT bytes FROM access_log UNION ALL SELECT bytes FROM uk_log)"
            ),
            "a join of two laws on shipped columns": (
                "SELECT a.id, u.bytes FROM access_log a JOIN uk_log u ON u.bytes < a.bytes"
            ),
            "a replicated table": "SELECT m.plan, c.name FROM members m JOIN countries c ON c.code = m.country",
            "a group by a replicated table": (
                "SELECT c.name, count(*) AS n FROM members m JOIN countries c ON c.code = m.country GROUP BY c.name"
            ),
            "a self join on shipped columns": (
                "SELECT x.id, y.id AS next FROM access_log x JOIN access_log y ON y.id = x.id + 1"
            ),
            "UNION with the hub's": "SELECT path FROM access_log UNION SELECT path FROM blocked",
            "EXCEPT with the hub's": "SELECT path FROM access_log EXCEPT SELECT path FROM blocked",
            "a scalar sub-query": "SELECT id FROM access_log WHERE bytes > (SELECT avg(bytes) FROM access_log)",
            "a constant beside": "SELECT 'eu' AS where_from, count(*) AS n FROM access_log",
            "a view of counts": "SELECT path, n FROM busy WHERE n > 1",
        },
        models={"busy": ("SELECT path, count(*) AS n FROM access_log GROUP BY path", {"kind": "inline"})},
    ),
)
