DROP INDEX event_series_name;
DROP INDEX event_series_carrier_name;
-- Names are taken for ever again, so of those that have the same one all but the latest are told apart.
UPDATE event_series s SET name_key = name_key || ' ' || CAST(id AS text)
WHERE EXISTS (
    SELECT 1 FROM event_series o
    WHERE o.carrier_id = s.carrier_id AND o.name_key = s.name_key AND o.id > s.id
);
ALTER TABLE event_series ADD CONSTRAINT event_series_name UNIQUE (carrier_id, name_key);
