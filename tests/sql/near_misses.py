"""Families of queries that look alike and mean something different: each member must have a form of its own."""

from collections.abc import Iterator
from itertools import product

Family = tuple[str, dict[str, list[str]]]


def options(text: str) -> list[str]:
    """Cut at semicolons."""
    return text.split(";")


FAMILIES: list[Family] = [
    (
        "SELECT {expression} AS x FROM t",
        {
            "expression": options(
                "a;-a;a+1;a+2;a-1;a*2;a/2;a//2;a%2;1-a;a+id;id+a;a=1;a<>1;a<1;a<=1;a>1;a>=1;a IS NULL;a IS NOT NULL;"
                "a IS DISTINCT FROM 1;a IS NOT DISTINCT FROM 1;a IN (1,2);a NOT IN (1,2);a IN (2,3);a BETWEEN 1 AND 2;"
                "a BETWEEN 1 AND 3;a NOT BETWEEN 1 AND 2;NOT a::BOOLEAN;a=1 AND id=1;a=1 OR id=1;abs(a);ceil(b);floor(b);"
                "round(b);round(b,1);trunc(b);sqrt(abs(b));coalesce(a,0);coalesce(a,1);coalesce(id,0);nullif(a,0);"
                "nullif(a,1);greatest(a,id);least(a,id);upper(s);lower(s);s||'x';s||'y';'x'||s;length(s);left(s,1);"
                "right(s,1);substr(s,1,1);substr(s,1,2);trim(s);ltrim(s);rtrim(s);replace(s,'p','q');"
                "replace(s,'q','p');s LIKE 'p%';s LIKE '%p';s ILIKE 'p%';s NOT LIKE 'p%';s SIMILAR TO 'p.*';"
                "s GLOB 'p*';regexp_matches(s,'p');regexp_matches(s,'^p');regexp_extract(s,'(p)',1);"
                "regexp_replace(s,'p','q');regexp_replace(s,'p','q','g');CAST(a AS BIGINT);CAST(a AS DOUBLE);"
                "CAST(a AS VARCHAR);CAST(s AS VARCHAR);TRY_CAST(s AS INTEGER);CAST(a AS DECIMAL(9,2));"
                "CAST(a AS DECIMAL(9,3));CAST(ts AS DATE);ts;ts + INTERVAL 1 DAY;ts + INTERVAL 1 HOUR;"
                "ts - INTERVAL 1 DAY;ts + INTERVAL 2 DAY;date_trunc('day',ts);date_trunc('month',ts);year(ts);month(ts);"
                "day(ts);hour(ts);extract(dow FROM ts);strftime(ts,'%Y');strftime(ts,'%m');epoch(ts);"
                "date_diff('day',ts,TIMESTAMP '2024-01-01');date_diff('hour',ts,TIMESTAMP '2024-01-01');"
                "date_diff('day',TIMESTAMP '2024-01-01',ts);CASE WHEN a=1 THEN 1 END;CASE WHEN a=1 THEN 2 END;"
                "CASE WHEN a=2 THEN 1 END;CASE WHEN a=1 THEN 1 ELSE 0 END;CASE WHEN a=1 THEN 1 WHEN a=2 THEN 3 END;"
                "CASE WHEN a=2 THEN 3 WHEN a=1 THEN 1 END;CASE a WHEN 1 THEN 'p' ELSE s END;"
                "CASE id WHEN 1 THEN 'p' ELSE s END;CASE WHEN a=1 THEN s ELSE 'p' END;1;2;'1';1.0;1.00;1e0;NULL;true;"
                "false;DATE '2024-01-01';TIMESTAMP '2024-01-01';[a,id];[id,a];{'k':a};{'j':a};{'k':id};"
                "(SELECT max(a) FROM u);(SELECT min(a) FROM u);(SELECT max(id) FROM u);"
                "(SELECT max(u.a) FROM u WHERE u.id=t.id);(SELECT max(u.a) FROM u WHERE u.id=t.a);"
                "(SELECT max(u.a) FROM u WHERE u.id=u.a);(SELECT count(*) FROM u WHERE u.id<t.id);"
                "EXISTS (SELECT 1 FROM u);EXISTS (SELECT 1 FROM u WHERE u.id=t.id);"
                "NOT EXISTS (SELECT 1 FROM u WHERE u.id=t.id);id IN (SELECT id FROM u);id IN (SELECT a FROM u);"
                "id NOT IN (SELECT id FROM u);a IN (SELECT id FROM u);id <= ANY (SELECT id FROM u);"
                "id > ANY (SELECT id FROM u);id > ALL (SELECT id FROM u);"
                "list_transform([a], lambda x: x+1);list_transform([a], lambda x: x+2);"
                "list_transform([a], lambda x: x+a);list_filter([a], lambda x: x>1);list_sort([a,id]);"
                "list_reverse_sort([a,id]);[a,id][1];[a,id][2];[a,id][1:1];to_json(a);hash(a);md5(s);concat(s,'x');"
                "concat('x',s);lpad(s,3,'x');rpad(s,3,'x');s COLLATE NOCASE;bit_count(a);xor(a,id);a&id;a|id;a<<1;a>>1"
            )
        },
    ),
    (
        "SELECT s, {aggregate} AS x FROM t {where} GROUP BY s {having}",
        {
            "aggregate": options(
                "sum(a);sum(id);sum(b);sum(DISTINCT a);avg(a);min(a);max(a);count(*);count(a);count(DISTINCT a);"
                "count(id);sum(a) FILTER (WHERE b>1);sum(a) FILTER (WHERE b>2);sum(a) FILTER (WHERE b>=1);"
                "sum(CASE WHEN b>1 THEN a END);median(a);mode(a);stddev(a);stddev_pop(a);var_samp(a);quantile_cont(a,0.5);"
                "quantile_cont(a,0.25);quantile_disc(a,0.5);list(a ORDER BY id);list(a ORDER BY id DESC);"
                "list(a ORDER BY id NULLS FIRST);list(a ORDER BY id NULLS LAST);list(a ORDER BY b);"
                "string_agg(s,',' ORDER BY id);string_agg(s,'|' ORDER BY id);first(a ORDER BY id);last(a ORDER BY id);"
                "arg_max(a,b);arg_min(a,b);arg_max(b,a);max(a,2);sum(a+1);sum(a)+1;bool_and(a>1);bool_or(a>1);"
                "any_value(a);product(a);sum(a)/count(*);sum(a)//count(*)"
            ),
            "where": ["", "WHERE a>1", "WHERE a>=1", "WHERE a>2", "WHERE id>1"],
            "having": ["", "HAVING count(*)>1", "HAVING count(*)>2", "HAVING count(a)>1"],
        },
    ),
    (
        "SELECT t.s, u.z FROM t {join} u {condition} {where}",
        {
            "join": ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"],
            "condition": [
                "ON t.id=u.id",
                "ON t.id=u.a",
                "ON t.a=u.id",
                "ON t.id<u.id",
                "ON t.id<=u.id",
                "ON t.id=u.id AND t.a=1",
                "ON t.id=u.id AND u.a=1",
                "ON t.id=u.id AND t.a=u.a",
                "ON t.id=u.id OR t.a=u.a",
                "USING (a)",
                "USING (id, a)",
                "ON true",
            ],
            "where": ["", "WHERE t.a=1", "WHERE u.a=1", "WHERE u.id IS NULL", "WHERE t.id IS NULL"],
        },
    ),
    (
        "SELECT s FROM t {join} u {condition}",
        {"join": ["SEMI JOIN", "ANTI JOIN"], "condition": ["ON t.id=u.id", "ON t.id=u.a", "USING (id)", "USING (a)"]},
    ),
    (
        "SELECT id, {function} OVER ({partition} {order} {frame}) AS x FROM t",
        {
            "function": ["sum(a)", "avg(a)", "count(*)", "first_value(a)", "last_value(a)", "sum(b)"],
            "partition": ["", "PARTITION BY s", "PARTITION BY a", "PARTITION BY s, a"],
            "order": [
                "ORDER BY id",
                "ORDER BY id DESC",
                "ORDER BY id NULLS FIRST",
                "ORDER BY id NULLS LAST",
                "ORDER BY b",
                "ORDER BY id, b",
            ],
            "frame": [
                "",
                "ROWS BETWEEN 1 PRECEDING AND CURRENT ROW",
                "ROWS BETWEEN 2 PRECEDING AND CURRENT ROW",
                "ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING",
                "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
                "ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW",
            ],
        },
    ),
    (
        "SELECT id, {function} OVER (ORDER BY b, id) AS x FROM t",
        {
            "function": options(
                "row_number();rank();dense_rank();percent_rank();cume_dist();ntile(2);ntile(3);lag(a);lag(a,2);"
                "lag(a,1,0);lead(a);nth_value(a,2);lag(a IGNORE NULLS);lag(id)"
            )
        },
    ),
    (
        "SELECT {distinct} {columns} FROM t {order} {limit}",
        {
            "distinct": ["", "DISTINCT", "DISTINCT ON (s)", "DISTINCT ON (a)"],
            "columns": ["a, s", "s, a", "a, id", "a"],
            "order": ["ORDER BY a, id", "ORDER BY a DESC, id", "ORDER BY a NULLS FIRST, id", "ORDER BY b, id"],
            "limit": ["LIMIT 3", "LIMIT 4", "LIMIT 3 OFFSET 1", "OFFSET 1", "LIMIT 50%"],
        },
    ),
    (
        "SELECT id FROM t {where1} {operation} SELECT {column} FROM u {where2}",
        {
            "operation": ["UNION", "UNION ALL", "EXCEPT", "EXCEPT ALL", "INTERSECT", "INTERSECT ALL"],
            "column": ["id", "a"],
            "where1": ["", "WHERE a=1", "WHERE id=1"],
            "where2": ["", "WHERE a=1", "WHERE id=1"],
        },
    ),
    (
        "SELECT a, s, sum(b) AS x FROM t GROUP BY {groups}",
        {
            "groups": [
                "a, s",
                "ROLLUP (a, s)",
                "ROLLUP (s, a)",
                "CUBE (a, s)",
                "GROUPING SETS ((a, s), ())",
                "GROUPING SETS ((a), (s))",
                "GROUPING SETS ((a, s), (a))",
                "GROUPING SETS ((a, s), (s))",
            ]
        },
    ),
    (
        (
            "WITH c AS (SELECT id, {inner} AS v FROM t WHERE {filter}), d AS (SELECT v, count(*) AS n FROM c GROUP BY v)"
            " SELECT {outer} AS x FROM d {rest}"
        ),
        {
            "inner": ["a", "a+1", "id", "coalesce(a,0)"],
            "filter": ["a=1", "a=2", "id=1", "a IS NOT NULL"],
            "outer": ["v", "n", "v+n", "n-v"],
            "rest": ["", "WHERE n>1", "WHERE v>1", "QUALIFY row_number() OVER (ORDER BY n, v)=1", "ORDER BY n LIMIT 1"],
        },
    ),
    (
        "SELECT p.{first} AS x, q.{second} AS y FROM {left} AS p, {right} AS q WHERE p.id {sign} q.id",
        {
            "first": ["a", "id"],
            "second": ["a", "id"],
            "left": ["t", "u", "(SELECT * FROM t WHERE a=1)"],
            "right": ["t", "u", "(SELECT * FROM t WHERE a=1)"],
            "sign": ["=", "<", "<>"],
        },
    ),
    (
        "{query}",
        {
            "query": [
                "SELECT a AS b, b AS a FROM t",
                "SELECT b AS a, a AS b FROM t",
                "SELECT a, b FROM t",
                "SELECT b, a FROM t",
                "SELECT -a AS a FROM t WHERE a=1",
                "SELECT -a AS k FROM t WHERE a=1",
                "SELECT -a AS k FROM t WHERE k=1",
                "SELECT -a AS a FROM t ORDER BY a LIMIT 1",
                "SELECT -a AS a FROM t ORDER BY t.a LIMIT 1",
                "SELECT -a AS a FROM t ORDER BY a+0 LIMIT 1",
                "SELECT max(id) AS a FROM t GROUP BY a",
                "SELECT max(id) AS a FROM t GROUP BY s",
                "SELECT max(id) AS a FROM t",
                "SELECT sum(b) AS b, s FROM t GROUP BY s HAVING b>2",
                "SELECT sum(b) AS b, s FROM t GROUP BY s HAVING min(b)>2",
                "SELECT count(*) AS x FROM t",
                "SELECT 1 AS x FROM t",
                "SELECT unnest(xs) AS x FROM lists.l",
                "SELECT xs[1] AS x FROM lists.l",
                "SELECT unnest(xs) + 1 AS x FROM lists.l",
                "SELECT id, unnest(xs) AS x FROM lists.l",
                "SELECT l.id, v.x FROM lists.l, unnest(l.xs) AS v(x)",
                "SELECT l.id, v.x FROM lists.l LEFT JOIN unnest(l.xs) AS v(x) ON true",
                "SELECT st.k AS x FROM lists.l",
                "SELECT st.w AS x FROM lists.l",
                "SELECT st['k'] AS x FROM lists.l",
                "SELECT l AS x FROM lists.l",
                "SELECT to_json(l) AS x FROM lists.l",
                "SELECT count(l) AS x FROM lists.l",
                "SELECT t AS x FROM t",
                "SELECT u AS x FROM u",
                "SELECT v.a AS x FROM (VALUES (1,2),(3,4)) v(a,b)",
                "SELECT v.b AS x FROM (VALUES (1,2),(3,4)) v(a,b)",
                "SELECT v.a AS x FROM (VALUES (1,2),(3,5)) v(a,b)",
                "SELECT v.a AS x FROM (VALUES (1,2)) v(a,b)",
                "SELECT range AS x FROM range(3)",
                "SELECT range AS x FROM range(4)",
                "SELECT generate_series AS x FROM generate_series(1, 3)",
                "SELECT t.id FROM t ASOF JOIN u ON t.a=u.a AND t.id>=u.id",
                "SELECT t.id FROM t ASOF LEFT JOIN u ON t.a=u.a AND t.id>=u.id",
                "SELECT t.id FROM t ASOF JOIN u ON t.a=u.a AND t.id>u.id",
                "SELECT t.id FROM t POSITIONAL JOIN u",
                "SELECT a FROM t GROUP BY ALL",
                "SELECT a FROM t",
                "SELECT a, count(*) AS n FROM t GROUP BY ALL",
                "SELECT a, s, count(*) AS n FROM t GROUP BY ALL",
                "SELECT x AS y FROM (SELECT a AS x, b FROM t ORDER BY b LIMIT 2)",
                "SELECT x AS y FROM (SELECT a AS x, b FROM t ORDER BY a LIMIT 2)",
                "SELECT list(x) AS y FROM (SELECT a AS x FROM t ORDER BY id)",
                "SELECT list(x) AS y FROM (SELECT a AS x FROM t ORDER BY id DESC)",
                "SELECT (SELECT max(i.a) FROM u AS i WHERE i.id=o.id) AS x FROM t AS o",
                "SELECT (SELECT max(i.a) FROM u AS i WHERE i.id=i.a) AS x FROM t AS o",
                "SELECT (SELECT max(o.a)) AS x FROM t AS o",
                "SELECT (SELECT o.a) AS x FROM t AS o",
                "SELECT (SELECT max(a)) AS x FROM t AS o",
                "SELECT (SELECT max(a) FROM u) AS x FROM t AS o",
            ]
        },
    ),
]


def members(family: Family) -> list[tuple[tuple[str, ...], str]]:
    """All members of a family: which option stands in each place, and the query."""
    template, places = family
    found = [
        (chosen, template.format(**dict(zip(places, chosen, strict=True)))) for chosen in product(*places.values())
    ]
    return [(chosen, sql) for chosen, sql in found if _is_sensible(sql)]


def _is_sensible(sql: str) -> bool:
    """Some combinations do not bind, or mean the same."""
    return not ("FULL JOIN" in sql and "ON true" in sql and "WHERE" in sql)


def near_misses(family: Family) -> Iterator[tuple[str, str]]:
    """Pairs that differ in one place only."""
    found = members(family)
    for at, (one, first) in enumerate(found):
        for other, second in found[at + 1 :]:
            if sum(a != b for a, b in zip(one, other, strict=True)) == 1:
                yield first, second
