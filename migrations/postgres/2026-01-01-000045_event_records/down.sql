DROP VIEW event_records;
