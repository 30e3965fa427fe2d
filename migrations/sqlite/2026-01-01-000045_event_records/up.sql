-- Events with what their figures are grouped by, held or not: an explanation tells what was left out.
CREATE VIEW event_records AS
SELECT
    e.id,
    e.carrier_id,
    e.funding_period_id,
    e.series_id,
    h.site_id,
    e.kind,
    e.title,
    e.status,
    e.starts_on,
    substr(e.starts_on, 1, 7) AS month,
    substr(e.starts_on, 1, 4) || '-Q' || ((CAST(substr(e.starts_on, 6, 2) AS INTEGER) + 2) / 3) AS quarter,
    substr(e.starts_on, 1, 4) AS year
FROM events e
JOIN event_sites h ON h.event_id = e.id AND h.position = 0;
