-- The ledger as tables of SQLite. What many rows say stands in them as the number of a name; amounts are whole numbers of a
-- millionth of a millionth, and times are microseconds.

CREATE TABLE names (
    number INTEGER PRIMARY KEY,
    space INTEGER NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (space, value)
);

CREATE TABLE balances (
    account INTEGER NOT NULL,
    part TEXT NOT NULL,
    start INTEGER NOT NULL,
    ceiling INTEGER NOT NULL,
    settled INTEGER NOT NULL,
    reserved INTEGER NOT NULL,
    movements INTEGER NOT NULL,
    PRIMARY KEY (account, part, start)
) WITHOUT ROWID;

CREATE TABLE movements (
    account INTEGER NOT NULL,
    part TEXT NOT NULL,
    start INTEGER NOT NULL,
    number INTEGER NOT NULL,
    cause INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    balance INTEGER NOT NULL,
    record INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account, part, start, number)
) WITHOUT ROWID;

CREATE TABLE reservations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session INTEGER NOT NULL,
    request_id BLOB NOT NULL,
    attempt INTEGER NOT NULL,
    record_uid BLOB NOT NULL,
    user INTEGER,
    tags TEXT NOT NULL,
    provider INTEGER NOT NULL,
    model INTEGER NOT NULL,
    model_config INTEGER NOT NULL,
    worst_case INTEGER,
    worst_case_tokens INTEGER,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    account INTEGER NOT NULL,
    start INTEGER NOT NULL,
    held INTEGER NOT NULL
);

CREATE TABLE records (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid BLOB NOT NULL UNIQUE,
    request_id BLOB NOT NULL,
    reservation INTEGER NOT NULL UNIQUE,
    attempt INTEGER NOT NULL,
    adjusts BLOB,
    user INTEGER,
    tags TEXT NOT NULL,
    provider INTEGER NOT NULL,
    model INTEGER NOT NULL,
    served_model INTEGER,
    model_config INTEGER NOT NULL,
    usage_type INTEGER NOT NULL,
    status INTEGER NOT NULL,
    cost_status INTEGER NOT NULL,
    billed_by INTEGER NOT NULL,
    usage TEXT NOT NULL,
    receipt TEXT NOT NULL,
    tokens INTEGER,
    cost INTEGER,
    currency INTEGER,
    latency_ms INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    account INTEGER NOT NULL,
    start INTEGER NOT NULL
);

CREATE INDEX records_by_request ON records (request_id);
CREATE INDEX records_by_adjusted ON records (adjusts) WHERE adjusts IS NOT NULL;
CREATE INDEX records_by_time ON records (created_at);
CREATE INDEX records_by_user ON records (user, created_at);
CREATE INDEX records_by_model ON records (model, created_at);
CREATE INDEX records_by_provider ON records (provider, created_at);
CREATE INDEX records_by_status ON records (status, created_at);
CREATE INDEX records_by_cost_status ON records (cost_status, created_at);

CREATE TABLE records_by_tag (
    key INTEGER NOT NULL,
    value INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    record INTEGER NOT NULL,
    PRIMARY KEY (key, value, created_at, record)
) WITHOUT ROWID;

CREATE TABLE rollups (
    day INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    dimension INTEGER NOT NULL,
    value INTEGER NOT NULL,
    model INTEGER NOT NULL,
    usage_type INTEGER NOT NULL,
    status INTEGER NOT NULL,
    cost_status INTEGER NOT NULL,
    currency INTEGER NOT NULL,
    records INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    PRIMARY KEY (day, hour, dimension, value, model, usage_type, status, cost_status, currency)
) WITHOUT ROWID;
