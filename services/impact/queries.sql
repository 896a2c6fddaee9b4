-- Everything the stream processors ask of Postgres, one named statement each.
--
-- How much a recursion finds, Postgres guesses far too high, and then reads whole tables for it. Where a step must look up
-- one key after the other whatever the guess, it is a lateral query that ends in OFFSET 0 (or LIMIT).

-- name: open_positions
-- A new partition starts before its first record.
INSERT INTO position SELECT $1, $2, topic, partition, -1
FROM unnest($3::text[], $4::int[]) AS w(topic, partition) ORDER BY topic, partition
ON CONFLICT DO NOTHING

-- name: positions
-- How far these partitions are stored, locked until the transaction ends.
SELECT p.topic, p.partition, p.stored FROM position p
JOIN unnest($3::text[], $4::int[]) AS wanted(topic, partition) USING (topic, partition)
WHERE p.cluster = $1 AND p.consumer = $2 ORDER BY p.topic, p.partition FOR UPDATE OF p

-- name: move_position
-- Compare and set: nothing moves where another worker has moved it meanwhile.
UPDATE position SET stored = $6
WHERE cluster = $1 AND consumer = $2 AND topic = $3 AND partition = $4 AND stored = $5

-- name: open_position
INSERT INTO position VALUES ($1, $2, $3, $4, -1) ON CONFLICT DO NOTHING

-- name: all_positions
SELECT topic, partition, stored FROM position WHERE cluster = $1 AND consumer = $2

-- name: pass_over
-- The position never goes back.
UPDATE position SET stored = $5
WHERE cluster = $1 AND consumer = $2 AND topic = $3 AND partition = $4 AND stored < $5

-- name: append
-- Each event once; new ones are pending until they are handed on.
WITH new AS (
    INSERT INTO event (source, id, type, "time", recorded_at, hash, exporter, subject, data)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::bytea[],
                         $7::text[], $8::text[], $9::text[])
    ON CONFLICT (source, id) DO NOTHING RETURNING seq, type, exporter, subject, data
), waits AS (
    INSERT INTO pending (exporter, subject, withdraws) SELECT exporter, subject, withdraws(type, data) FROM new
)
SELECT seq FROM new

-- name: known
-- What is stored under names that were sent again, locked: two workers cannot both find their content the smaller.
SELECT e.seq, e.source, e.id, e.hash, e.recorded_at, e.data FROM event e
JOIN unnest($1::text[], $2::text[]) AS sent(source, id) USING (source, id) ORDER BY e.source, e.id FOR UPDATE OF e

-- name: learnt_earlier
-- When a fact was learnt orders it among those of one instant, so its answers may change with it.
WITH changed AS (
    UPDATE event SET recorded_at = $2 WHERE seq = $1 AND recorded_at > $2 RETURNING type, exporter, subject, data
)
INSERT INTO pending (exporter, subject, withdraws) SELECT exporter, subject, withdraws(type, data) FROM changed

-- name: replace
-- Of two contents under one name the one with the smaller hash stays, whichever came first. What the other one reached
-- is affected as well.
WITH old AS (
    SELECT type, exporter, subject, data FROM event WHERE seq = $1
), changed AS (
    UPDATE event SET type = $2, "time" = $3, recorded_at = $4, hash = $5, exporter = $6, subject = $7, data = $8
    WHERE seq = $1 RETURNING type, exporter, subject, data
)
INSERT INTO pending (exporter, subject, withdraws)
SELECT exporter, subject, withdraws(type, data) FROM (TABLE old UNION ALL TABLE changed) AS either

-- name: add_exporters
INSERT INTO exporter (exporter) SELECT * FROM unnest($1::text[]) ON CONFLICT DO NOTHING

-- name: add_ties
INSERT INTO tie (exporter, key) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING

-- name: add_names
INSERT INTO name (subject, key, finite) SELECT * FROM unnest($1::text[], $2::text[], $3::boolean[])
ON CONFLICT DO NOTHING

-- name: add_aliases
INSERT INTO alias SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING

