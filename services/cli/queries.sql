-- What the commands ask of the store, one named statement each.

-- name: exporters
SELECT exporter FROM exporter ORDER BY exporter

-- name: verdicts
-- In the order of `assess`: numbered lines by their number, then the others by name.
SELECT exporter, contract, line, ref, revision, export_at, answer, loss FROM verdict
WHERE ($1::text IS NULL OR exporter = $1) AND ($2::text IS NULL OR buyer = $2)
  AND ($3::text IS NULL OR class = $3 OR starts_with(class, $3 || '.')) AND ($4::text IS NULL OR verdict = $4)
ORDER BY exporter COLLATE "C", contract COLLATE "C", line !~ '^[0-9]{1,18}$',
         CASE WHEN line ~ '^[0-9]{1,18}$' THEN line::bigint END, line COLLATE "C"

-- name: line
SELECT exporter, contract, line, ref, revision, export_at, answer, loss, steps, cited FROM verdict WHERE ref = $1

-- name: remain
-- A line that was cancelled while blocked: as it was judged just before, and what it still loses.
SELECT exporter, contract, line, ref, export_at, ended_at, answer, loss, steps FROM remain WHERE ref = $1

-- name: history
SELECT revision, at, answer, cause FROM history
WHERE exporter || '/' || contract || '/' || line = $1 ORDER BY revision

-- name: near
-- Lines whose name begins alike, for whoever mistyped one.
SELECT ref FROM verdict WHERE starts_with(ref, $1) ORDER BY ref COLLATE "C" LIMIT 3

-- name: acts
-- Every stored version of every act that is in force or was.
SELECT data FROM event WHERE type = 'rule.enacted' ORDER BY "time", recorded_at, source, id

-- name: exposure
-- Open lines and what is blocked of them, summed by what was asked for and by currency; an open line that is planned for
-- the past counts in this week. Lines that were cancelled while blocked stand in sums of their own. Money is summed per
-- currency and never converted; a loss that is unknown, or stated in another currency than the contract's, is counted as
-- not reckoned.
WITH line AS (
    SELECT exporter, buyer, coalesce(class, '') AS class, destination, verdict, currency, value, blocked_value, loss,
           greatest(export_at, (SELECT now FROM clock)) AS planned, false AS cancelled FROM verdict
    UNION ALL
    SELECT exporter, buyer, coalesce(class, ''), destination, verdict, currency, 0, 0, loss, export_at, true FROM remain
), told AS (
    SELECT line.*, lost, coalesce(lost ->> 'currency' = currency, false) AS summed,
           lost IS NOT NULL AND (lost ->> 'base' IS NULL OR lost ->> 'currency' <> currency) AS unknown
    FROM line CROSS JOIN LATERAL (SELECT loss::jsonb -> 'out_of_pocket' AS lost) AS l
)
SELECT CASE WHEN 'exporter' = ANY($1::text[]) THEN exporter END AS exporter,
       CASE WHEN 'buyer' = ANY($1::text[]) THEN buyer END AS buyer,
       CASE WHEN 'class' = ANY($1::text[]) THEN class END AS class,
       CASE WHEN 'destination' = ANY($1::text[]) THEN destination END AS destination,
       CASE WHEN 'week' = ANY($1::text[]) THEN to_char(planned AT TIME ZONE 'UTC', 'IYYY-"W"IW') END AS week,
       CASE WHEN 'verdict' = ANY($1::text[]) THEN verdict END AS verdict,
       currency, count(*) FILTER (WHERE NOT cancelled) AS lines,
       count(*) FILTER (WHERE blocked_value > 0) AS blocked_lines, sum(value) AS value,
       sum(blocked_value) AS blocked_value,
       coalesce(sum((lost ->> 'low')::numeric) FILTER (WHERE summed AND NOT cancelled), 0) AS low,
       coalesce(sum((lost ->> 'base')::numeric) FILTER (WHERE summed AND NOT cancelled), 0) AS base,
       coalesce(sum((lost ->> 'high')::numeric) FILTER (WHERE summed AND NOT cancelled), 0) AS high,
       count(*) FILTER (WHERE unknown AND NOT cancelled) AS not_reckoned,
       count(*) FILTER (WHERE cancelled) AS cancelled_lines,
       coalesce(sum((lost ->> 'low')::numeric) FILTER (WHERE summed AND cancelled), 0) AS cancelled_low,
       coalesce(sum((lost ->> 'base')::numeric) FILTER (WHERE summed AND cancelled), 0) AS cancelled_base,
       coalesce(sum((lost ->> 'high')::numeric) FILTER (WHERE summed AND cancelled), 0) AS cancelled_high,
       count(*) FILTER (WHERE unknown AND cancelled) AS cancelled_not_reckoned
FROM told GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 5, 6, 1, 2, 3, 4, 7

-- name: letters
SELECT topic, partition, "offset", index, kind, reason, learnt_at, resumed_at, cluster, raw FROM dead_letter
WHERE resumed_at IS NULL OR $1 ORDER BY cluster, topic, partition, "offset", index

