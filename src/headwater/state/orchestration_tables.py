"""The tables of the orchestrator: what was ordered, who works on it, what happened, who was told."""

from typing import Final

REQUESTS: Final = (
    # Orders to run something; the id becomes the run's.
    """CREATE TABLE requests (
        id TEXT PRIMARY KEY,
        environment TEXT NOT NULL,
        pipeline TEXT NOT NULL,
        kind TEXT NOT NULL,
        because TEXT NOT NULL,
        fire_at TEXT,
        body TEXT NOT NULL,
        priority INTEGER NOT NULL,
        created_at TEXT NOT NULL,
        author TEXT NOT NULL,
        not_before TEXT NOT NULL,
        status TEXT NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0,
        crashes INTEGER NOT NULL DEFAULT 0,
        stalls INTEGER NOT NULL DEFAULT 0,
        holder TEXT NOT NULL DEFAULT '',
        cancelled_by TEXT NOT NULL DEFAULT '',
        started_at TEXT,
        ended_at TEXT,
        message TEXT NOT NULL DEFAULT '',
        backfill TEXT NOT NULL DEFAULT ''
    )""",
    # What waits, in its order, and what runs: looked for several times a second, however much has ended.
    "CREATE INDEX requests_queued ON requests (priority DESC, not_before, created_at, id) WHERE status = 'queued'",
    "CREATE INDEX requests_running ON requests (id) WHERE status = 'running'",
    "CREATE INDEX requests_by_pipeline ON requests (environment, pipeline, created_at)",
    "CREATE INDEX requests_by_time ON requests (created_at, id)",
    "CREATE INDEX requests_waiting ON requests (not_before, id) WHERE status = 'queued'",
    """CREATE INDEX requests_open ON requests (environment, pipeline, status, backfill, created_at)
        WHERE status IN ('queued', 'running')""",
    "CREATE INDEX requests_by_backfill ON requests (backfill) WHERE backfill <> ''",
    # A scheduled time is ordered once, whoever leads.
    "CREATE UNIQUE INDEX requests_once ON requests (environment, pipeline, fire_at) WHERE fire_at IS NOT NULL",
    """CREATE TABLE pipeline_states (
        environment TEXT NOT NULL,
        pipeline TEXT NOT NULL,
        fired_until TEXT,
        memory TEXT NOT NULL DEFAULT '{}',
        paused_at TEXT,
        paused_by TEXT NOT NULL DEFAULT '',
        reason TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (environment, pipeline)
    ) WITHOUT ROWID""",
    """CREATE TABLE workers (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        host TEXT NOT NULL,
        pid INTEGER NOT NULL,
        version TEXT NOT NULL,
        started_at TEXT NOT NULL,
        seen_at TEXT NOT NULL,
        run TEXT NOT NULL DEFAULT '',
        url TEXT NOT NULL DEFAULT '',
        machine TEXT NOT NULL DEFAULT ''
    )""",
    # Tasks in the middle of which their worker died.
    """CREATE TABLE suspects (
        environment TEXT NOT NULL,
        node TEXT NOT NULL,
        version TEXT NOT NULL,
        crashes INTEGER NOT NULL,
        last_at TEXT NOT NULL,
        last_run TEXT NOT NULL,
        set_aside_at TEXT,
        PRIMARY KEY (environment, node, version)
    ) WITHOUT ROWID""",
    "ALTER TABLE runs ADD COLUMN pipeline TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE runs ADD COLUMN because TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE runs ADD COLUMN worker TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE runs ADD COLUMN tries INTEGER NOT NULL DEFAULT 1",
    "CREATE INDEX runs_by_time ON runs (started_at, id)",
    "CREATE INDEX runs_by_end ON runs (ended_at, id)",
    "CREATE INDEX runs_by_pipeline ON runs (environment, pipeline, started_at)",
)

ATTEMPTS: Final = (
    # One try at one task, from before it begins: what a dead worker was in the middle of.
    """CREATE TABLE attempts (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        run TEXT NOT NULL,
        environment TEXT NOT NULL,
        task TEXT NOT NULL,
        node TEXT NOT NULL,
        version TEXT NOT NULL,
        slots INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        because TEXT NOT NULL DEFAULT '',
        worker TEXT NOT NULL DEFAULT '',
        status TEXT NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT,
        seconds REAL NOT NULL DEFAULT 0,
        rows_in INTEGER NOT NULL DEFAULT 0,
        rows_out INTEGER NOT NULL DEFAULT 0,
        rejects INTEGER NOT NULL DEFAULT 0,
        bytes_read INTEGER NOT NULL DEFAULT 0,
        bytes_moved INTEGER NOT NULL DEFAULT 0,
        bytes_written INTEGER NOT NULL DEFAULT 0,
        cpu_s REAL NOT NULL DEFAULT 0,
        peak_bytes INTEGER NOT NULL DEFAULT 0,
        message TEXT NOT NULL DEFAULT ''
    )""",
    # The last run that had work for a node.
    """CREATE TABLE last_attempts (
        environment TEXT NOT NULL,
        node TEXT NOT NULL,
        run TEXT NOT NULL,
        PRIMARY KEY (environment, node)
    ) WITHOUT ROWID""",
    # What was known of tasks before.
    """INSERT INTO attempts (run, environment, task, node, version, slots, attempt, status, started_at, ended_at,
            seconds, rows_out, bytes_written, message)
        SELECT t.run, r.environment, '', t.node, '', t.slots, t.attempt, t.status, t.at, t.at,
            t.seconds, t.row_count, t.byte_count, t.message
        FROM tasks AS t JOIN runs AS r ON r.id = t.run ORDER BY t.seq""",
    """INSERT INTO last_attempts (environment, node, run)
        SELECT l.environment, l.node, t.run FROM last_tasks AS l JOIN tasks AS t ON t.seq = l.task""",
    "DROP TABLE last_tasks",
    "DROP TABLE tasks",
    "CREATE INDEX attempts_by_run ON attempts (run, node)",
    "CREATE INDEX attempts_running ON attempts (run) WHERE status = 'running'",
)

