-- Programme templates (Vorlagen), accompaniments (Begleitungen) by them, and what belongs to an accompaniment.

-- A site's public holidays hold for what is planned there. Which federal states there are is data of the program.
ALTER TABLE sites ADD COLUMN federal_state TEXT NOT NULL DEFAULT 'hesse';

-- Those that ship with the program are added by it when it migrates.
CREATE TABLE programme_templates (
    id BLOB NOT NULL PRIMARY KEY,
    used_for TEXT NOT NULL CHECK (used_for IN ('accompaniment', 'recruitment_case')),
    code TEXT NOT NULL,
    version_number INTEGER NOT NULL CHECK (version_number >= 1),
    status TEXT NOT NULL CHECK (status IN ('draft', 'published', 'retired')),
    label_de TEXT NOT NULL,
    label_en TEXT NOT NULL,
    duration_days INTEGER CHECK (duration_days >= 1),
    max_pause_days INTEGER CHECK (max_pause_days >= 0),
    "procedure" TEXT CHECK ("procedure" IN ('fast_track', 'regular')),
    -- Read and written as a whole, and frozen with the version.
    purposes TEXT NOT NULL,
    phases TEXT NOT NULL,
    published_at TEXT,
    -- Null for what ships with the program.
    published_by BLOB REFERENCES users (id),
    retired_at TEXT,
    retired_by BLOB REFERENCES users (id),
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT programme_templates_version UNIQUE (code, version_number),
    CONSTRAINT programme_templates_accompaniment CHECK (
        (used_for = 'accompaniment') = (duration_days IS NOT NULL) AND
        (used_for = 'accompaniment') = (max_pause_days IS NOT NULL) AND
        (used_for = 'recruitment_case') = ("procedure" IS NOT NULL)
    ),
    CONSTRAINT programme_templates_published CHECK (
        (status = 'draft') = (published_at IS NULL) AND
        (published_by IS NULL OR published_at IS NOT NULL)
    ),
    CONSTRAINT programme_templates_retired CHECK (
        (status = 'retired') = (retired_at IS NOT NULL) AND
        (retired_by IS NULL OR retired_at IS NOT NULL)
    )
) STRICT;
CREATE UNIQUE INDEX programme_templates_one_published ON programme_templates (code)
    WHERE status = 'published';
CREATE UNIQUE INDEX programme_templates_one_draft ON programme_templates (code)
    WHERE status = 'draft';
CREATE INDEX programme_templates_created_at ON programme_templates (created_at, id);