-- name: letter
SELECT topic, partition, "offset", index, kind, reason, learnt_at, resumed_at, cluster, raw FROM dead_letter
WHERE topic = $1 AND partition = $2 AND "offset" = $3 AND index = $4 ORDER BY cluster

-- name: applied
SELECT name FROM migration

-- name: counts
SELECT (SELECT count(*) FROM pending) AS pending, (SELECT count(*) FROM due) AS due,
       (SELECT count(*) FROM outbox) AS outbox, (SELECT count(*) FROM event) AS events,
       (SELECT count(*) FROM dead_letter WHERE resumed_at IS NULL) AS letters,
       (SELECT count(*) FROM exporter WHERE stale IS NOT NULL) AS stale, (SELECT count(*) FROM verdict) AS lines,
       (SELECT count(*) FROM verdict WHERE engine < $1) AS outdated

-- name: stale
SELECT exporter, stale FROM exporter WHERE stale IS NOT NULL ORDER BY exporter COLLATE "C" LIMIT 3

-- name: paused
SELECT topic, run, paused_at FROM breaker WHERE paused_at IS NOT NULL ORDER BY cluster, consumer, topic

-- name: resume_topics
UPDATE breaker SET run = 0, paused_at = NULL WHERE paused_at IS NOT NULL RETURNING topic

-- name: stored_positions
SELECT topic, sum(stored + 1)::bigint AS stored FROM position WHERE cluster = $1 AND consumer = $2 GROUP BY topic

-- name: known_facts
-- Which of these facts the store has by now, with what content, learnt when.
SELECT source, id, hash, recorded_at FROM event JOIN unnest($1::text[], $2::text[]) AS asked(source, id) USING (source, id)

-- name: told_by
-- What these sources, and those below them, told of nobody's own trade, and what was withdrawn of it; as it was learnt.
WITH told AS (
    SELECT source, id, type, "time", recorded_at, data FROM event
    WHERE exporter IS NULL AND type <> 'fact.withdrawn'
      AND EXISTS (SELECT FROM unnest($1::text[]) AS asked(name) WHERE source = name OR starts_with(source, name || '/'))
)
SELECT * FROM (
    TABLE told
    UNION ALL
    SELECT w.source, w.id, w.type, w."time", w.recorded_at, w.data FROM told
    JOIN event w ON w.subject = 'event:' || told.source || ' ' || told.id AND w.type = 'fact.withdrawn'
) AS found ORDER BY recorded_at, "time", source COLLATE "C", id COLLATE "C"

-- name: registers
-- What registers and lists say: nothing that an exporter told of its own trade.
SELECT source, id, type, "time", recorded_at, data FROM event WHERE exporter IS NULL OR type = 'exporter.registered'

-- name: versions
-- Under which ids acts are stored, the one learnt first before its corrections.
SELECT subject, array_agg(id ORDER BY recorded_at, seq) AS ids FROM event WHERE type IN ('rule.enacted', 'rule.announced') GROUP BY subject

-- name: workers
-- The workers that have not said goodbye, and those that their watchdog has ended, of the last hour.
SELECT host, pid, metrics, watchdog, ended_at IS NOT NULL AS ended,
       extract(epoch FROM now() - seen_at)::float8 AS silent
FROM worker WHERE seen_at > now() - interval '1 hour' AND (ended_at IS NULL OR watchdog IS NOT NULL)
ORDER BY started_at, host, pid
-- name: acts
-- What the acts say, each version as it was learnt, and what was withdrawn.
SELECT source, id, type, "time", recorded_at, data FROM event WHERE type IN ('rule.enacted', 'fact.withdrawn')

-- name: told_parties
-- Whom exporters' own facts name, and how many exporters each.
SELECT substr(key, 7) AS party, count(*) AS exporters FROM tie WHERE starts_with(key, 'party:') GROUP BY key

-- name: registered_parties
-- Whom registers and lists name.
SELECT substr(key, 7) AS party FROM name
WHERE starts_with(key, 'party:') AND (starts_with(subject, 'licence:') OR starts_with(subject, 'list:'))
UNION
SELECT jsonb_array_elements_text(coalesce(data::jsonb -> 'buyers', data::jsonb -> 'holders', '[]')) FROM event
WHERE exporter IS NULL AND type IN ('licence.granted', 'quota.opened')

-- name: exporter_names
SELECT DISTINCT ON (exporter) exporter, data::jsonb ->> 'name' AS name, data::jsonb ->> 'country' AS country FROM event
WHERE type = 'exporter.registered' ORDER BY exporter, "time" DESC, recorded_at DESC, source DESC, id DESC

-- name: decisions
-- What was decided about names, and every withdrawal.
SELECT source, id, type, "time", recorded_at, data FROM event
WHERE type IN ('party.matched', 'party.unmatched', 'fact.withdrawn')
