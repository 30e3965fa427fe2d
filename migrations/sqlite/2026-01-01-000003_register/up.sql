-- The register of companies and actors, shared in the network, and the carriers' contacts.

CREATE TABLE organisations (
    -- The row number that the full-text index refers to; an explicit one survives VACUUM.
    search_id INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('company', 'actor')),
    name TEXT NOT NULL,
    -- The name folded, which lists are sorted by.
    name_key TEXT NOT NULL,
    -- The name folded in both spellings of umlauts, which searches look in.
    search_text TEXT NOT NULL,
    actor_type TEXT CHECK (actor_type IN (
        'immigration_authority', 'employer_service', 'job_centre', 'chamber_industry',
        'chamber_crafts', 'recognition_body', 'mission_abroad', 'municipality', 'ministry',
        'employers_association', 'trade_union', 'welcome_centre', 'education_provider',
        'migrant_organisation', 'iq_project', 'placement_agency', 'university', 'other'
    )),
    website TEXT,
    street TEXT,
    postcode TEXT,
    city TEXT,
    country TEXT NOT NULL,
    district_id BLOB REFERENCES districts (id),
    origin TEXT NOT NULL CHECK (origin IN ('entered', 'synthetic')),
    archived_at TEXT,
    archive_reason TEXT,
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT organisations_actor_type CHECK ((kind = 'actor') = (actor_type IS NOT NULL)),
    CONSTRAINT organisations_archived CHECK ((archived_at IS NULL) = (archive_reason IS NULL))
) STRICT;
CREATE INDEX organisations_name_key ON organisations (name_key, id, archived_at);
CREATE INDEX organisations_kind ON organisations (kind, name_key, id, archived_at);
CREATE INDEX organisations_district ON organisations (district_id, name_key, id);

-- Substring search by trigrams.
CREATE VIRTUAL TABLE organisation_search USING fts5 (
    search_text, tokenize = 'trigram case_sensitive 1', content = '', contentless_delete = 1
);

CREATE TRIGGER organisations_search_on_insert AFTER INSERT ON organisations
BEGIN
    INSERT INTO organisation_search (rowid, search_text) VALUES (NEW.search_id, NEW.search_text);
END;

CREATE TRIGGER organisations_search_on_update AFTER UPDATE OF search_text ON organisations
WHEN OLD.search_text <> NEW.search_text
BEGIN
    DELETE FROM organisation_search WHERE rowid = OLD.search_id;
    INSERT INTO organisation_search (rowid, search_text) VALUES (NEW.search_id, NEW.search_text);
END;

CREATE TRIGGER organisations_search_on_delete AFTER DELETE ON organisations
BEGIN
    DELETE FROM organisation_search WHERE rowid = OLD.search_id;
END;

CREATE TABLE company_profiles (
    organisation_id BLOB NOT NULL PRIMARY KEY REFERENCES organisations (id),
    legal_form TEXT CHECK (legal_form IN (
        'sole_proprietorship', 'ek', 'gbr', 'ohg', 'kg', 'gmbh_co_kg', 'ug', 'gmbh', 'ggmbh', 'ag',
        'se', 'eg', 'ev', 'foundation', 'public_body', 'freelance', 'other'
    )),
    register_number TEXT,
    vat_id TEXT,
    classification TEXT CHECK (classification IN ('wz2008', 'wz2025')),
    industry_code TEXT,
    section TEXT,
    staff REAL CHECK (staff >= 0),
    turnover_eur INTEGER CHECK (turnover_eur >= 0),
    balance_eur INTEGER CHECK (balance_eur >= 0),
    publicly_owned INTEGER NOT NULL,
    reference_year INTEGER,
    size_basis TEXT CHECK (size_basis IN ('self_declared', 'estimated', 'verified')),
    -- Derived from the figures by the rule of Recommendation 2003/361/EC.
    size_class TEXT NOT NULL CHECK (size_class IN ('micro', 'small', 'medium', 'large', 'unknown')),
    foreign_staff_experience INTEGER,
    collective_agreement INTEGER,
    heard_of_us TEXT,
    status TEXT NOT NULL CHECK (status IN ('prospect', 'active', 'dormant', 'do_not_contact')),
    CONSTRAINT company_profiles_industry CHECK (
        (classification IS NULL) = (industry_code IS NULL) AND
        (classification IS NULL) = (section IS NULL)
    )
) STRICT, WITHOUT ROWID;

CREATE TABLE establishments (
    id BLOB NOT NULL PRIMARY KEY,
    company_id BLOB NOT NULL REFERENCES company_profiles (organisation_id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    street TEXT,
    postcode TEXT,
    city TEXT,
    country TEXT NOT NULL,
    district_id BLOB REFERENCES districts (id),
    archived_at TEXT,
    archive_reason TEXT,
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT establishments_archived CHECK ((archived_at IS NULL) = (archive_reason IS NULL))
) STRICT;
CREATE INDEX establishments_company ON establishments (company_id, name_key, id);

CREATE TABLE contacts (
    id BLOB NOT NULL PRIMARY KEY,
    organisation_id BLOB NOT NULL REFERENCES organisations (id),
    carrier_id BLOB NOT NULL REFERENCES carriers (id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    "function" TEXT,
    email TEXT,
    phone TEXT,
    mobile TEXT,
    language TEXT,
    purposes TEXT NOT NULL,
    valid_until TEXT,
    archived_at TEXT,
    archive_reason TEXT,
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT contacts_archived CHECK ((archived_at IS NULL) = (archive_reason IS NULL))
) STRICT;
CREATE INDEX contacts_organisation ON contacts (organisation_id, carrier_id, name_key, id);