CREATE TABLE accompaniments (
    id BLOB NOT NULL PRIMARY KEY,
    carrier_id BLOB NOT NULL REFERENCES carriers (id),
    company_id BLOB NOT NULL REFERENCES organisations (id),
    site_id BLOB NOT NULL REFERENCES sites (id),
    -- Whose holidays gave the dates; the site may be corrected.
    federal_state TEXT NOT NULL,
    template_id BLOB NOT NULL REFERENCES programme_templates (id),
    lead_id BLOB NOT NULL REFERENCES users (id),
    deputy_id BLOB REFERENCES users (id),
    -- To whom the lead is to pass, until that is accepted.
    hand_over_to BLOB REFERENCES users (id),
    hand_over_note TEXT,
    hand_over_by BLOB REFERENCES users (id),
    hand_over_at TEXT,
    notes TEXT,
    requested_on TEXT NOT NULL,
    agreed_on TEXT,
    agreed_by BLOB REFERENCES users (id),
    agreed_at TEXT,
    rejected_on TEXT,
    reject_reason TEXT,
    rejected_by BLOB REFERENCES users (id),
    rejected_at TEXT,
    -- Day 1.
    started_on TEXT,
    funding_period_id BLOB REFERENCES funding_periods (id),
    completed_on TEXT,
    outcome TEXT CHECK (outcome IN ('achieved', 'partly', 'not_achieved')),
    completion_note TEXT,
    completed_by BLOB REFERENCES users (id),
    completed_at TEXT,
    ended_on TEXT,
    end_reason TEXT CHECK (end_reason IN (
        'vacancy_filled', 'no_capacity', 'unreachable', 'insolvency', 'not_eligible', 'withdrew',
        'project_end'
    )),
    end_note TEXT,
    ended_by BLOB REFERENCES users (id),
    ended_at TEXT,
    recorded_by BLOB NOT NULL REFERENCES users (id),
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT accompaniments_deputy CHECK (deputy_id <> lead_id),
    CONSTRAINT accompaniments_hand_over CHECK (
        (hand_over_to IS NULL) = (hand_over_by IS NULL) AND
        (hand_over_to IS NULL) = (hand_over_at IS NULL) AND
        (hand_over_note IS NULL OR hand_over_to IS NOT NULL) AND
        hand_over_to <> lead_id
    ),
    CONSTRAINT accompaniments_agreed CHECK (
        (agreed_on IS NULL) = (agreed_by IS NULL) AND
        (agreed_on IS NULL) = (agreed_at IS NULL) AND
        agreed_on >= requested_on
    ),
    CONSTRAINT accompaniments_rejected CHECK (
        (rejected_on IS NULL) = (reject_reason IS NULL) AND
        (rejected_on IS NULL) = (rejected_by IS NULL) AND
        (rejected_on IS NULL) = (rejected_at IS NULL) AND
        (rejected_on IS NULL OR agreed_on IS NULL) AND
        rejected_on >= requested_on
    ),
    CONSTRAINT accompaniments_started CHECK (
        (started_on IS NULL) = (funding_period_id IS NULL) AND
        (started_on IS NULL OR agreed_on IS NOT NULL) AND
        started_on >= agreed_on
    ),
    CONSTRAINT accompaniments_completed CHECK (
        (completed_on IS NULL) = (outcome IS NULL) AND
        (completed_on IS NULL) = (completed_by IS NULL) AND
        (completed_on IS NULL) = (completed_at IS NULL) AND
        (completion_note IS NULL OR completed_on IS NOT NULL) AND
        (completed_on IS NULL OR started_on IS NOT NULL) AND
        completed_on >= started_on
    ),
    CONSTRAINT accompaniments_ended CHECK (
        (ended_on IS NULL) = (end_reason IS NULL) AND
        (ended_on IS NULL) = (ended_by IS NULL) AND
        (ended_on IS NULL) = (ended_at IS NULL) AND
        (end_note IS NULL OR ended_on IS NOT NULL) AND
        (ended_on IS NULL OR (agreed_on IS NOT NULL AND completed_on IS NULL)) AND
        ended_on >= agreed_on AND
        ended_on >= started_on
    )
) STRICT;
-- A company is accompanied once at a time, by whichever carrier.
CREATE UNIQUE INDEX accompaniments_one_open_per_company ON accompaniments (company_id)
    WHERE rejected_on IS NULL AND completed_on IS NULL AND ended_on IS NULL;
CREATE INDEX accompaniments_carrier_requested_on ON accompaniments (carrier_id, requested_on, id);
CREATE INDEX accompaniments_carrier_created_at ON accompaniments (carrier_id, created_at, id);
CREATE INDEX accompaniments_carrier_started_on ON accompaniments (carrier_id, started_on);
CREATE INDEX accompaniments_company ON accompaniments (company_id, requested_on, id);
CREATE INDEX accompaniments_lead ON accompaniments (lead_id, requested_on, id);
CREATE INDEX accompaniments_deputy ON accompaniments (deputy_id, requested_on, id)
    WHERE deputy_id IS NOT NULL;
CREATE INDEX accompaniments_under_way ON accompaniments (carrier_id, id)
    WHERE started_on IS NOT NULL AND completed_on IS NULL AND ended_on IS NULL;