-- name: add_dead_letters
INSERT INTO dead_letter (cluster, topic, partition, "offset", index, learnt_at, kind, reason, raw)
SELECT $1, * FROM unnest($2::text[], $3::int[], $4::bigint[], $5::int[], $6::timestamptz[], $7::text[], $8::text[],
                         $9::bytea[])
ON CONFLICT DO NOTHING

-- name: take_pending
SELECT id, stored_at FROM pending ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED

-- name: hand_on
-- Whom these facts affect, each with the pending row that says so: the fact's own exporter, and a page of those tied to a
-- name its subject ever had, or to a name from which such a one is reached by aliases; of a withdrawal, what the withdrawn
-- fact affects. Names, ties and aliases are never taken away, so whoever cites a fact is among them. Who shares a balance
-- with one of them is found under the locks of reassess.
WITH came AS (
    SELECT id, exporter, subject, withdraws, after FROM pending WHERE id = ANY($1::bigint[])
), touched AS (
    SELECT id, exporter, subject, after FROM came
    UNION ALL
    SELECT came.id, e.exporter, e.subject, came.after FROM came CROSS JOIN LATERAL (
        SELECT exporter, subject FROM event WHERE source = came.withdraws[1] AND event.id = came.withdraws[2] LIMIT 1
    ) AS e WHERE came.withdraws IS NOT NULL
)
SELECT id, exporter, false AS shared, false AS later FROM touched WHERE exporter IS NOT NULL
UNION ALL
SELECT touched.id, page.exporter, true, touched.after <> '' FROM touched CROSS JOIN LATERAL (
    WITH RECURSIVE found(key) AS (
        SELECT key FROM name WHERE subject = touched.subject
        UNION
        SELECT next.key FROM found CROSS JOIN LATERAL (
            SELECT key FROM alias WHERE alias.also = found.key OFFSET 0
        ) AS next
    )
    SELECT DISTINCT tied.exporter FROM found CROSS JOIN LATERAL (
        SELECT exporter FROM tie WHERE tie.key = found.key AND tie.exporter > touched.after ORDER BY exporter LIMIT $2
    ) AS tied ORDER BY tied.exporter LIMIT $2
) AS page WHERE touched.subject IS NOT NULL

-- name: handed_on
DELETE FROM pending WHERE id = ANY($1::bigint[])

-- name: handed_on_up_to
-- There are more pages: these exporters, and all before them, are due.
UPDATE pending SET after = page.after FROM unnest($1::bigint[], $2::text[]) AS page(id, after) WHERE pending.id = page.id

-- name: make_due
-- A request that is already there rises, so that whoever is judging the exporter just now does not take it away.
INSERT INTO due (exporter, bulk, since) SELECT * FROM unnest($1::text[], $2::boolean[], $3::timestamptz[])
ON CONFLICT (exporter) DO UPDATE SET request = nextval('request'), bulk = due.bulk AND excluded.bulk,
    since = least(due.since, excluded.since)

-- name: take_due
-- The lock on the exporter is the claim; the due row itself stays free for whoever has a new reason.
SELECT due.exporter FROM due JOIN exporter USING (exporter) WHERE bulk = $2 ORDER BY request LIMIT $1
FOR NO KEY UPDATE OF exporter SKIP LOCKED

-- name: slice
-- These exporters and everybody who shares a finite balance with one of them, through any stored version. A balance is
-- shared where a tie, or what it leads to by aliases, is among its names.
WITH RECURSIVE closed AS (
    SELECT 'exporter' AS kind, value FROM unnest($1::text[]) AS s(value)
    UNION
    SELECT step.kind, step.value FROM closed CROSS JOIN LATERAL (
        SELECT 'tied' AS kind, key AS value FROM tie
        WHERE closed.kind = 'exporter' AND exporter = closed.value COLLATE "C"
        UNION ALL
        SELECT 'tied', also FROM alias WHERE closed.kind = 'tied' AND key = closed.value
        UNION ALL
        SELECT 'named', same.key FROM (
            SELECT subject FROM name WHERE closed.kind = 'tied' AND key = closed.value AND finite OFFSET 0
        ) AS n CROSS JOIN LATERAL (SELECT key FROM name WHERE name.subject = n.subject OFFSET 0) AS same
        UNION ALL
        SELECT 'named', key FROM alias WHERE closed.kind = 'named' AND also = closed.value
        UNION ALL
        SELECT 'exporter', exporter COLLATE "default" FROM tie WHERE closed.kind = 'named' AND key = closed.value
    ) AS step
)
SELECT value AS exporter FROM closed WHERE kind = 'exporter' ORDER BY value COLLATE "C"

