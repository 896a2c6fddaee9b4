-- Since when something waits: to be handed on, to be judged, to be published. What waited before is as old as this change.
ALTER TABLE pending ADD COLUMN stored_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE due ADD COLUMN since timestamptz NOT NULL DEFAULT now();
ALTER TABLE outbox ADD COLUMN made_at timestamptz NOT NULL DEFAULT now();

-- Asked every few seconds, and almost always none.
CREATE INDEX exporter_stale ON exporter (exporter) WHERE stale IS NOT NULL;
CREATE INDEX dead_letter_waits ON dead_letter (kind) WHERE resumed_at IS NULL;

-- The workers: where each can be asked how it is, when it was last heard of, when it ended, and why its watchdog did it.
CREATE TABLE worker (
    worker     uuid PRIMARY KEY,
    host       text NOT NULL,
    pid        integer NOT NULL,
    metrics    text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    ended_at   timestamptz,
    watchdog   text
);
