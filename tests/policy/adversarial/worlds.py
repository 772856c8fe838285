"""The worlds that cases play in: web logs and customers in the EU and the UK, somebody curious in the US."""

from typing import Final

from tests.policy.adversarial.values import Relation, Rows, World

SITES: Final = {"hub": "us", "nyc": "us", "fra": "eu", "dub": "eu", "lon": "uk"}
LOG: Final = {
    "id": ("bigint", "internal"),
    "ts": ("timestamp", "internal"),
    "client_ip": ("text", "pii.ip"),
    "user_id": ("bigint", "pii.id"),
    "path": ("text", "internal"),
    "status": ("integer", "internal"),
    "bytes": ("bigint", "internal"),
    "agent": ("text", ""),
    "region": ("text", "public"),
}
FRA: Rows = (
    (1, "2024-01-01 00:10:00", "10.0.0.1", 71, "/a", 200, 100, "curl", "north"),
    (2, "2024-01-01 00:20:00", "10.0.0.2", 72, "/a", 500, 200, "7", "north"),
    (3, "2024-01-01 01:10:00", "10.0.0.1", 71, "/b", 200, 300, "firefox", "south"),
    (4, "2024-01-01 01:20:00", "10.0.0.3", 73, "/b", 404, 400, "curl", "south"),
)
DUB: Rows = (
    (5, "2024-01-01 00:30:00", "10.0.0.4", 74, "/a", 200, 500, "chrome", "west"),
    (6, "2024-01-01 01:30:00", "10.0.0.1", 71, "/b", 500, 600, "firefox", "west"),
    (7, "2024-01-01 02:30:00", None, None, "/c", 200, 700, None, "west"),
)
FRA_TWIN: Rows = (
    (1, "2024-01-01 00:10:00", "192.168.7.77", 94, "/a", 200, 100, "wget", "north"),
    (2, "2024-01-01 00:20:00", "10.0.0.77", 17, "/a", 500, 200, None, "north"),
    (3, "2024-01-01 01:10:00", "99.0.0.0", 11, "/b", 200, 300, "safari", "south"),
    (4, "2024-01-01 01:20:00", "10.0.0.3", 12, "/b", 404, 400, "opera", "south"),
)
DUB_TWIN: Rows = (
    (5, "2024-01-01 00:30:00", "8.8.8.8", 3, "/a", 200, 500, "12", "west"),
    (6, "2024-01-01 01:30:00", "7.7.7.7", 2, "/b", 500, 600, "wget", "west"),
    (7, "2024-01-01 02:30:00", "6.6.6.6", 5, "/c", 200, 700, "bot", "west"),
)
ACCESS_LOG: Final = Relation(columns=LOG, rows={"fra": FRA, "dub": DUB}, twin={"fra": FRA_TWIN, "dub": DUB_TWIN})
MEMBERS: Final = Relation(
    columns={
        "user_id": ("bigint", "pii.id"),
        "email": ("text", "pii.email"),
        "age": ("integer", "pii.age"),
        "plan": ("text", "internal"),
        "country": ("text", "public"),
    },
    rows={
        "fra": (
            (71, "ada@example.org", 36, "gold", "DE"),
            (72, "bob@example.org", 41, "free", "FR"),
            (73, "cyd@example.org", 19, "free", "DE"),
            (74, "dan@example.org", 95, "gold", "IE"),
        )
    },
    twin={
        "fra": (
            (94, "eve@example.org", 20, "gold", "DE"),
            (12, "fay@example.org", 21, "free", "FR"),
            (13, "gus@example.org", 22, "free", "DE"),
            (14, "hal@example.org", 23, "gold", "IE"),
        )
    },
)
UK_LOG: Final = Relation(
    columns={"id": ("bigint", "internal"), "client_ip": ("text", "pii.ip"), "bytes": ("bigint", "internal")},
    rows={"lon": ((21, "10.0.0.1", 10), (22, "10.0.0.9", 20), (23, "10.0.0.2", 30))},
    twin={"lon": ((21, "5.0.0.1", 10), (22, "5.0.0.9", 20), (23, "192.168.7.77", 30))},
)
BLOCKED: Final = Relation(
    columns={"client_ip": ("text", "internal"), "path": ("text", "internal"), "reason": ("text", "internal")},
    rows={"hub": (("10.0.0.1", "/a", "spam"), ("10.0.0.2", "/b", "bot"), ("10.0.0.7", "/z", "scan"))},
)
SUSPECTS: Final = Relation(
    columns={"user_id": ("bigint", "internal"), "score": ("double", "internal")},
    rows={"nyc": ((71, 0.9), (72, 0.1), (75, 0.5))},
)
COUNTRIES: Final = Relation(
    columns={"code": ("text", "public"), "name": ("text", "public")},
    rows=dict.fromkeys(SITES, (("DE", "Germany"), ("FR", "France"), ("IE", "Ireland"), ("US", "United States"))),
    replicated=True,
)
SOURCES: Final = {
    "access_log": ACCESS_LOG,
    "members": MEMBERS,
    "uk_log": UK_LOG,
    "blocked": BLOCKED,
    "suspects": SUSPECTS,
    "countries": COUNTRIES,
}
PII_STAYS: Final = {"deny": {"class": "pii", "to": ["!eu"]}}
LOG_LINES: Final = {"ship": ["id", "ts", "path", "status", "bytes"], "from": "access_log@eu", "to": ["us"]}
PLANS: Final = {"ship": ["plan", "country"], "from": "members@eu", "to": ["us"]}
UK_LINES: Final = {"ship": ["id", "bytes"], "from": "uk_log@uk", "to": ["us"]}
RULES: Final = {"log-lines": LOG_LINES, "plans": PLANS, "uk-lines": UK_LINES, "pii-stays": PII_STAYS}
TOTALS: Final = {
    "ship": ["bytes"],
    "from": "access_log@eu",
    "to": ["us"],
    "as": {
        "aggregates": ["sum", "count", "avg"],
        "by": {"hour": "date_trunc('hour', ts)", "path": "path", "status": "status"},
        "unit": "client_ip",
        "min_group": 3,
    },
}


