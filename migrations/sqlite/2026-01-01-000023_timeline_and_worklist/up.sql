-- What the timeline of an organisation and the worklist read.

-- The latest held consultation of each organisation with each carrier, kept with every consultation that is
-- written: at a million of them, the worklist cannot look for it. The latest is the last by date and id.
CREATE TABLE last_contacts (
    carrier_id BLOB NOT NULL REFERENCES carriers (id),
    organisation_id BLOB NOT NULL REFERENCES organisations (id),
    held_on TEXT NOT NULL,
    consultation_id BLOB NOT NULL REFERENCES consultations (id),
    -- Who led it.
    adviser_id BLOB NOT NULL REFERENCES users (id),
    PRIMARY KEY (carrier_id, organisation_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX last_contacts_carrier ON last_contacts (carrier_id, held_on, organisation_id);
CREATE INDEX last_contacts_adviser ON last_contacts (adviser_id, held_on, organisation_id);

INSERT INTO last_contacts (carrier_id, organisation_id, held_on, consultation_id, adviser_id)
SELECT r.carrier_id, r.organisation_id, r.held_on, r.id, a.user_id
FROM (
    SELECT
        c.carrier_id, c.organisation_id, c.held_on, c.id,
        row_number() OVER (
            PARTITION BY c.carrier_id, c.organisation_id ORDER BY c.held_on DESC, c.id DESC
        ) AS place
    FROM consultations c
    WHERE c.organisation_id IS NOT NULL AND c.status = 'held'
) r
JOIN consultation_advisers a ON a.consultation_id = r.id AND a.position = 0
WHERE r.place = 1;

-- Organisations that a carrier has advised, as its worklist shows them.
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

-- What the worklist looks at in every row, so that it counts without reading the rows.
CREATE INDEX organisations_reported ON organisations (id, archived_at, kind, district_id);
CREATE INDEX company_profiles_reported ON company_profiles (organisation_id, status, section, size_class);

-- Open tasks, which are few beside those that are done.
CREATE INDEX tasks_open ON tasks (carrier_id, due_on, id) WHERE status = 'open';

-- Organisations that somebody has something to do about.
CREATE VIEW organisations_with_open_tasks AS
SELECT t.carrier_id, t.organisation_id
FROM tasks t
WHERE t.status = 'open' AND t.organisation_id IS NOT NULL
UNION ALL
SELECT t.carrier_id, c.organisation_id
FROM tasks t
JOIN consultations c ON c.id = t.consultation_id
WHERE t.status = 'open' AND c.organisation_id IS NOT NULL;

-- Events that an organisation has to do with.
CREATE VIEW organisation_events AS
SELECT organisation_id, event_id, 'participant' AS part
FROM event_participations
WHERE organisation_id IS NOT NULL AND status <> 'voided'
UNION ALL
SELECT organisation_id, event_id, 'organiser'
FROM event_organisers
UNION ALL
SELECT organisation_id, event_id, 'speaker'
FROM event_speakers
WHERE organisation_id IS NOT NULL;
