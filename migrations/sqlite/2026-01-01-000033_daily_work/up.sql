-- Consultations of organisations without a district, which are few.
CREATE INDEX consultations_without_district ON consultations
    (organisation_id, carrier_id, funding_period_id, status)
    WHERE district_id IS NULL AND organisation_id IS NOT NULL;

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
    -- What a report would show as unknown: a consultation keeps the district of its date.
    EXISTS (
        SELECT 1
        FROM consultations c
        CROSS JOIN funding_periods f ON f.id = c.funding_period_id
        WHERE c.organisation_id = l.organisation_id
            AND c.carrier_id = l.carrier_id
            AND c.district_id IS NULL
            AND c.status = 'held'
            AND f.status <> 'closed'
    ) AS lacks_district,
    -- Advised in a period that is not closed: mostly the latest consultation tells; where a closed period
    -- lies between open ones, an earlier one may.
    (
        EXISTS (
            SELECT 1
            FROM funding_periods f
            WHERE f.status <> 'closed' AND l.held_on BETWEEN f.starts_on AND f.ends_on
        ) OR EXISTS (
            SELECT 1
            FROM funding_periods f
            CROSS JOIN consultations c ON c.funding_period_id = f.id
            WHERE c.organisation_id = l.organisation_id
                AND c.carrier_id = l.carrier_id
                AND c.status = 'held'
                AND f.status <> 'closed'
        )
    ) AS is_reported
FROM last_contacts l
JOIN organisations o ON o.id = l.organisation_id
LEFT JOIN company_profiles p ON p.organisation_id = l.organisation_id;

-- Attachments that were voided lately: their contents are looked for every hour.
CREATE INDEX attachments_voided ON attachments (voided_at) WHERE voided_at IS NOT NULL;

-- No question is answered by it that `tasks_carrier_status` does not answer too.
DROP INDEX tasks_open;
