-- Steps of recruitment cases are on the worklist beside those of accompaniments.
CREATE INDEX recruitment_case_steps_awaited_on
    ON recruitment_case_steps (awaited_on, recruitment_case_id)
    WHERE awaited_on IS NOT NULL;

DROP VIEW awaited_steps;

CREATE VIEW awaited_steps AS
SELECT
    s.accompaniment_id AS record_id,
    'accompaniment' AS record_kind,
    s.position,
    s.code,
    s.awaited_on,
    a.carrier_id,
    a.lead_id,
    a.deputy_id,
    a.template_id,
    NULL AS candidate_reference,
    a.company_id,
    o.name AS company_name
FROM accompaniment_steps s
JOIN accompaniments a ON a.id = s.accompaniment_id
JOIN organisations o ON o.id = a.company_id
WHERE s.awaited_on IS NOT NULL
UNION ALL
SELECT
    s.recruitment_case_id,
    'recruitment_case',
    s.position,
    s.code,
    s.awaited_on,
    c.carrier_id,
    c.lead_id,
    c.deputy_id,
    c.template_id,
    c.candidate_reference,
    c.company_id,
    o.name
FROM recruitment_case_steps s
JOIN recruitment_cases c ON c.id = s.recruitment_case_id
JOIN organisations o ON o.id = c.company_id
WHERE s.awaited_on IS NOT NULL;
