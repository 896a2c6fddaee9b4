-- What a checkpoint of the story asks of the store.

-- name: progress
SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM pending) + (SELECT count(*) FROM due)
       + (SELECT count(*) FROM outbox), (SELECT count(*) FROM verdict), (SELECT count(*) FROM dead_letter)

-- name: by_class
SELECT class, verdict, count(*)::int AS lines FROM verdict GROUP BY class, verdict ORDER BY class, verdict

-- name: blocked
SELECT currency, sum(blocked_value) AS value FROM verdict WHERE blocked_value > 0 GROUP BY currency ORDER BY currency

-- name: lost
-- Out of pocket, per currency; a line whose loss cannot be told has none here.
SELECT loss::jsonb -> 'out_of_pocket' ->> 'currency' AS currency,
       sum((loss::jsonb -> 'out_of_pocket' ->> 'low')::numeric) AS low,
       sum((loss::jsonb -> 'out_of_pocket' ->> 'base')::numeric) AS base,
       sum((loss::jsonb -> 'out_of_pocket' ->> 'high')::numeric) AS high
FROM verdict
WHERE loss IS NOT NULL AND loss::jsonb -> 'out_of_pocket' ->> 'base' IS NOT NULL
GROUP BY 1 ORDER BY 1

-- name: rates
SELECT data FROM event WHERE type = 'fx.published' AND "time" <= $1 AND data::jsonb ->> 'base' = 'EUR'
ORDER BY "time" DESC LIMIT 1

-- name: latest
-- The last changes of answers, newest first.
SELECT h.exporter || '/' || h.contract || '/' || h.line AS ref, h.at,
       h.answer::jsonb ->> 'verdict' AS verdict, before.answer::jsonb ->> 'verdict' AS was, h.cause
FROM history h LEFT JOIN history before
  ON (before.exporter, before.contract, before.line, before.revision) = (h.exporter, h.contract, h.line, h.revision - 1)
WHERE h.answer::jsonb ->> 'verdict' IS DISTINCT FROM before.answer::jsonb ->> 'verdict' AND before.answer IS NOT NULL
ORDER BY h.at DESC, ref LIMIT 8

-- name: foreign
-- Facts that are not the story's: a demo never runs beside somebody's own data.
SELECT count(*) FROM event WHERE source NOT LIKE 'urn:contract-impact-tracker:%'
