-- The version of the record that a correction was entered on: while it is that, nothing can have overtaken it.
ALTER TABLE corrections ADD COLUMN record_version INTEGER CHECK (record_version >= 1);

-- The other closed period that a record should lie in: the correction is in the list of both.
ALTER TABLE corrections ADD COLUMN moved_to_id BLOB REFERENCES funding_periods (id);
UPDATE corrections
SET moved_to_id = unhex(replace(json_extract(corrected, '$.funding_period.id'), '-', ''))
WHERE kind = 'change' AND unhex(replace(json_extract(corrected, '$.funding_period.id'), '-', '')) <> funding_period_id;
CREATE INDEX corrections_moved_to ON corrections (moved_to_id, created_at, id)
    WHERE moved_to_id IS NOT NULL;