RUN_EVENTS: Final = (
    # What happened in runs, as it happened: their log.
    """CREATE TABLE run_events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        run TEXT NOT NULL,
        environment TEXT NOT NULL,
        at TEXT NOT NULL,
        kind TEXT NOT NULL,
        level TEXT NOT NULL,
        node TEXT NOT NULL,
        message TEXT NOT NULL,
        body TEXT NOT NULL
    )""",
    "CREATE INDEX run_events_by_run ON run_events (run, seq)",
)

BACKFILLS: Final = (
    # What a run was asked for, the release whose code it uses, and the nodes that it could not fill.
    """CREATE TABLE run_orders (
        run TEXT PRIMARY KEY,
        body TEXT NOT NULL,
        release TEXT NOT NULL,
        undone TEXT NOT NULL DEFAULT '[]'
    )""",
    """CREATE TABLE backfills (
        id TEXT PRIMARY KEY,
        environment TEXT NOT NULL,
        body TEXT NOT NULL,
        created_at TEXT NOT NULL,
        author TEXT NOT NULL
    )""",
    "CREATE INDEX backfills_by_environment ON backfills (environment, created_at)",
)

INCIDENTS: Final = (
    # What is wrong from when to when, and who was told of it.
    """CREATE TABLE incidents (
        id TEXT PRIMARY KEY,
        environment TEXT NOT NULL,
        rule TEXT NOT NULL,
        subject TEXT NOT NULL,
        owner TEXT NOT NULL,
        severity TEXT NOT NULL,
        message TEXT NOT NULL,
        seen INTEGER NOT NULL,
        opened_at TEXT NOT NULL,
        last_at TEXT NOT NULL,
        closed_at TEXT,
        acked_at TEXT,
        acked_by TEXT NOT NULL DEFAULT '',
        body TEXT NOT NULL DEFAULT '{}'
    )""",
    "CREATE INDEX incidents_by_time ON incidents (environment, opened_at)",
    "CREATE UNIQUE INDEX incidents_open ON incidents (environment, rule, subject) WHERE closed_at IS NULL",
    "CREATE INDEX incidents_open_by_time ON incidents (environment, opened_at, id) WHERE closed_at IS NULL",
    """CREATE TABLE deliveries (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        incident TEXT NOT NULL,
        alert TEXT NOT NULL,
        channel TEXT NOT NULL,
        kind TEXT NOT NULL,
        status TEXT NOT NULL,
        holder TEXT NOT NULL DEFAULT '',
        tries INTEGER NOT NULL DEFAULT 0,
        next_at TEXT NOT NULL,
        created_at TEXT NOT NULL,
        ended_at TEXT,
        message TEXT NOT NULL DEFAULT ''
    )""",
    "CREATE INDEX deliveries_open ON deliveries (seq) WHERE status IN ('waiting', 'sending')",
    "CREATE UNIQUE INDEX deliveries_once ON deliveries (incident, alert, channel, kind)",
    "CREATE INDEX deliveries_failed ON deliveries (ended_at) WHERE status = 'failed'",
    # Which ended runs the rules have looked at.
    "ALTER TABLE runs ADD COLUMN looked INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX runs_unseen ON runs (environment) WHERE looked = 0 AND ended_at IS NOT NULL",
    # How far the rules have looked.
    """CREATE TABLE alert_marks (
        environment TEXT NOT NULL,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (environment, name)
    ) WITHOUT ROWID""",
)

ACCESS: Final = (
    """CREATE TABLE tokens (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        role TEXT NOT NULL,
        hash TEXT NOT NULL UNIQUE,
        created_at TEXT NOT NULL,
        author TEXT NOT NULL,
        expires_at TEXT,
        revoked_at TEXT
    )""",
    # Webhooks and messages that came; a nonce is taken once.
    """CREATE TABLE arrivals (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        environment TEXT NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        nonce TEXT NOT NULL,
        at TEXT NOT NULL,
        body TEXT NOT NULL,
        UNIQUE (environment, kind, name, nonce)
    )""",
)
