"""The shape of the database, as numbered steps: released steps are never edited, new ones are added at the end."""

from typing import Final

from headwater.state.orchestration_tables import ACCESS, ATTEMPTS, BACKFILLS, INCIDENTS, REQUESTS, RUN_EVENTS

FIRST: Final = (
    # What can be named: fills, and the column lists that thousands of them share.
    """CREATE TABLE schemas (
        digest TEXT PRIMARY KEY,
        columns TEXT NOT NULL
    )""",
    """CREATE TABLE fills (
        id TEXT PRIMARY KEY,
        node TEXT NOT NULL,
        version TEXT NOT NULL,
        site TEXT NOT NULL,
        slot TEXT NOT NULL,
        digest TEXT NOT NULL,
        moving TEXT NOT NULL,
        condemned INTEGER NOT NULL DEFAULT 0,
        refused_at TEXT,
        schema_digest TEXT NOT NULL REFERENCES schemas (digest),
        body BLOB NOT NULL
    )""",
    "CREATE INDEX fills_condemned ON fills (condemned) WHERE condemned = 1",
    # What is served: heads. ``seq`` is the last release; an environment's number is never used again.
    """CREATE TABLE environments (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        created_at TEXT NOT NULL,
        parent TEXT,
        template TEXT,
        expires_at TEXT,
        origin_release TEXT,
        origin_code TEXT NOT NULL DEFAULT '',
        origin_holds TEXT NOT NULL DEFAULT '[]',
        code TEXT NOT NULL DEFAULT '',
        seq INTEGER NOT NULL DEFAULT 0
    )""",
    """CREATE TABLE head_nodes (
        environment INTEGER NOT NULL REFERENCES environments (number),
        node TEXT NOT NULL,
        version TEXT NOT NULL,
        rollup TEXT NOT NULL,
        slots INTEGER NOT NULL,
        settled TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (environment, node)
    ) WITHOUT ROWID""",
    """CREATE TABLE entries (
        environment INTEGER NOT NULL REFERENCES environments (number),
        node TEXT NOT NULL,
        site TEXT NOT NULL,
        slot TEXT NOT NULL,
        fill TEXT NOT NULL REFERENCES fills (id),
        digest TEXT NOT NULL,
        moving TEXT NOT NULL,
        PRIMARY KEY (environment, node, site, slot)
    ) WITHOUT ROWID""",
    "CREATE INDEX entries_by_fill ON entries (fill)",
    """CREATE TABLE holds (
        environment INTEGER NOT NULL REFERENCES environments (number),
        node TEXT NOT NULL,
        site TEXT NOT NULL,
        slot TEXT NOT NULL,
        moving TEXT NOT NULL,
        PRIMARY KEY (environment, node, site, slot)
    ) WITHOUT ROWID""",
    # What happened: releases, each with what it replaced, so that any earlier map can be given back.
    """CREATE TABLE releases (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        environment INTEGER NOT NULL,
        environment_name TEXT NOT NULL,
        kind TEXT NOT NULL,
        at TEXT NOT NULL,
        author TEXT NOT NULL,
        commit_id TEXT NOT NULL,
        message TEXT NOT NULL,
        code TEXT NOT NULL,
        parent TEXT,
        run TEXT NOT NULL DEFAULT '',
        versions TEXT NOT NULL,
        nodes TEXT NOT NULL,
        holds TEXT NOT NULL
    )""",
    "CREATE INDEX releases_by_environment ON releases (environment, seq)",
    "CREATE INDEX releases_by_name ON releases (environment_name, seq)",
    """CREATE TABLE deltas (
        environment INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        node TEXT NOT NULL,
        site TEXT NOT NULL,
        slot TEXT NOT NULL,
        old_fill TEXT,
        old_digest TEXT,
        old_moving TEXT,
        new_fill TEXT,
        new_digest TEXT,
        new_moving TEXT,
        PRIMARY KEY (environment, seq, node, site, slot)
    ) WITHOUT ROWID""",
    "CREATE TABLE graphs (code TEXT PRIMARY KEY, body BLOB NOT NULL)",
    # What was found out: check results, observations, the file index and the rows set aside.
    """CREATE TABLE verdicts (
        subject TEXT NOT NULL,
        check_address TEXT NOT NULL,
        reads TEXT NOT NULL,
        failing INTEGER NOT NULL,
        name TEXT NOT NULL,
        node TEXT NOT NULL,
        slot TEXT NOT NULL,
        on_fail TEXT NOT NULL,
        at TEXT NOT NULL,
        seq INTEGER,
        PRIMARY KEY (subject, check_address, reads)
    ) WITHOUT ROWID""",
    "CREATE INDEX verdicts_by_release ON verdicts (seq) WHERE seq IS NOT NULL",
    "CREATE TABLE item_lists (digest TEXT PRIMARY KEY, body BLOB NOT NULL)",
    """CREATE TABLE observations (
        environment INTEGER NOT NULL REFERENCES environments (number),
        source TEXT NOT NULL,
        site TEXT NOT NULL,
        items TEXT NOT NULL REFERENCES item_lists (digest),
        at TEXT NOT NULL,
        seq INTEGER,
        PRIMARY KEY (environment, source, site)
    ) WITHOUT ROWID""",
    "CREATE INDEX observations_by_items ON observations (items)",
    """CREATE TABLE inspections (
        contract TEXT NOT NULL,
        identity TEXT NOT NULL,
        source TEXT NOT NULL,
        row_count INTEGER NOT NULL,
        hours TEXT NOT NULL,
        not_after TEXT,
        at TEXT NOT NULL,
        PRIMARY KEY (contract, identity)
    ) WITHOUT ROWID""",
    """CREATE TABLE set_aside (
        contract TEXT NOT NULL,
        identity TEXT NOT NULL,
        position INTEGER NOT NULL,
        line INTEGER NOT NULL,
        recovered INTEGER NOT NULL,
        source TEXT NOT NULL,
        path TEXT NOT NULL,
        reason TEXT NOT NULL,
        column_name TEXT NOT NULL,
        message TEXT NOT NULL,
        payload TEXT NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (contract, identity, position, line)
    )""",
    # Who works: leases, runs, tasks; ``counters`` never go back.
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
    "INSERT INTO counters (name, value) VALUES ('fence', 0), ('audit', 0)",
    """CREATE TABLE leases (
        name TEXT PRIMARY KEY,
        holder TEXT NOT NULL,
        fence INTEGER NOT NULL,
        expires_at TEXT NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        environment TEXT NOT NULL,
        kind TEXT NOT NULL,
        started_at TEXT NOT NULL,
        author TEXT NOT NULL,
        code TEXT NOT NULL,
        ended_at TEXT,
        status TEXT NOT NULL,
        message TEXT NOT NULL DEFAULT '',
        release TEXT
    )""",
    "CREATE INDEX runs_by_environment ON runs (environment, started_at)",
    """CREATE TABLE tasks (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        run TEXT NOT NULL REFERENCES runs (id),
        node TEXT NOT NULL,
        slots INTEGER NOT NULL,
        status TEXT NOT NULL,
        row_count INTEGER NOT NULL,
        byte_count INTEGER NOT NULL,
        seconds REAL NOT NULL,
        attempt INTEGER NOT NULL,
        message TEXT NOT NULL,
        at TEXT NOT NULL
    )""",
    "CREATE INDEX tasks_by_run ON tasks (run)",
    """CREATE TABLE last_tasks (
        environment TEXT NOT NULL,
        node TEXT NOT NULL,
        task INTEGER NOT NULL REFERENCES tasks (seq),
        PRIMARY KEY (environment, node)
    ) WITHOUT ROWID""",
    # What can be proved: every entry carries the hash of the one before.
    """CREATE TABLE audit (
        seq INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        kind TEXT NOT NULL,
        document TEXT NOT NULL,
        previous TEXT NOT NULL,
        hash TEXT NOT NULL
    )""",
)

