-- The version of the record that a correction was entered on: while it is that, nothing can have overtaken it.
ALTER TABLE corrections ADD COLUMN record_version INTEGER CHECK (record_version >= 1);
