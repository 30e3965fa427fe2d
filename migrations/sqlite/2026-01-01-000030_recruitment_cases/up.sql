-- Recruitment cases (Rekrutierungsfälle) of the carriers: one vacancy and one candidate each, without a name.

CREATE TABLE recruitment_cases (
    id BLOB NOT NULL PRIMARY KEY,
    carrier_id BLOB NOT NULL REFERENCES carriers (id),
    company_id BLOB NOT NULL REFERENCES organisations (id),
    establishment_id BLOB REFERENCES establishments (id),
    accompaniment_id BLOB REFERENCES accompaniments (id),
    site_id BLOB NOT NULL REFERENCES sites (id),
    -- Whose holidays gave the dates; the site may be corrected.
    federal_state TEXT NOT NULL,
    -- It has the procedure.
    template_id BLOB NOT NULL REFERENCES programme_templates (id),
    vacancy TEXT NOT NULL,
    occupation_code TEXT NOT NULL,
    skill_level TEXT CHECK (skill_level IN ('helper', 'skilled', 'specialist', 'expert')),
    candidate_reference TEXT NOT NULL,
    country TEXT,
    -- Which purposes of residence there are is data of the program.
    purpose TEXT NOT NULL,
    opened_on TEXT NOT NULL,
    target_on TEXT,
    lead_id BLOB NOT NULL REFERENCES users (id),
    deputy_id BLOB REFERENCES users (id),
    notes TEXT,
    closed_on TEXT,
    outcome TEXT CHECK (outcome IN (
        'work_started', 'refused', 'candidate_withdrew', 'company_withdrew', 'filled_otherwise', 'other'
    )),
    closing_note TEXT,
    closed_by BLOB REFERENCES users (id),
    closed_at TEXT,
    recorded_by BLOB NOT NULL REFERENCES users (id),
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT recruitment_cases_deputy CHECK (deputy_id <> lead_id),
    CONSTRAINT recruitment_cases_target CHECK (target_on >= opened_on),
    CONSTRAINT recruitment_cases_closed CHECK (
        (closed_on IS NULL) = (outcome IS NULL) AND
        (closed_on IS NULL) = (closed_by IS NULL) AND
        (closed_on IS NULL) = (closed_at IS NULL) AND
        (closing_note IS NULL OR closed_on IS NOT NULL) AND
        closed_on >= opened_on
    )
) STRICT;
CREATE INDEX recruitment_cases_carrier_opened_on ON recruitment_cases (carrier_id, opened_on, id);
CREATE INDEX recruitment_cases_carrier_created_at ON recruitment_cases (carrier_id, created_at, id);
CREATE INDEX recruitment_cases_company ON recruitment_cases (company_id, opened_on, id);
CREATE INDEX recruitment_cases_accompaniment ON recruitment_cases (accompaniment_id, opened_on, id)
    WHERE accompaniment_id IS NOT NULL;
CREATE INDEX recruitment_cases_lead ON recruitment_cases (lead_id, opened_on, id);
CREATE INDEX recruitment_cases_deputy ON recruitment_cases (deputy_id, opened_on, id)
    WHERE deputy_id IS NOT NULL;
CREATE INDEX recruitment_cases_reference ON recruitment_cases (carrier_id, candidate_reference);

-- What became of the steps. What they are stands in the template, which does not change any more.
CREATE TABLE recruitment_case_steps (
    recruitment_case_id BLOB NOT NULL REFERENCES recruitment_cases (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    code TEXT NOT NULL,
    -- By when somebody is to have done it, as of accompaniments.
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
    PRIMARY KEY (recruitment_case_id, position),
    CONSTRAINT recruitment_case_steps_once UNIQUE (recruitment_case_id, code),
    CONSTRAINT recruitment_case_steps_override CHECK (
        (override_on IS NULL) = (override_reason IS NULL) AND
        (override_on IS NULL) = (override_by IS NULL) AND
        (override_on IS NULL) = (override_at IS NULL)
    ),
    CONSTRAINT recruitment_case_steps_done CHECK (
        (done_on IS NULL) = (done_by IS NULL) AND
        (done_on IS NULL) = (done_at IS NULL) AND
        (done_note IS NULL OR done_on IS NOT NULL)
    ),
    CONSTRAINT recruitment_case_steps_waived CHECK (
        (waived_at IS NULL) = (waived_by IS NULL) AND
        (waived_at IS NULL) = (waive_reason IS NULL) AND
        (waived_at IS NULL OR done_on IS NULL)
    )
) STRICT;
