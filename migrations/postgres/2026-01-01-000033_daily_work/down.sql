CREATE INDEX tasks_open ON tasks (carrier_id, due_on, id) WHERE status = 'open';
DROP INDEX attachments_voided;
DROP VIEW advised_organisations;
CREATE VIEW advised_organisations AS
SELECT
    l.carrier_id,
    l.organisation_id,
    l.held_on,
    l.adviser_id,
    o.name,
    o.kind,
    o.archived_at,
    -- An actor has no status.
    (p.status IS NULL OR p.status IN ('prospect', 'active')) AS is_contacted,
    (o.kind = 'company' AND p.section IS NULL) AS lacks_industry,
    (o.kind = 'company' AND p.size_class = 'unknown') AS lacks_size_class,
    (o.district_id IS NULL) AS lacks_district
FROM last_contacts l
JOIN organisations o ON o.id = l.organisation_id
LEFT JOIN company_profiles p ON p.organisation_id = l.organisation_id;

DROP INDEX consultations_without_district;
