-- Events (Veranstaltungen) of the carriers: round tables, conferences and the rest, who took part, and the
-- view that figures are read from.

CREATE TABLE event_series (
    id BLOB NOT NULL PRIMARY KEY,
    carrier_id BLOB NOT NULL REFERENCES carriers (id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    description TEXT,
    archived_at TEXT,
    archive_reason TEXT,
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT event_series_name UNIQUE (carrier_id, name_key),
    CONSTRAINT event_series_archived CHECK ((archived_at IS NULL) = (archive_reason IS NULL))
) STRICT;

CREATE TABLE events (
    id BLOB NOT NULL PRIMARY KEY,
    carrier_id BLOB NOT NULL REFERENCES carriers (id),
    funding_period_id BLOB NOT NULL REFERENCES funding_periods (id),
    series_id BLOB REFERENCES event_series (id),
    kind TEXT NOT NULL CHECK (kind IN (
        'round_table', 'conference', 'information', 'training', 'network_meeting'
    )),
    title TEXT NOT NULL,
    -- The title folded, which searches look in.
    search_text TEXT NOT NULL,
    starts_on TEXT NOT NULL,
    ends_on TEXT NOT NULL,
    -- Times of day in the network's zone; null: all day.
    starts_at TEXT,
    ends_at TEXT,
    place TEXT,
    is_online INTEGER NOT NULL,
    online_url TEXT,
    description TEXT,
    notes TEXT,
    status TEXT NOT NULL CHECK (status IN ('planned', 'held', 'cancelled', 'voided')),
    voided_at TEXT,
    voided_by BLOB REFERENCES users (id),
    void_reason TEXT,
    recorded_by BLOB NOT NULL REFERENCES users (id),
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT events_dates CHECK (ends_on >= starts_on),
    CONSTRAINT events_times CHECK ((starts_at IS NULL) = (ends_at IS NULL)),
    CONSTRAINT events_online CHECK (online_url IS NULL OR is_online),
    CONSTRAINT events_voided CHECK (
        (status = 'voided') = (voided_at IS NOT NULL) AND
        (voided_at IS NULL) = (voided_by IS NULL) AND
        (voided_at IS NULL) = (void_reason IS NULL)
    )
) STRICT;
CREATE INDEX events_carrier_starts_on ON events (carrier_id, starts_on, id);
CREATE INDEX events_period ON events (funding_period_id, starts_on);
CREATE INDEX events_series_id ON events (series_id, starts_on, id);

CREATE TABLE event_sites (
    event_id BLOB NOT NULL REFERENCES events (id),
    -- 0 is the host.
    position INTEGER NOT NULL CHECK (position >= 0),
    site_id BLOB NOT NULL REFERENCES sites (id),
    PRIMARY KEY (event_id, position),
    CONSTRAINT event_sites_once UNIQUE (site_id, event_id)
) STRICT, WITHOUT ROWID;

-- Who of the carrier is responsible.
CREATE TABLE event_staff (
    event_id BLOB NOT NULL REFERENCES events (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    user_id BLOB NOT NULL REFERENCES users (id),
    PRIMARY KEY (event_id, position),
    CONSTRAINT event_staff_once UNIQUE (user_id, event_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE event_topics (
    event_id BLOB NOT NULL REFERENCES events (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    topic_id BLOB NOT NULL REFERENCES topics (id),
    PRIMARY KEY (event_id, position),
    CONSTRAINT event_topics_once UNIQUE (topic_id, event_id)
) STRICT, WITHOUT ROWID;

-- The districts addressed.
CREATE TABLE event_districts (
    event_id BLOB NOT NULL REFERENCES events (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    district_id BLOB NOT NULL REFERENCES districts (id),
    PRIMARY KEY (event_id, position),
    CONSTRAINT event_districts_once UNIQUE (district_id, event_id)
) STRICT, WITHOUT ROWID;

-- Who organised it together with the carrier.
CREATE TABLE event_organisers (
    event_id BLOB NOT NULL REFERENCES events (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    organisation_id BLOB NOT NULL REFERENCES organisations (id),
    PRIMARY KEY (event_id, position),
    CONSTRAINT event_organisers_once UNIQUE (organisation_id, event_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE event_speakers (
    event_id BLOB NOT NULL REFERENCES events (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    organisation_id BLOB REFERENCES organisations (id),
    name TEXT,
    "role" TEXT,
    PRIMARY KEY (event_id, position),
    CONSTRAINT event_speakers_known CHECK (organisation_id IS NOT NULL OR name IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_speakers_organisation ON event_speakers (organisation_id);

-- Somebody of an organisation, or a headcount where names are unknown.
CREATE TABLE event_participations (
    id BLOB NOT NULL PRIMARY KEY,
    event_id BLOB NOT NULL REFERENCES events (id),
    carrier_id BLOB NOT NULL REFERENCES carriers (id),
    organisation_id BLOB REFERENCES organisations (id),
    contact_id BLOB REFERENCES contacts (id),
    headcount INTEGER NOT NULL CHECK (headcount BETWEEN 1 AND 10000),
    "role" TEXT NOT NULL CHECK ("role" IN ('participant', 'speaker', 'staff')),
    status TEXT NOT NULL CHECK (status IN (
        'registered', 'withdrawn', 'attended', 'no_show', 'walk_in', 'voided'
    )),
    note TEXT,
    voided_at TEXT,
    voided_by BLOB REFERENCES users (id),
    void_reason TEXT,
    recorded_by BLOB NOT NULL REFERENCES users (id),
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT event_participations_contact CHECK (
        contact_id IS NULL OR (organisation_id IS NOT NULL AND headcount = 1)
    ),
    CONSTRAINT event_participations_voided CHECK (
        (status = 'voided') = (voided_at IS NOT NULL) AND
        (voided_at IS NULL) = (voided_by IS NULL) AND
        (voided_at IS NULL) = (void_reason IS NULL)
    )
) STRICT;
CREATE INDEX event_participations_event ON event_participations (event_id, id);
CREATE INDEX event_participations_organisation ON event_participations (organisation_id, event_id);
CREATE UNIQUE INDEX event_participations_contact_once ON event_participations (event_id, contact_id)
    WHERE contact_id IS NOT NULL AND status <> 'voided';
CREATE UNIQUE INDEX event_participations_headcount_once
    ON event_participations (event_id, organisation_id, "role")
    WHERE contact_id IS NULL AND organisation_id IS NOT NULL AND status <> 'voided';
CREATE INDEX event_participations_contact ON event_participations (contact_id)
    WHERE contact_id IS NOT NULL;

-- The lists of events in one. Organisations show a name that is not known by heart. The casts give the
-- branches one type, without which SQLite would not look each of them up by itself.
CREATE VIEW event_lists AS
SELECT
    event_id, position, 'site' AS list, site_id AS entry_id, CAST(NULL AS TEXT) AS organisation_name,
    CAST(NULL AS TEXT) AS organisation_kind, CAST(NULL AS TEXT) AS name, CAST(NULL AS TEXT) AS "role"
FROM event_sites
UNION ALL
SELECT
    event_id, position, 'staff', user_id, CAST(NULL AS TEXT),
    CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS TEXT)
FROM event_staff
UNION ALL
SELECT
    event_id, position, 'topic', topic_id, CAST(NULL AS TEXT),
    CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS TEXT)
FROM event_topics
UNION ALL
SELECT
    event_id, position, 'district', district_id, CAST(NULL AS TEXT),
    CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS TEXT)
FROM event_districts
UNION ALL
SELECT
    l.event_id, l.position, 'organiser', l.organisation_id, o.name,
    o.kind, CAST(NULL AS TEXT), CAST(NULL AS TEXT)
FROM event_organisers l
JOIN organisations o ON o.id = l.organisation_id
UNION ALL
SELECT
    l.event_id, l.position, 'speaker', l.organisation_id,
    (SELECT o.name FROM organisations o WHERE o.id = l.organisation_id),
    (SELECT o.kind FROM organisations o WHERE o.id = l.organisation_id), l.name, l."role"
FROM event_speakers l;

-- Held events with what figures are grouped by.
CREATE VIEW event_facts AS
SELECT
    e.id,
    e.carrier_id,
    e.funding_period_id,
    e.series_id,
    h.site_id,
    e.kind,
    e.starts_on,
    substr(e.starts_on, 1, 7) AS month,
    substr(e.starts_on, 1, 4) || '-Q' || ((CAST(substr(e.starts_on, 6, 2) AS INTEGER) + 2) / 3) AS quarter,
    substr(e.starts_on, 1, 4) AS year
FROM events e
JOIN event_sites h ON h.event_id = e.id AND h.position = 0
WHERE e.status = 'held';
