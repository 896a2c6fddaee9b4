-- What the HTTP door asks of Postgres, one named statement each.

-- name: key
SELECT name, hash, exporters, kinds, sources FROM api_key WHERE hash = $1 AND revoked_at IS NULL

-- name: any_key
SELECT EXISTS (SELECT FROM api_key)

-- name: keys
SELECT name, exporters, kinds, sources, created_at, revoked_at FROM api_key ORDER BY revoked_at IS NOT NULL, name

-- name: add_key
INSERT INTO api_key (name, hash, exporters, kinds, sources, created_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (name) DO NOTHING

-- name: revoke_key
UPDATE api_key SET revoked_at = coalesce(revoked_at, $2) WHERE name = $1 RETURNING revoked_at

-- name: positions
-- How far each partition of the log is stored.
SELECT topic, partition, stored FROM position WHERE cluster = $1 AND consumer = $2
