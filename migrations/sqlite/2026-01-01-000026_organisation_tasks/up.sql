-- Tasks about an organisation, also through a consultation. Either part follows an index; one condition with
-- both in it would read all tasks of a carrier. The plus keeps SQLite, which knows nothing of how many there
-- are, from following an index by carrier in their place.
CREATE VIEW organisation_tasks AS
SELECT organisation_id, +carrier_id AS carrier_id, id AS task_id
FROM tasks
WHERE organisation_id IS NOT NULL
UNION ALL
SELECT c.organisation_id, +t.carrier_id, t.id
FROM consultations c
JOIN tasks t ON t.consultation_id = c.id
WHERE c.organisation_id IS NOT NULL;