-- name: lock_exporters
SELECT exporter FROM exporter WHERE exporter = ANY($1::text[]) ORDER BY exporter FOR NO KEY UPDATE

-- name: requests
SELECT exporter, request FROM due WHERE exporter = ANY($1::text[])

-- name: facts
-- All facts of a slice: its own, the shared ones by any name its ties reach (by aliases, too), and withdrawals of any of
-- those. Instants in microseconds since 1970.
WITH RECURSIVE tied(key) AS (
    SELECT key FROM tie WHERE exporter = ANY($1::text[])
    UNION
    SELECT next.also FROM tied CROSS JOIN LATERAL (
        SELECT also FROM alias WHERE alias.key = tied.key OFFSET 0
    ) AS next
), subjects AS (
    SELECT DISTINCT n.subject FROM tied CROSS JOIN LATERAL (
        SELECT subject FROM name WHERE name.key = tied.key OFFSET 0
    ) AS n
), picked AS (
    SELECT source, id, type, "time", recorded_at, data FROM event WHERE exporter = ANY($1::text[])
    UNION ALL
    SELECT e.source, e.id, e.type, e."time", e.recorded_at, e.data FROM subjects CROSS JOIN LATERAL (
        SELECT source, id, type, "time", recorded_at, data, exporter FROM event
        WHERE event.subject = subjects.subject OFFSET 0
    ) AS e WHERE e.exporter IS NULL OR e.exporter <> ALL($1::text[])
)
SELECT source, id, type, (extract(epoch FROM "time") * 1000000)::bigint,
       (extract(epoch FROM recorded_at) * 1000000)::bigint, data
FROM (
    TABLE picked
    UNION ALL
    SELECT w.* FROM picked CROSS JOIN LATERAL (
        SELECT source, id, type, "time", recorded_at, data FROM event
        WHERE subject = 'event:' || picked.source || ' ' || picked.id AND type = 'fact.withdrawn' OFFSET 0
    ) AS w
) AS found

-- name: current
SELECT exporter, contract, line, revision, engine, buyer, class, destination, export_at, verdict, open_quantity,
       blocked_value, value, currency, next_change_at, cited, answer, loss, steps
FROM verdict WHERE exporter = ANY($1::text[])

-- name: current_remains
SELECT exporter, contract, line, engine, ended_at, buyer, class, destination, export_at, verdict, blocked_value,
       currency, answer, loss, steps
FROM remain WHERE exporter = ANY($1::text[])

-- name: last_revisions
SELECT h.exporter, h.contract, h.line, max(h.revision) AS revision FROM history h
JOIN unnest($1::text[], $2::text[], $3::text[]) AS k(exporter, contract, line) USING (exporter, contract, line)
GROUP BY 1, 2, 3

-- name: close_verdicts
DELETE FROM verdict v USING unnest($1::text[], $2::text[], $3::text[]) AS k(exporter, contract, line)
WHERE v.exporter = k.exporter AND v.contract = k.contract AND v.line = k.line

-- name: drop_remains
DELETE FROM remain r USING unnest($1::text[], $2::text[], $3::text[]) AS k(exporter, contract, line)
WHERE r.exporter = k.exporter AND r.contract = k.contract AND r.line = k.line

-- name: set_wake
UPDATE exporter e SET wake_at = w.wake_at, stale = NULL
FROM unnest($1::text[], $2::timestamptz[]) AS w(exporter, wake_at)
WHERE e.exporter = w.exporter AND (e.wake_at IS DISTINCT FROM w.wake_at OR e.stale IS NOT NULL)

-- name: set_aside
UPDATE exporter SET stale = $2 WHERE exporter = ANY($1::text[])

