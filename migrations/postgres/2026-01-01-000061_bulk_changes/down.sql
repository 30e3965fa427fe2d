DROP TABLE bulk_change_rows;
DROP TABLE bulk_changes;
-- Nothing is left for them to do.
DELETE FROM jobs WHERE kind = 'bulk';
