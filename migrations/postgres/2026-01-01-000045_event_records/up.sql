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
    to_char(e.starts_on, 'YYYY-MM') AS month,
    to_char(e.starts_on, 'YYYY-"Q"Q') AS quarter,
    to_char(e.starts_on, 'YYYY') AS year
FROM events e
JOIN event_sites h ON h.event_id = e.id AND h.position = 0;
