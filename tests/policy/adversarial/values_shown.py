"""Leaks by value: a forbidden column under another name, in another form, or inside something larger."""

from typing import Final

from tests.policy.adversarial.values import Case, leaks

CASES: Final[tuple[Case, ...]] = (
    *leaks(
        "the forbidden column itself",
        {
            "the address": "SELECT client_ip FROM access_log",
            "the address in a LIMIT of one": "SELECT client_ip FROM access_log ORDER BY id LIMIT 1",
            "an unclassified column": "SELECT agent FROM access_log",
            "a column beside shipped ones": "SELECT id, path, client_ip FROM access_log",
            "a column of members": "SELECT email FROM members",
        },
    ),
    *leaks(
        "another name",
        {
            "alias": "SELECT client_ip AS path FROM access_log",
            "alias of an alias": "SELECT y AS path FROM (SELECT x AS y FROM (SELECT client_ip AS x FROM access_log))",
            "table alias with columns": "SELECT b FROM access_log AS t(a, c, b)",
            "column names of a sub-query": "SELECT path FROM (SELECT id, client_ip FROM access_log) AS t(id, path)",
            "column names of a CTE": "WITH t(id, path) AS (SELECT id, client_ip FROM access_log) SELECT path FROM t",
            "CTE named as the source": (
                "WITH access_log AS (SELECT client_ip AS path FROM access_log) SELECT path FROM access_log"
            ),
            "materialised CTE": "WITH t AS MATERIALIZED (SELECT client_ip AS path FROM access_log) SELECT path FROM t",
            "lateral alias": "SELECT client_ip AS x, x AS path FROM access_log",
            "swapped names": "SELECT path AS client_ip, client_ip AS path FROM access_log",
            "duplicated names": "SELECT t.* FROM (SELECT path, client_ip AS path FROM access_log) t",
            "alias in front": "SELECT path: client_ip FROM access_log",
            "recursive CTE": (
                "WITH RECURSIVE t AS (SELECT id, client_ip AS c FROM access_log WHERE id = 1 UNION ALL"
                " SELECT a.id, a.client_ip FROM access_log a JOIN t ON a.id = t.id + 1) SELECT c FROM t"
            ),
            "recursive CTE that only stops": (
                "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n <"
                " (SELECT max(user_id) FROM access_log)) SELECT max(n) FROM t"
            ),
            "VALUES beside": "SELECT v.x FROM access_log a, LATERAL (VALUES (a.client_ip)) v(x)",
            "lateral join": (
                "SELECT b.reason, l.id FROM blocked b, LATERAL"
                " (SELECT a.id FROM access_log a WHERE a.client_ip = b.client_ip) l"
            ),
            "correlated column in SELECT": "SELECT (SELECT a.client_ip) AS x FROM access_log a",
            "implicit lateral unnest": "SELECT u.x FROM access_log a, unnest([a.client_ip]) u(x)",
            "ARRAY sub-query": "SELECT ARRAY(SELECT client_ip FROM access_log) AS path",
        },
    ),
    *leaks(
        "conditional functions show what they test",
        {
            "CASE of a comparison": "SELECT CASE WHEN client_ip = '10.0.0.1' THEN 1 ELSE 0 END AS status FROM access_log",
            "CASE with the column as result": "SELECT CASE WHEN status = 200 THEN client_ip ELSE path END FROM access_log",
            "CASE over the column": "SELECT CASE client_ip WHEN '10.0.0.1' THEN 'x' ELSE 'y' END FROM access_log",
            "COALESCE": "SELECT coalesce(client_ip, path) AS path FROM access_log",
            "COALESCE behind a shipped column": "SELECT coalesce(nullif(path, '/a'), client_ip) AS path FROM access_log",
            "NULLIF": "SELECT nullif(path, client_ip || path) FROM access_log WHERE client_ip > '9'",
            "IF": "SELECT if(user_id > 72, path, '') FROM access_log",
            "GREATEST": "SELECT greatest(client_ip, path) FROM access_log",
            "comparison as a value": "SELECT id, client_ip = '10.0.0.4' AS it FROM access_log",
            "IN as a value": "SELECT id, client_ip IN ('10.0.0.4') AS it FROM access_log",
            "TRY": "SELECT id, TRY(replace(client_ip, '.', '')::bigint) AS n FROM access_log",
        },
    ),
    *leaks(
        "functions of the column",
        {
            "upper": "SELECT upper(client_ip) FROM access_log",
            "substring": "SELECT substr(client_ip, 1, 6) FROM access_log",
            "one character": "SELECT id, client_ip[8] AS c FROM access_log",
            "slice": "SELECT client_ip[1:2] FROM access_log",
            "length": "SELECT length(client_ip) FROM access_log",
            "concatenation": "SELECT path || '?' || client_ip FROM access_log",
            "concat_ws": "SELECT concat_ws('-', id, client_ip) FROM access_log",
            "format": "SELECT format('{}', client_ip) FROM access_log",
            "printf": "SELECT printf('%s', client_ip) FROM access_log",
            "cast": "SELECT user_id::text FROM access_log",
            "cast to blob": "SELECT client_ip::blob FROM access_log",
            "try_cast": "SELECT try_cast(agent AS integer) FROM access_log",
            "encode": "SELECT base64(encode(client_ip)) FROM access_log",
            "hex": "SELECT hex(client_ip) FROM access_log",
            "reverse": "SELECT reverse(client_ip) FROM access_log",
            "translate": "SELECT translate(client_ip, '0123456789', 'abcdefghij') FROM access_log",
            "method chain": "SELECT client_ip.upper().reverse() FROM access_log",
            "levenshtein to a guess": "SELECT id, levenshtein(client_ip, '10.0.0.1') AS d FROM access_log",
            "chr of digits": "SELECT chr(user_id::integer) FROM access_log",
        },
    ),
    *leaks(
        "a product with zero still says which value is NULL",
        {"times zero": "SELECT id, user_id * 0 AS zero FROM access_log"},
    ),
    *leaks(
        "an unkeyed hash is the value to whoever can list all values",
        {
            "md5": "SELECT md5(client_ip) FROM access_log",
            "sha256": "SELECT sha256(client_ip) FROM access_log",
            "hash": "SELECT hash(client_ip) FROM access_log",
            "salted": "SELECT sha256('pepper' || client_ip) FROM access_log",
            "hash of a few values": "SELECT sha1(age::text) FROM members",
            "truncated hash": "SELECT hash(user_id) % 16 FROM access_log",
            "home-made HMAC": "SELECT sha256('k' || sha256('k' || client_ip)) FROM access_log",
            "hash of many columns": "SELECT hash(id, client_ip, path) FROM access_log",
            "sum of hashes": "SELECT sum(hash(client_ip)) FROM access_log",
            "bit_xor of hashes": "SELECT bit_xor(hash(client_ip)) FROM access_log",
        },
    ),
    *leaks(
        "packed into something larger",
        {
            "struct": "SELECT {'i': id, 'c': client_ip} FROM access_log",
            "struct_pack": "SELECT struct_pack(c := client_ip) FROM access_log",
            "row": "SELECT row(id, client_ip) FROM access_log",
            "list": "SELECT [path, client_ip] FROM access_log",
            "map": "SELECT MAP {'c': client_ip} FROM access_log",
            "list comprehension": "SELECT [x FOR x IN [client_ip]] FROM access_log",
            "lambda that closes over it": "SELECT list_transform([1], lambda x: client_ip) FROM access_log",
            "lambda that filters by it": "SELECT list_filter([71, 72], lambda x: x = user_id) FROM access_log",
            "nested struct field": "SELECT {'a': {'b': client_ip}}.a.b FROM access_log",
            "json_object": "SELECT json_object('c', client_ip) FROM access_log",
            "json_array": "SELECT json_array(id, client_ip) FROM access_log",
            "to_json of the column": "SELECT to_json(client_ip) FROM access_log",
            "json_group_array": "SELECT json_group_array(client_ip) FROM access_log",
            "json_group_object": "SELECT json_group_object(id, client_ip) FROM access_log",
            "union value": "SELECT union_value(c := client_ip) FROM access_log",
            "unnest of a list": "SELECT unnest([path, client_ip]) FROM access_log",
        },
    ),
    *leaks(
        "aggregates that hold values",
        {
            "min": "SELECT min(client_ip) FROM access_log",
            "max by group": "SELECT path, max(client_ip) FROM access_log GROUP BY path",
            "any_value": "SELECT any_value(client_ip) FROM access_log",
            "string_agg": "SELECT string_agg(client_ip, ',' ORDER BY id) FROM access_log",
            "list aggregate": "SELECT list(client_ip ORDER BY id) FROM access_log",
            "array_agg FILTER": "SELECT array_agg(client_ip) FILTER (WHERE id = 1) FROM access_log",
            "histogram of addresses": "SELECT histogram(client_ip) FROM access_log",
            "mode of addresses": "SELECT mode(client_ip) FROM access_log",
            "arg_max": "SELECT arg_max(client_ip, bytes) FROM access_log",
            "quantile": "SELECT quantile_disc(user_id, 0.5) FROM access_log",
            "median": "SELECT median(user_id) FROM access_log",
            "approx_top_k": "SELECT approx_top_k(client_ip, 3) FROM access_log",
            "sum": "SELECT sum(user_id) FROM access_log",
            "avg": "SELECT avg(age) FROM members",
            "product": "SELECT product(user_id) FROM access_log",
            "covariance with a shipped column": "SELECT covar_pop(bytes, user_id) FROM access_log",
            "regression": "SELECT regr_slope(user_id, bytes) FROM access_log",
            "bitstring_agg": "SELECT bitstring_agg(user_id, 0, 100) FROM access_log",
            "grouping by a unique key": "SELECT id, max(client_ip) FROM access_log GROUP BY id",
            "grouping by a unique key, sums": "SELECT id, sum(user_id) FROM access_log GROUP BY id",
        },
    ),
)