CONDITIONS: Final = (
    # In which condition the last apply or run has left each node.
    """CREATE TABLE conditions (
        environment INTEGER NOT NULL REFERENCES environments (number),
        node TEXT NOT NULL,
        blocked INTEGER NOT NULL,
        waiting INTEGER NOT NULL,
        passed INTEGER NOT NULL,
        checked INTEGER NOT NULL,
        PRIMARY KEY (environment, node)
    ) WITHOUT ROWID""",
)

PACKS: Final = (
    # Where the rows of many small fills lie together.
    """CREATE TABLE packs (
        id TEXT PRIMARY KEY,
        node TEXT NOT NULL,
        version TEXT NOT NULL,
        byte_count INTEGER NOT NULL,
        slots INTEGER NOT NULL,
        body BLOB NOT NULL,
        at TEXT NOT NULL,
        is_loose INTEGER NOT NULL DEFAULT 0
    )""",
    "CREATE INDEX packs_by_version ON packs (node, version)",
    "CREATE INDEX packs_loose ON packs (at) WHERE is_loose = 1",
    "ALTER TABLE fills ADD COLUMN pack TEXT REFERENCES packs (id)",
    "CREATE INDEX fills_by_pack ON fills (pack) WHERE pack IS NOT NULL",
    "CREATE INDEX fills_loose ON fills (node, version) WHERE pack IS NULL",
    # How finely the file index tells stretches of time apart.
    "ALTER TABLE inspections ADD COLUMN granule_s INTEGER NOT NULL DEFAULT 3600",
    # What was packed, for people; heads do not change by it.
    """CREATE TABLE compactions (
        seq INTEGER PRIMARY KEY,
        environment TEXT NOT NULL,
        at TEXT NOT NULL,
        author TEXT NOT NULL,
        node TEXT NOT NULL,
        fills INTEGER NOT NULL,
        files INTEGER NOT NULL,
        packs INTEGER NOT NULL
    )""",
)

