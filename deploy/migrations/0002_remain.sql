-- What is left of lines that were cancelled while blocked: one row while parts bought for the line are on hand or on
-- order. `answer` is the row as judged just before it was cancelled, without its clock and its loss.
CREATE TABLE remain (
    exporter      text NOT NULL,
    contract      text NOT NULL,
    line          text NOT NULL,
    ref           text NOT NULL,
    engine        integer NOT NULL,
    ended_at      timestamptz NOT NULL,
    buyer         text NOT NULL,
    class         text,
    destination   text NOT NULL,
    export_at     timestamptz NOT NULL,
    verdict       text NOT NULL,
    blocked_value numeric NOT NULL CHECK (blocked_value <> 'NaN'),
    currency      text NOT NULL,
    answer        text NOT NULL,
    loss          text NOT NULL,
    steps         text NOT NULL,
    PRIMARY KEY (exporter, contract, line)
);
CREATE INDEX remain_ref ON remain (ref);
CREATE INDEX remain_engine ON remain (engine);

-- Lines that were cancelled before this table was made are looked at once, behind everything prompt.
INSERT INTO due (exporter, bulk) SELECT exporter, true FROM exporter ORDER BY exporter ON CONFLICT DO NOTHING;