-- name: settle
-- Done, unless a new reason came meanwhile: that one waits since this judgement began, for whatever was stored before is
-- in its snapshot. Rows another worker holds are left to it. Says how many seconds each has waited.
WITH answered AS MATERIALIZED (
    SELECT d.exporter, d.bulk, d.since, d.request = s.request AS done
    FROM due d JOIN unnest($1::text[], $2::bigint[]) AS s(exporter, request) USING (exporter) FOR UPDATE OF d SKIP LOCKED
), gone AS (
    DELETE FROM due USING answered AS a WHERE due.exporter = a.exporter AND a.done
), again AS (
    UPDATE due SET since = now() FROM answered AS a WHERE due.exporter = a.exporter AND NOT a.done
)
SELECT bulk, extract(epoch FROM clock_timestamp() - since)::float8 AS waited FROM answered

-- name: now
SELECT now FROM clock

-- name: move_clock
-- The present never goes back.
INSERT INTO clock (now) VALUES ($1) ON CONFLICT (one) DO UPDATE SET now = greatest(clock.now, excluded.now)

-- name: wake
-- Every exporter with a line, or a fact of its own, whose instant has come. Asked at every tick, so none is forgotten;
-- but what was set aside waits for a fact, or it would be tried again at every tick.
INSERT INTO due (exporter, bulk)
SELECT exporter, false FROM (
    SELECT exporter FROM verdict WHERE next_change_at <= (SELECT now FROM clock)
    UNION SELECT exporter FROM exporter WHERE wake_at <= (SELECT now FROM clock)
) AS woken JOIN exporter USING (exporter) WHERE stale IS NULL ORDER BY exporter
ON CONFLICT DO NOTHING

-- name: outdated
-- Answers of an older engine are judged again, behind everything prompt; so is what an earlier start had set aside.
INSERT INTO due (exporter, bulk) SELECT exporter, true FROM (
    SELECT exporter FROM verdict WHERE engine < $1 UNION SELECT exporter FROM remain WHERE engine < $1
    UNION SELECT exporter FROM exporter WHERE stale IS NOT NULL
) AS behind ORDER BY exporter
ON CONFLICT DO NOTHING

-- name: shards
SELECT DISTINCT shard FROM outbox ORDER BY shard

-- name: hold_shard
SELECT pg_try_advisory_xact_lock(720504, $1)

-- name: outgoing
SELECT seq, topic, key, body FROM outbox WHERE shard = $1 ORDER BY seq LIMIT 500

-- name: sent
DELETE FROM outbox WHERE seq = ANY($1::bigint[])

-- name: take_unknown
-- Dead letters of a type that was not known when they came.
SELECT cluster, topic, partition, "offset", index, learnt_at, raw FROM dead_letter
WHERE kind = 'unknown_type' AND resumed_at IS NULL
ORDER BY cluster, topic, partition, "offset", index FOR UPDATE SKIP LOCKED

-- name: keep_instead
-- A letter that could be read, and then not be stored: it stays, for the reason it has now.
UPDATE dead_letter d SET kind = k.kind, reason = k.reason, raw = k.raw
FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::int[], $6::text[], $7::text[], $8::bytea[])
     AS k(cluster, topic, partition, at, index, kind, reason, raw)
WHERE (d.cluster, d.topic, d.partition, d."offset", d.index) = (k.cluster, k.topic, k.partition, k.at, k.index)

-- name: resumed
UPDATE dead_letter SET resumed_at = now() WHERE (cluster, topic, partition, "offset", index) IN (
    SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::int[])
)