-- Days that do not count.
CREATE TABLE accompaniment_pauses (
    accompaniment_id BLOB NOT NULL REFERENCES accompaniments (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    from_on TEXT NOT NULL,
    -- Last day. Before the first when the pause was taken back before it began.
    until_on TEXT NOT NULL,
    reason TEXT NOT NULL,
    paused_by BLOB NOT NULL REFERENCES users (id),
    paused_at TEXT NOT NULL,
    resumed_on TEXT,
    planned_until TEXT,
    resumed_by BLOB REFERENCES users (id),
    resumed_at TEXT,
    PRIMARY KEY (accompaniment_id, position),
    CONSTRAINT accompaniment_pauses_resumed CHECK (
        (resumed_on IS NULL) = (planned_until IS NULL) AND
        (resumed_on IS NULL) = (resumed_by IS NULL) AND
        (resumed_on IS NULL) = (resumed_at IS NULL) AND
        (resumed_on IS NOT NULL OR until_on >= from_on)
    )
) STRICT, WITHOUT ROWID;

-- The agreement on goals (Zielvereinbarung).
CREATE TABLE accompaniment_goals (
    accompaniment_id BLOB NOT NULL REFERENCES accompaniments (id),
    number INTEGER NOT NULL CHECK (number >= 1),
    title TEXT NOT NULL,
    measure TEXT,
    achievement TEXT CHECK (achievement IN ('achieved', 'partly', 'not_achieved')),
    result_note TEXT,
    measured_by BLOB REFERENCES users (id),
    measured_at TEXT,
    PRIMARY KEY (accompaniment_id, number),
    CONSTRAINT accompaniment_goals_measured CHECK (
        (achievement IS NULL) = (measured_by IS NULL) AND
        (achievement IS NULL) = (measured_at IS NULL) AND
        (result_note IS NULL OR achievement IS NOT NULL)
    )
) STRICT, WITHOUT ROWID;

-- What became of the steps. What they are stands in the template, which does not change any more.
CREATE TABLE accompaniment_steps (
    accompaniment_id BLOB NOT NULL REFERENCES accompaniments (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    code TEXT NOT NULL,
    -- By when somebody is to have done it; null where nobody is, or where the date is a forecast. Derived
    -- with every change, so that a worklist does not plan all runs anew.
    awaited_on TEXT,
    baseline_on TEXT,
    planned_on TEXT,
    override_on TEXT,
    override_reason TEXT,
    override_by BLOB REFERENCES users (id),
    override_at TEXT,
    done_on TEXT,
    done_note TEXT,
    done_by BLOB REFERENCES users (id),
    done_at TEXT,
    waive_reason TEXT,
    waived_by BLOB REFERENCES users (id),
    waived_at TEXT,
    PRIMARY KEY (accompaniment_id, position),
    CONSTRAINT accompaniment_steps_awaited CHECK (
        awaited_on IS NULL OR (done_on IS NULL AND waived_at IS NULL)
    ),
    CONSTRAINT accompaniment_steps_once UNIQUE (accompaniment_id, code),
    CONSTRAINT accompaniment_steps_override CHECK (
        (override_on IS NULL) = (override_reason IS NULL) AND
        (override_on IS NULL) = (override_by IS NULL) AND
        (override_on IS NULL) = (override_at IS NULL)
    ),
    CONSTRAINT accompaniment_steps_done CHECK (
        (done_on IS NULL) = (done_by IS NULL) AND
        (done_on IS NULL) = (done_at IS NULL) AND
        (done_note IS NULL OR done_on IS NOT NULL)
    ),
    CONSTRAINT accompaniment_steps_waived CHECK (
        (waived_at IS NULL) = (waived_by IS NULL) AND
        (waived_at IS NULL) = (waive_reason IS NULL) AND
        (waived_at IS NULL OR done_on IS NULL)
    )
) STRICT, WITHOUT ROWID;
CREATE INDEX accompaniment_steps_awaited_on ON accompaniment_steps (awaited_on, accompaniment_id)
    WHERE awaited_on IS NOT NULL;

-- Steps that somebody is to do, as a worklist shows them.
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

-- A consultation or an event can belong to an accompaniment.
ALTER TABLE consultations ADD COLUMN accompaniment_id BLOB REFERENCES accompaniments (id);
CREATE INDEX consultations_accompaniment ON consultations (accompaniment_id, held_on, id)
    WHERE accompaniment_id IS NOT NULL;
ALTER TABLE events ADD COLUMN accompaniment_id BLOB REFERENCES accompaniments (id);
CREATE INDEX events_accompaniment ON events (accompaniment_id, starts_on, id)
    WHERE accompaniment_id IS NOT NULL;

DROP VIEW consultation_rows;

CREATE VIEW consultation_rows AS
SELECT
    c.id,
    c.organisation_id,
    c.establishment_id,
    c.carrier_id,
    c.site_id,
    c.funding_period_id,
    c.district_id,
    c.held_on,
    c.starts_at,
    c.minutes,
    c.preparation_minutes,
    c.channel,
    c.status,
    c.apprentices,
    c.countries,
    c.occupations,
    c.event_id,
    c.accompaniment_id,
    c.outcome,
    c.notes,
    c.note_warnings,
    c.search_text,
    c.is_anonymous_profile,
    c.anonymous_classification,
    c.anonymous_section,
    c.anonymous_size_class,
    c.voided_at,
    c.voided_by,
    c.void_reason,
    c.recorded_by,
    c.version,
    c.created_at,
    c.updated_at,
    CASE
        WHEN c.status <> 'held' THEN NULL
        WHEN c.minutes < f.minimum_minutes THEN 'short_information'
        WHEN c.organisation_id IS NULL THEN 'anonymous'
        WHEN EXISTS (
            SELECT 1
            FROM consultations e
            WHERE e.organisation_id = c.organisation_id
                AND e.held_on <= c.held_on
                AND e.funding_period_id = c.funding_period_id
                AND e.carrier_id = c.carrier_id
                AND e.status = 'held'
                AND e.minutes >= f.minimum_minutes
                AND (e.held_on, coalesce(e.starts_at, '24:00'), e.id)
                    < (c.held_on, coalesce(c.starts_at, '24:00'), c.id)
        ) THEN 'follow_up'
        ELSE 'first'
    END AS kind,
    o.name AS organisation_name,
    o.kind AS organisation_kind,
    e.name AS establishment_name,
    v.title AS event_title,
    coalesce(a.started_on, a.requested_on) AS accompaniment_on
FROM consultations c
CROSS JOIN funding_periods f ON f.id = c.funding_period_id
LEFT JOIN organisations o ON o.id = c.organisation_id
LEFT JOIN establishments e ON e.id = c.establishment_id
LEFT JOIN events v ON v.id = c.event_id
LEFT JOIN accompaniments a ON a.id = c.accompaniment_id;

-- Attachments of accompaniments. SQLite changes no constraint of a table that is there, so it is made anew.
CREATE TABLE attachments_new (
    id BLOB NOT NULL PRIMARY KEY,
    consultation_id BLOB REFERENCES consultations (id),
    event_id BLOB REFERENCES events (id),
    accompaniment_id BLOB REFERENCES accompaniments (id),
    carrier_id BLOB NOT NULL REFERENCES carriers (id),
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    bytes INTEGER NOT NULL CHECK (bytes > 0),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    recorded_by BLOB NOT NULL REFERENCES users (id),
    -- From then on there is no object in the store.
    voided_at TEXT,
    voided_by BLOB REFERENCES users (id),
    void_reason TEXT,
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT attachments_of_one_record CHECK (
        (consultation_id IS NOT NULL) + (event_id IS NOT NULL) + (accompaniment_id IS NOT NULL) = 1
    ),
    CONSTRAINT attachments_voided CHECK (
        (voided_at IS NULL) = (voided_by IS NULL) AND
        (voided_at IS NULL) = (void_reason IS NULL)
    )
) STRICT;
INSERT INTO attachments_new
SELECT id, consultation_id, event_id, NULL, carrier_id, name, media_type, bytes, sha256,
    recorded_by, voided_at, voided_by, void_reason, version, created_at, updated_at
FROM attachments;

DROP TABLE attachments;
ALTER TABLE attachments_new RENAME TO attachments;
CREATE INDEX attachments_consultation ON attachments (consultation_id, id)
    WHERE consultation_id IS NOT NULL;
CREATE INDEX attachments_event ON attachments (event_id, id) WHERE event_id IS NOT NULL;
CREATE INDEX attachments_accompaniment ON attachments (accompaniment_id, id)
    WHERE accompaniment_id IS NOT NULL;
