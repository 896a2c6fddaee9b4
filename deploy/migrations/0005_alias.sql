-- What a tie to one key is a tie to as well: names of parties that were ever matched, each way, and whoever signed a
-- paper of an exporter's, from the exporter to the signer. Only ever added to: a match that is taken back may reach too
-- many, never too few.
CREATE TABLE alias (
    key  text NOT NULL,
    also text NOT NULL,
    PRIMARY KEY (key, also)
);
CREATE INDEX alias_also ON alias (also);

-- Papers that were stored before this table was made, signed by somebody who is named.
INSERT INTO alias
SELECT DISTINCT 'party:' || (data::jsonb ->> 'exporter'), 'party:' || (data::jsonb ->> 'by') FROM event
WHERE type = 'document.filed' AND data::jsonb ->> 'by' NOT IN ('exporter', 'buyer', 'both')
ON CONFLICT DO NOTHING;