def _crowd(shift: int, *, lonely: tuple[int, ...]) -> Rows:
    """Requests of many clients to ``/a``, of a few (``lonely``: their numbers) to ``/secret``, which stays below 3."""
    crowd = [
        (
            number,
            f"2024-01-01 0{number % 2}:00:00",
            f"10.0.0.{number % 6 + shift}",
            number % 6,
            "/a",
            200,
            100,
            "x",
            "n",
        )
        for number in range(24)
    ]
    rare = [
        (100 + number, "2024-01-01 00:00:00", f"10.9.9.{number}", 90 + number, "/secret", 200, 7 * number, "x", "n")
        for number in lonely
    ]
    return (*crowd, *rare)


CROWDED: Final = Relation(
    columns={**LOG, "region": ("text", "internal")},
    rows={"fra": _crowd(1, lonely=(1, 2)), "dub": _crowd(50, lonely=())},
    twin={"fra": _crowd(1, lonely=(7,)), "dub": _crowd(80, lonely=(8, 8, 9))},
)
CUSTOMERS: Final = Relation(
    columns={
        "customer_id": ("bigint", "pii.id"),
        "email": ("text", "pii.email"),
        "country": ("text", "internal"),
        "segment": ("text", "internal"),
    },
    rows={"fra": ((1, "a@example.org", "DE", "x"), (2, "b@example.org", "FR", "y"), (3, "c@example.org", "DE", "z"))},
    twin={"fra": ((1, "k@example.org", "DE", "z"), (2, "l@example.org", "FR", "y"), (3, "m@example.org", "DE", "x"))},
)
ORDERS: Final = Relation(
    columns={
        "order_id": ("bigint", "internal"),
        "customer_id": ("bigint", "pii.id"),
        "product": ("text", "internal"),
        "amount": ("decimal(12,2)", "financial.amount"),
    },
    rows={"dub": ((10, 1, "tea", "5.00"), (11, 1, "jam", "7.50"), (12, 2, "tea", "777.00"), (13, 3, "oil", "9.99"))},
    twin={"dub": ((10, 1, "tea", "6.00"), (11, 1, "jam", "8.50"), (12, 2, "tea", "1.00"), (13, 3, "oil", "2.99"))},
)
TOKEN_RULES: Final = {
    "customer-tokens": {
        "ship": ["customer_id", "country"],
        "from": "customers@eu",
        "to": ["us"],
        "as": {"transform": "hmac", "on": ["customer_id"], "key": "crm"},
    },
    "order-tokens": {
        "ship": ["order_id", "customer_id", "product"],
        "from": "orders@eu",
        "to": ["us"],
        "as": {"transform": "hmac", "on": ["customer_id"], "key": "crm"},
    },
    "pii-stays": {"deny": {"class": "pii", "to": ["!eu"]}},
}
CRM: Final = {"crm": {"secret": "${env:HEADWATER_TEST_CRM_KEY}", "at": ["eu"]}}
FRA_FAILURES: Final = (
    (0, "2023-12-31 00:00:00", "10.0.0.1", 71, "/q", 200, 5, "hidden", "east"),
    FRA[1],
    (3, "2024-01-01 01:10:00", "10.0.0.1", 71, "/b", 404, 90, "hidden", "south"),
    (4, "2024-01-01 01:20:00", "10.0.0.3", 73, "/b", 404, 7, "hidden", "south"),
)
DUB_FAILURES: Final = (DUB[1], (7, "2024-01-01 02:30:00", "10.0.0.5", 75, "/c", 200, 100, "hidden", "west"))
FAILURES: Final = Relation(
    columns={**LOG, "region": ("text", "internal")},
    rows={"fra": FRA, "dub": DUB},
    twin={"fra": FRA_FAILURES, "dub": DUB_FAILURES},
)
WORLDS: Final = {
    each.name: each
    for each in (
        World(name="weblogs", jurisdictions=SITES, sources=SOURCES, policies=RULES),
        World(
            name="totals",
            jurisdictions=SITES,
            sources={**SOURCES, "access_log": CROWDED},
            policies={"traffic-totals": TOTALS, "pii-stays": PII_STAYS},
        ),
        World(
            name="failures",
            jurisdictions=SITES,
            sources={**SOURCES, "access_log": FAILURES},
            policies={"failures": {**LOG_LINES, "where": "status >= 500"}},
        ),
        World(
            name="tokens",
            jurisdictions=SITES,
            sources={"customers": CUSTOMERS, "orders": ORDERS, "countries": COUNTRIES, "suspects": SUSPECTS},
            policies=TOKEN_RULES,
            keys=CRM,
        ),
        World(name="borderless", jurisdictions=dict.fromkeys(SITES, ""), sources=SOURCES, policies={}),
        World(name="lawless", jurisdictions=SITES, sources=SOURCES, policies={}),
    )
}
