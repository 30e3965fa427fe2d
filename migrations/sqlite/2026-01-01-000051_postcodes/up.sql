-- In which districts a postcode is, by the addresses that are on record.
CREATE INDEX organisations_postcode ON organisations (postcode, district_id)
    WHERE archived_at IS NULL AND postcode IS NOT NULL AND district_id IS NOT NULL;
CREATE INDEX establishments_postcode ON establishments (postcode, district_id)
    WHERE archived_at IS NULL AND postcode IS NOT NULL AND district_id IS NOT NULL;
