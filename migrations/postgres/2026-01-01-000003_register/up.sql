-- The register of companies and actors, shared in the network, and the carriers' contacts.

-- Substring search by trigrams. A trusted extension: the owner of the database may create it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE organisations (
    id UUID NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('company', 'actor')),
    name TEXT NOT NULL,
    -- The name folded, which lists are sorted by.
    name_key TEXT NOT NULL COLLATE "C",
    -- The name folded in both spellings of umlauts, which searches look in.
    search_text TEXT NOT NULL COLLATE "C",
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
    district_id UUID REFERENCES districts (id),
    origin TEXT NOT NULL CHECK (origin IN ('entered', 'synthetic')),
    archived_at TIMESTAMPTZ,
    archive_reason TEXT,
    version BIGINT NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT organisations_actor_type CHECK ((kind = 'actor') = (actor_type IS NOT NULL)),
    CONSTRAINT organisations_archived CHECK ((archived_at IS NULL) = (archive_reason IS NULL))
);
CREATE INDEX organisations_name_key ON organisations (name_key, id, archived_at);
CREATE INDEX organisations_kind ON organisations (kind, name_key, id, archived_at);
CREATE INDEX organisations_district ON organisations (district_id, name_key, id);
CREATE INDEX organisations_search ON organisations USING gin (search_text gin_trgm_ops);

CREATE TABLE company_profiles (
    organisation_id UUID NOT NULL PRIMARY KEY REFERENCES organisations (id),
    legal_form TEXT CHECK (legal_form IN (
        'sole_proprietorship', 'ek', 'gbr', 'ohg', 'kg', 'gmbh_co_kg', 'ug', 'gmbh', 'ggmbh', 'ag',
        'se', 'eg', 'ev', 'foundation', 'public_body', 'freelance', 'other'
    )),
    register_number TEXT,
    vat_id TEXT,
    classification TEXT CHECK (classification IN ('wz2008', 'wz2025')),
    industry_code TEXT,
    section TEXT,
    staff DOUBLE PRECISION CHECK (staff >= 0),
    turnover_eur BIGINT CHECK (turnover_eur >= 0),
    balance_eur BIGINT CHECK (balance_eur >= 0),
    publicly_owned BOOLEAN NOT NULL,
    reference_year INTEGER,
    size_basis TEXT CHECK (size_basis IN ('self_declared', 'estimated', 'verified')),
    -- Derived from the figures by the rule of Recommendation 2003/361/EC.
    size_class TEXT NOT NULL CHECK (size_class IN ('micro', 'small', 'medium', 'large', 'unknown')),
    foreign_staff_experience BOOLEAN,
    collective_agreement BOOLEAN,
    heard_of_us TEXT,
    status TEXT NOT NULL CHECK (status IN ('prospect', 'active', 'dormant', 'do_not_contact')),
    CONSTRAINT company_profiles_industry CHECK (
        (classification IS NULL) = (industry_code IS NULL) AND
        (classification IS NULL) = (section IS NULL)
    )
);

CREATE TABLE establishments (
    id UUID NOT NULL PRIMARY KEY,
    company_id UUID NOT NULL REFERENCES company_profiles (organisation_id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL COLLATE "C",
    street TEXT,
    postcode TEXT,
    city TEXT,
    country TEXT NOT NULL,
    district_id UUID REFERENCES districts (id),
    archived_at TIMESTAMPTZ,
    archive_reason TEXT,
    version BIGINT NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT establishments_archived CHECK ((archived_at IS NULL) = (archive_reason IS NULL))
);
CREATE INDEX establishments_company ON establishments (company_id, name_key, id);

CREATE TABLE contacts (
    id UUID NOT NULL PRIMARY KEY,
    organisation_id UUID NOT NULL REFERENCES organisations (id),
    carrier_id UUID NOT NULL REFERENCES carriers (id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL COLLATE "C",
    "function" TEXT,
    email TEXT,
    phone TEXT,
    mobile TEXT,
    language TEXT,
    purposes JSONB NOT NULL,
    valid_until DATE,
    archived_at TIMESTAMPTZ,
    archive_reason TEXT,
    version BIGINT NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT contacts_archived CHECK ((archived_at IS NULL) = (archive_reason IS NULL))
);
CREATE INDEX contacts_organisation ON contacts (organisation_id, carrier_id, name_key, id);
