-- Facts, only ever appended: one row per event; `data` is the canonical JSON text the domain folds.
CREATE TABLE event (
    seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source      text NOT NULL,
    id          text NOT NULL,
    type        text NOT NULL,
    "time"      timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    hash        bytea NOT NULL,
    exporter    text,
    subject     text,
    data        text NOT NULL,
    UNIQUE (source, id)
);
CREATE INDEX event_exporter ON event (exporter) WHERE exporter IS NOT NULL;
CREATE INDEX event_subject ON event (subject) WHERE subject IS NOT NULL;

-- One row per exporter ever named: what reassess locks.
CREATE TABLE exporter (
    exporter text PRIMARY KEY,
    wake_at  timestamptz,
    stale    text
);
CREATE INDEX exporter_wake ON exporter (wake_at) WHERE wake_at IS NOT NULL;

-- What an exporter's facts can reach, and by what a shared subject is found. Only ever added to.
CREATE TABLE tie (
    exporter text COLLATE "C" NOT NULL,
    key      text NOT NULL,
    PRIMARY KEY (key, exporter)
);
CREATE INDEX tie_exporter ON tie (exporter);
CREATE TABLE name (
    subject text NOT NULL,
    key     text NOT NULL,
    finite  boolean NOT NULL,
    PRIMARY KEY (subject, key, finite)
);
CREATE INDEX name_key ON name (key);

-- Stored, and not yet handed on to the exporters it affects; up to `after`, in the order of names, they are due already.
CREATE TABLE pending (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    exporter  text,
    subject   text,
    withdraws text[],
    after     text NOT NULL DEFAULT ''
);

-- The source and id of the fact that a withdrawal names; of any other fact, nothing.
CREATE FUNCTION withdraws(type text, data text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN type = 'fact.withdrawn' THEN ARRAY[data::jsonb ->> 'source', data::jsonb ->> 'id'] END
$$;

-- Exporters whose verdicts may have changed. `request` rises with every new reason.
CREATE SEQUENCE request;
CREATE TABLE due (
    exporter text PRIMARY KEY,
    bulk     boolean NOT NULL,
    request  bigint NOT NULL DEFAULT nextval('request')
);
CREATE INDEX due_order ON due (bulk, request);

-- How far each partition of each cluster's log is stored.
CREATE TABLE position (
    cluster   text NOT NULL,
    consumer  text NOT NULL,
    topic     text NOT NULL,
    partition integer NOT NULL,
    stored    bigint NOT NULL,
    PRIMARY KEY (cluster, consumer, topic, partition)
);

-- What could not be read, kept with its bytes and the reason.
CREATE TABLE dead_letter (
    cluster    text NOT NULL,
    topic      text NOT NULL,
    partition  integer NOT NULL,
    "offset"   bigint NOT NULL,
    index      integer NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('unreadable', 'unknown_type', 'conflict', 'refused')),
    reason     text NOT NULL,
    raw        bytea NOT NULL,
    learnt_at  timestamptz NOT NULL,
    kept_at    timestamptz NOT NULL DEFAULT now(),
    resumed_at timestamptz,
    PRIMARY KEY (cluster, topic, partition, "offset", index)
);

-- The one present instant; only the clock moves it, never backwards.
CREATE TABLE clock (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    now timestamptz NOT NULL
);

-- Current answers, one row per open line. `answer` is the printed row without its clock (`at`, `now`) and its loss.
CREATE TABLE verdict (
    exporter       text NOT NULL,
    contract       text NOT NULL,
    line           text NOT NULL,
    ref            text NOT NULL,
    revision       bigint NOT NULL,
    engine         integer NOT NULL,
    buyer          text NOT NULL,
    class          text,
    destination    text NOT NULL,
    export_at      timestamptz NOT NULL,
    verdict        text NOT NULL,
    open_quantity  numeric NOT NULL CHECK (open_quantity <> 'NaN'),
    blocked_value  numeric NOT NULL CHECK (blocked_value <> 'NaN'),
    value          numeric NOT NULL CHECK (value <> 'NaN'),
    currency       text NOT NULL,
    next_change_at timestamptz,
    cited          text[] NOT NULL,
    answer         text NOT NULL,
    loss           text,
    steps          text,
    PRIMARY KEY (exporter, contract, line)
);
CREATE INDEX verdict_next ON verdict (next_change_at) WHERE next_change_at IS NOT NULL;
CREATE INDEX verdict_engine ON verdict (engine);

-- Every answer ever given, and why it changed. A line that left the book ends with a null answer; its count goes on.
CREATE TABLE history (
    exporter text NOT NULL,
    contract text NOT NULL,
    line     text NOT NULL,
    revision bigint NOT NULL,
    at       timestamptz NOT NULL,
    answer   text,
    loss     text,
    cause    text[] NOT NULL,
    PRIMARY KEY (exporter, contract, line, revision)
);

-- Answers on their way to Kafka, in order per shard of exporters.
CREATE TABLE outbox (
    seq   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard smallint NOT NULL,
    topic text NOT NULL,
    key   text NOT NULL,
    body  bytea NOT NULL
);
CREATE INDEX outbox_shard ON outbox (shard, seq);