LANDINGS: Final = (
    # What was landed: ranges of each place, in order, and when somebody looked there last.
    """CREATE TABLE landed_ranges (
        location TEXT NOT NULL,
        site TEXT NOT NULL,
        ordinal INTEGER NOT NULL,
        source TEXT NOT NULL,
        at TEXT NOT NULL,
        file TEXT NOT NULL,
        row_count INTEGER NOT NULL,
        byte_count INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        content TEXT NOT NULL,
        cursor_from TEXT,
        cursor_to TEXT,
        whole INTEGER NOT NULL,
        rejects INTEGER NOT NULL,
        PRIMARY KEY (location, site, ordinal)
    ) WITHOUT ROWID""",
    """CREATE TABLE landing_places (
        location TEXT NOT NULL,
        site TEXT NOT NULL,
        token TEXT,
        seen_at TEXT NOT NULL,
        PRIMARY KEY (location, site)
    ) WITHOUT ROWID""",
)

QUALITY: Final = (
    # How good it was: what was measured of fills, and each node's score at each release that touched it.
    """CREATE TABLE measurements (
        fill TEXT NOT NULL,
        metric TEXT NOT NULL,
        value REAL,
        version TEXT NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (fill, metric)
    ) WITHOUT ROWID""",
    """CREATE TABLE scores (
        environment INTEGER NOT NULL,
        node TEXT NOT NULL,
        seq INTEGER NOT NULL,
        checks REAL,
        row_count INTEGER NOT NULL,
        rejects INTEGER NOT NULL,
        slots INTEGER NOT NULL,
        withheld INTEGER NOT NULL,
        PRIMARY KEY (environment, node, seq)
    ) WITHOUT ROWID""",
    "ALTER TABLE verdicts ADD COLUMN detail TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX verdicts_failing ON verdicts (node, at) WHERE failing > 0",
    "CREATE INDEX deltas_of_whole_tables ON deltas (environment, node, seq) WHERE slot = 'all'",
    "ALTER TABLE conditions ADD COLUMN score REAL",
    "UPDATE conditions SET score = round(100.0 * passed / checked, 1) WHERE checked > 0",
    "ALTER TABLE conditions DROP COLUMN passed",
    "ALTER TABLE conditions DROP COLUMN checked",
)

DISCOVERIES: Final = (
    # What files of sources hold beyond their contracts, found once per file.
    """CREATE TABLE discoveries (
        seq INTEGER PRIMARY KEY,
        source_key TEXT NOT NULL,
        identity TEXT NOT NULL,
        source TEXT NOT NULL,
        columns TEXT NOT NULL,
        at TEXT NOT NULL,
        UNIQUE (source_key, identity)
    )""",
)

SINK_LEDGERS: Final = (
    # What functions that are sinks have taken; other sinks keep their ledgers beside their rows.
    """CREATE TABLE sink_ledgers (
        environment TEXT NOT NULL,
        sink TEXT NOT NULL,
        site TEXT NOT NULL,
        slot TEXT NOT NULL,
        fill TEXT NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (environment, sink, site, slot)
    ) WITHOUT ROWID""",
)

ERASURES: Final = (
    # Who was erased, as keyed hashes: rows that match are dropped wherever a source is read from then on.
    """CREATE TABLE tombstones (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        key_id TEXT NOT NULL,
        source TEXT NOT NULL,
        place TEXT NOT NULL,
        column_name TEXT NOT NULL,
        at TEXT NOT NULL,
        author TEXT NOT NULL,
        done_at TEXT
    )""",
    # Files in which rows of somebody erased were found: they stand in positions under another identity.
    """CREATE TABLE erased_items (
        tombstone TEXT NOT NULL,
        identity TEXT NOT NULL,
        row_count INTEGER NOT NULL,
        PRIMARY KEY (tombstone, identity)
    ) WITHOUT ROWID""",
)

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    FIRST,
    CONDITIONS,
    PACKS,
    LANDINGS,
    QUALITY,
    DISCOVERIES,
    SINK_LEDGERS,
    REQUESTS,
    ATTEMPTS,
    RUN_EVENTS,
    BACKFILLS,
    INCIDENTS,
    ACCESS,
    ERASURES,
)
"""Step n (from 1) brings a database from schema n - 1 to schema n, in one transaction with its number."""

TITLES: Final = (
    "the tables of a state",
    "conditions in which runs left nodes",
    "packs of many small fills",
    "landed ranges",
    "measurements and scores",
    "columns that files were found to have",
    "ledgers of functions that are sinks",
    "orders to run, and who works",
    "attempts at tasks",
    "logs of runs",
    "backfills",
    "incidents, and who was told",
    "tokens of the API, and what came in",
    "who was erased",
)
"""What each step brings, for people; as many as there are steps."""
