-- How many records in a row of a topic could not be read at all; since when the topic is paused for it.
CREATE TABLE breaker (
    cluster   text NOT NULL,
    consumer  text NOT NULL,
    topic     text NOT NULL,
    run       bigint NOT NULL,
    paused_at timestamptz,
    PRIMARY KEY (cluster, consumer, topic)
);
