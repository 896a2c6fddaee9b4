-- Keys of the HTTP door: who may tell which facts. Of a key only the SHA-256 of its token is kept.
-- `exporters` is null for an operator, who may tell everybody's; `kinds` are topics and types; `sources` are what events
-- may be from: these, and whatever lies below one of them (null: any).
CREATE TABLE api_key (
    name       text PRIMARY KEY,
    hash       bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
    exporters  text[] CHECK (cardinality(exporters) > 0),
    kinds      text[] NOT NULL CHECK (cardinality(kinds) > 0),
    sources    text[] CHECK (cardinality(sources) > 0),
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
