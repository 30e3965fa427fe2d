DROP VIEW awaited_steps;

CREATE VIEW awaited_steps AS
SELECT
    s.accompaniment_id,
    s.position,
    s.code,
    s.awaited_on,
    a.carrier_id,
    a.lead_id,
    a.deputy_id,
    a.template_id,
    a.company_id,
    o.name AS company_name
FROM accompaniment_steps s
JOIN accompaniments a ON a.id = s.accompaniment_id
JOIN organisations o ON o.id = a.company_id
WHERE s.awaited_on IS NOT NULL;

DROP INDEX recruitment_case_steps_awaited_on;
