-- Follow-ups and other tasks (Wiedervorlagen, Aufgaben) of the carriers.

CREATE TABLE tasks (
    id UUID NOT NULL PRIMARY KEY,
    carrier_id UUID NOT NULL REFERENCES carriers (id),
    title TEXT NOT NULL,
    notes TEXT,
    -- Title and notes folded, which searches look in.
    search_text TEXT NOT NULL,
    due_on DATE NOT NULL,
    owner_id UUID NOT NULL REFERENCES users (id),
    -- Stands in for the owner.
    deputy_id UUID REFERENCES users (id),
    priority TEXT NOT NULL CHECK (priority IN ('low', 'normal', 'high')),
    consultation_id UUID REFERENCES consultations (id),
    organisation_id UUID REFERENCES organisations (id),
    event_id UUID REFERENCES events (id),
    status TEXT NOT NULL CHECK (status IN ('open', 'done', 'cancelled')),
    closed_at TIMESTAMPTZ,
    closed_by UUID REFERENCES users (id),
    -- What came of it, or why it was cancelled.
    closing_note TEXT,
    recorded_by UUID NOT NULL REFERENCES users (id),
    version BIGINT NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT tasks_deputy CHECK (deputy_id <> owner_id),
    CONSTRAINT tasks_about_one CHECK (
        num_nonnulls(consultation_id, organisation_id, event_id) <= 1
    ),
    CONSTRAINT tasks_closed CHECK (
        (status = 'open') = (closed_at IS NULL) AND
        (closed_at IS NULL) = (closed_by IS NULL) AND
        (closing_note IS NULL OR closed_at IS NOT NULL) AND
        (status <> 'cancelled' OR closing_note IS NOT NULL)
    )
);
CREATE INDEX tasks_carrier_due_on ON tasks (carrier_id, due_on, id);
CREATE INDEX tasks_carrier_created_at ON tasks (carrier_id, created_at, id);
CREATE INDEX tasks_owner ON tasks (owner_id, status, due_on, id);
CREATE INDEX tasks_deputy ON tasks (deputy_id, status, due_on, id) WHERE deputy_id IS NOT NULL;
CREATE INDEX tasks_consultation ON tasks (consultation_id, due_on, id)
    WHERE consultation_id IS NOT NULL;
CREATE INDEX tasks_organisation ON tasks (organisation_id, due_on, id)
    WHERE organisation_id IS NOT NULL;
CREATE INDEX tasks_event ON tasks (event_id, due_on, id) WHERE event_id IS NOT NULL;
CREATE INDEX tasks_carrier_status ON tasks (carrier_id, status, due_on, id);

-- Tasks as they are read: with what they show of what they are about. The organisation of a consultation
-- may be corrected, so it is looked up and not kept.
CREATE VIEW task_rows AS
SELECT
    t.id,
    t.carrier_id,
    t.title,
    t.notes,
    t.search_text,
    t.due_on,
    t.owner_id,
    t.deputy_id,
    t.priority,
    t.consultation_id,
    t.organisation_id,
    t.event_id,
    t.status,
    t.closed_at,
    t.closed_by,
    t.closing_note,
    t.recorded_by,
    t.version,
    t.created_at,
    t.updated_at,
    c.held_on AS consultation_held_on,
    o.id AS shown_organisation_id,
    o.name AS organisation_name,
    o.kind AS organisation_kind,
    e.title AS event_title
FROM tasks t
LEFT JOIN consultations c ON c.id = t.consultation_id
LEFT JOIN organisations o ON o.id = coalesce(t.organisation_id, c.organisation_id)
LEFT JOIN events e ON e.id = t.event_id;
