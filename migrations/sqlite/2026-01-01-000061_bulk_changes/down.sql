DROP TABLE bulk_change_rows;
DROP TABLE bulk_changes;
