-- The name of an archived series is free again.
ALTER TABLE event_series DROP CONSTRAINT event_series_name;
CREATE INDEX event_series_carrier_name ON event_series (carrier_id, name_key, id, archived_at);
CREATE UNIQUE INDEX event_series_name ON event_series (carrier_id, name_key)
    WHERE archived_at IS NULL;