-- name: end_blockers
-- Ends every connection of this program that has kept another one waiting for a lock too long and does nothing itself:
-- between two statements, or in one that waits for its client. Who waits for a lock, or computes, is not ended.
-- Chosen first and ended afterwards: within one WHERE Postgres may end a connection before it looks at who that is.
WITH blocking AS (
    SELECT DISTINCT b.pid FROM pg_locks l JOIN pg_stat_activity w USING (pid)
    CROSS JOIN LATERAL unnest(pg_blocking_pids(l.pid)) AS b(pid)
    WHERE NOT l.granted AND l.waitstart < clock_timestamp() - make_interval(secs => $1)
      AND w.datname = current_database() AND w.application_name = current_setting('application_name')
), chosen AS MATERIALIZED (
    SELECT pid, query FROM pg_stat_activity JOIN blocking USING (pid)
    WHERE datname = current_database() AND application_name = current_setting('application_name')
      AND state_change < clock_timestamp() - make_interval(secs => $1)
      AND (state LIKE 'idle in transaction%' OR state = 'active' AND wait_event_type = 'Client')
)
SELECT pid, query, pg_terminate_backend(pid) AS ended FROM chosen

-- name: poison_ended
UPDATE breaker SET run = 0 WHERE cluster = $1 AND consumer = $2 AND topic = ANY($3::text[]) AND run > 0

-- name: more_poison
INSERT INTO breaker AS b (cluster, consumer, topic, run, paused_at)
SELECT $1, $2, topic, more, CASE WHEN more >= $5 THEN now() END
FROM unnest($3::text[], $4::bigint[]) AS m(topic, more)
ON CONFLICT (cluster, consumer, topic) DO UPDATE SET
    run = b.run + excluded.run,
    paused_at = coalesce(b.paused_at, CASE WHEN b.run + excluded.run >= $5 THEN now() END)
RETURNING topic, run, paused_at IS NOT DISTINCT FROM now() AS tripped

-- name: paused
SELECT topic FROM breaker WHERE cluster = $1 AND consumer = $2 AND paused_at IS NOT NULL

-- name: waiting
-- What waits, how many seconds the oldest has waited, and what stands still until somebody looks at it.
SELECT p.*, d.*, o.*, (SELECT count(*) FROM dead_letter WHERE resumed_at IS NULL) AS letters,
       (SELECT count(*) FROM exporter WHERE stale IS NOT NULL) AS stale
FROM (SELECT count(*) AS pending, coalesce(extract(epoch FROM now() - min(stored_at)), 0)::float8 AS pending_age
      FROM pending) AS p,
     (SELECT count(*) FILTER (WHERE NOT bulk) AS prompt, count(*) FILTER (WHERE bulk) AS bulk,
             coalesce(extract(epoch FROM now() - min(since) FILTER (WHERE NOT bulk)), 0)::float8 AS prompt_age,
             coalesce(extract(epoch FROM now() - min(since) FILTER (WHERE bulk)), 0)::float8 AS bulk_age FROM due) AS d,
     (SELECT count(*) AS outbox, coalesce(extract(epoch FROM now() - min(made_at)), 0)::float8 AS outbox_age
      FROM outbox) AS o

-- name: worker_came
-- Workers of whom nothing was heard for a week are forgotten.
WITH forgotten AS (DELETE FROM worker WHERE seen_at < now() - interval '7 days')
INSERT INTO worker (worker, host, pid, metrics) VALUES ($1, $2, $3, $4)

-- name: worker_seen
UPDATE worker SET seen_at = now() WHERE worker = $1

-- name: worker_ended
UPDATE worker SET seen_at = now(), ended_at = now(), watchdog = $2 WHERE worker = $1 AND ended_at IS NULL

-- name: forget_positions
DELETE FROM position WHERE cluster = $1 AND consumer = $2

-- name: tell_nothing
DELETE FROM outbox

-- name: everybody_due
INSERT INTO due (exporter, bulk) SELECT exporter, true FROM exporter ORDER BY exporter
ON CONFLICT DO NOTHING RETURNING exporter

-- name: anything_waits
SELECT EXISTS (SELECT FROM pending) OR EXISTS (SELECT FROM due)

-- name: digests
SELECT ref || ' (open)' AS line, md5(ROW(buyer, class, destination, export_at, verdict, open_quantity, blocked_value,
       value, currency, next_change_at, cited, answer, loss, steps)::text) AS digest FROM verdict
UNION ALL
SELECT ref || ' (cancelled)', md5(ROW(ended_at, buyer, class, destination, export_at, verdict, blocked_value, currency,
       answer, loss, steps)::text) FROM remain

-- name: facts_stored
SELECT count(*) FROM event
