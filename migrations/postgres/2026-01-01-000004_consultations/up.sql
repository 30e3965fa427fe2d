-- Consultations, and the view that figures are read from.

CREATE TABLE consultations (
    id UUID NOT NULL PRIMARY KEY,
    -- Null: anonymous.
    organisation_id UUID REFERENCES organisations (id),
    establishment_id UUID REFERENCES establishments (id),
    carrier_id UUID NOT NULL REFERENCES carriers (id),
    site_id UUID NOT NULL REFERENCES sites (id),
    funding_period_id UUID NOT NULL REFERENCES funding_periods (id),
    -- As of the service date.
    district_id UUID REFERENCES districts (id),
    held_on DATE NOT NULL,
    starts_at TIME,
    minutes INTEGER NOT NULL CHECK (minutes BETWEEN 1 AND 1440),
    channel TEXT NOT NULL CHECK (channel IN (
        'in_person', 'on_site', 'phone', 'video', 'email', 'event_stand'
    )),
    status TEXT NOT NULL CHECK (status IN ('held', 'cancelled', 'no_show', 'voided')),
    outcome TEXT CHECK (outcome IN (
        'clarified', 'follow_up_agreed', 'case_opened', 'programme_enrolled', 'referred',
        'not_feasible', 'withdrawn'
    )),
    notes TEXT,
    -- The notes folded, which searches look in.
    search_text TEXT,
    is_anonymous_profile BOOLEAN NOT NULL,
    anonymous_classification TEXT CHECK (anonymous_classification IN ('wz2008', 'wz2025')),
    anonymous_section TEXT,
    anonymous_size_class TEXT CHECK (anonymous_size_class IN (
        'micro', 'small', 'medium', 'large', 'unknown'
    )),
    voided_at TIMESTAMPTZ,
    voided_by UUID REFERENCES users (id),
    void_reason TEXT,
    recorded_by UUID NOT NULL REFERENCES users (id),
    version BIGINT NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT consultations_voided CHECK (
        (status = 'voided') = (voided_at IS NOT NULL) AND
        (voided_at IS NULL) = (voided_by IS NULL) AND
        (voided_at IS NULL) = (void_reason IS NULL)
    ),
    CONSTRAINT consultations_anonymous CHECK (
        organisation_id IS NULL OR NOT is_anonymous_profile
    )
);
CREATE INDEX consultations_carrier_held_on ON consultations (carrier_id, held_on, id);
CREATE INDEX consultations_carrier_created_at ON consultations (carrier_id, created_at, id);
CREATE INDEX consultations_site ON consultations (site_id, held_on, id);
CREATE INDEX consultations_organisation ON consultations (organisation_id, held_on, id);
CREATE INDEX consultations_period ON consultations (funding_period_id, held_on);
-- Answers by itself whether a consultation is the first of its organisation.
CREATE INDEX consultations_firsts ON consultations
    (organisation_id, funding_period_id, carrier_id, held_on, starts_at, id, minutes)
    WHERE status = 'held';

CREATE TABLE consultation_advisers (
    consultation_id UUID NOT NULL REFERENCES consultations (id),
        -- 0 leads.
    position INTEGER NOT NULL CHECK (position >= 0),
    user_id UUID NOT NULL REFERENCES users (id),
    PRIMARY KEY (consultation_id, position),
    CONSTRAINT consultation_advisers_once UNIQUE (user_id, consultation_id)
);

CREATE TABLE consultation_topics (
    consultation_id UUID NOT NULL REFERENCES consultations (id),
        -- 0 is primary.
    position INTEGER NOT NULL CHECK (position >= 0),
    topic_id UUID NOT NULL REFERENCES topics (id),
    PRIMARY KEY (consultation_id, position),
    CONSTRAINT consultation_topics_once UNIQUE (topic_id, consultation_id)
);

CREATE TABLE consultation_contacts (
    consultation_id UUID NOT NULL REFERENCES consultations (id),
        position INTEGER NOT NULL CHECK (position >= 0),
    contact_id UUID NOT NULL REFERENCES contacts (id),
    PRIMARY KEY (consultation_id, position),
    CONSTRAINT consultation_contacts_once UNIQUE (contact_id, consultation_id)
);

-- What a consultation shows of other records, and its kind. A first is the earliest countable
-- consultation of the organisation in the period, by date, start and id; on a record it is derived
-- within its carrier, because what another carrier advised is not for its eyes.
CREATE VIEW consultation_details AS
SELECT
    c.id AS consultation_id,
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
                AND (e.held_on, coalesce(e.starts_at, TIME '24:00'), e.id) < (c.held_on, coalesce(c.starts_at, TIME '24:00'), c.id)
        ) THEN 'follow_up'
        ELSE 'first'
    END AS kind,
    o.name AS organisation_name,
    o.kind AS organisation_kind,
    e.name AS establishment_name,
    k.name AS carrier_name,
    s.name AS site_name,
    f.name AS funding_period_name,
    d.name AS district_name,
    r.name AS recorder_name,
    v.name AS voider_name
FROM consultations c
JOIN funding_periods f ON f.id = c.funding_period_id
JOIN carriers k ON k.id = c.carrier_id
JOIN sites s ON s.id = c.site_id
JOIN users r ON r.id = c.recorded_by
LEFT JOIN organisations o ON o.id = c.organisation_id
LEFT JOIN establishments e ON e.id = c.establishment_id
LEFT JOIN districts d ON d.id = c.district_id
LEFT JOIN users v ON v.id = c.voided_by;

-- Held consultations with what figures are grouped by. `short` is below the period's minimum
-- minutes. Firsts are derived by the query, because they depend on the scope.
CREATE VIEW consultation_facts AS
SELECT
    c.id,
    c.organisation_id,
    c.carrier_id,
    c.site_id,
    c.district_id,
    c.funding_period_id,
    c.held_on,
    coalesce(c.starts_at, TIME '24:00') AS starts_at,
    c.minutes,
    c.channel,
    (c.minutes < f.minimum_minutes) AS short,
    to_char(c.held_on, 'YYYY-MM') AS month,
    to_char(c.held_on, 'YYYY-"Q"Q') AS quarter,
    to_char(c.held_on, 'YYYY') AS year,
    o.kind AS organisation_kind,
    o.actor_type,
    coalesce(p.size_class, c.anonymous_size_class) AS size_class,
    coalesce(
        p.classification || ':' || p.section,
        c.anonymous_classification || ':' || c.anonymous_section
    ) AS section
FROM consultations c
JOIN funding_periods f ON f.id = c.funding_period_id
LEFT JOIN organisations o ON o.id = c.organisation_id
LEFT JOIN company_profiles p ON p.organisation_id = c.organisation_id
WHERE c.status = 'held';
