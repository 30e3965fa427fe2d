-- Referrals (Verweisungen) of organisations to network actors.

CREATE TABLE referrals (
    id BLOB NOT NULL PRIMARY KEY,
    carrier_id BLOB NOT NULL REFERENCES carriers (id),
    consultation_id BLOB REFERENCES consultations (id),
    -- Who is referred.
    organisation_id BLOB NOT NULL REFERENCES organisations (id),
    -- To whom.
    actor_id BLOB NOT NULL REFERENCES organisations (id),
    reason TEXT NOT NULL,
    -- When the organisation agreed that its data is passed on.
    consent_on TEXT,
    -- The hand-over note.
    note TEXT,
    referred_on TEXT NOT NULL,
    answer_due_on TEXT NOT NULL,
    owner_id BLOB NOT NULL REFERENCES users (id),
    answer TEXT CHECK (answer IN ('accepted', 'declined')),
    answered_on TEXT,
    answered_by BLOB REFERENCES users (id),
    answer_note TEXT,
    closed_on TEXT,
    closed_by BLOB REFERENCES users (id),
    -- What came of it.
    result TEXT,
    withdrawn_at TEXT,
    withdrawn_by BLOB REFERENCES users (id),
    withdraw_reason TEXT,
    recorded_by BLOB NOT NULL REFERENCES users (id),
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT referrals_to_another CHECK (actor_id <> organisation_id),
    CONSTRAINT referrals_dates CHECK (
        answer_due_on >= referred_on AND
        (answered_on IS NULL OR answered_on >= referred_on) AND
        (closed_on IS NULL OR closed_on >= referred_on)
    ),
    CONSTRAINT referrals_answered CHECK (
        (answer IS NULL) = (answered_on IS NULL) AND
        (answer IS NULL) = (answered_by IS NULL) AND
        (answer_note IS NULL OR answer IS NOT NULL)
    ),
    CONSTRAINT referrals_closed CHECK (
        (closed_on IS NULL) = (closed_by IS NULL) AND
        (closed_on IS NULL) = (result IS NULL)
    ),
    CONSTRAINT referrals_withdrawn CHECK (
        (withdrawn_at IS NULL) = (withdrawn_by IS NULL) AND
        (withdrawn_at IS NULL) = (withdraw_reason IS NULL) AND
        (withdrawn_at IS NULL OR closed_on IS NULL)
    )
) STRICT;
CREATE INDEX referrals_carrier_referred_on ON referrals (carrier_id, referred_on, id);
CREATE INDEX referrals_carrier_answer_due_on ON referrals (carrier_id, answer_due_on, id);
CREATE INDEX referrals_owner ON referrals (owner_id, referred_on, id);
CREATE INDEX referrals_organisation ON referrals (organisation_id, referred_on, id);
CREATE INDEX referrals_actor ON referrals (actor_id, referred_on, id);
CREATE INDEX referrals_consultation ON referrals (consultation_id, referred_on, id)
    WHERE consultation_id IS NOT NULL;
CREATE INDEX referrals_open ON referrals (carrier_id, answer_due_on, id)
    WHERE answer IS NULL AND closed_on IS NULL AND withdrawn_at IS NULL;

-- Referrals as they are read: with what they show of organisations and of the consultation.
CREATE VIEW referral_rows AS
SELECT
    r.id,
    r.carrier_id,
    r.consultation_id,
    r.organisation_id,
    r.actor_id,
    r.reason,
    r.consent_on,
    r.note,
    r.referred_on,
    r.answer_due_on,
    r.owner_id,
    r.answer,
    r.answered_on,
    r.answered_by,
    r.answer_note,
    r.closed_on,
    r.closed_by,
    r.result,
    r.withdrawn_at,
    r.withdrawn_by,
    r.withdraw_reason,
    r.recorded_by,
    r.version,
    r.created_at,
    r.updated_at,
    o.name AS organisation_name,
    o.kind AS organisation_kind,
    a.name AS actor_name,
    c.held_on AS consultation_held_on,
    b.id AS consultation_organisation_id,
    b.name AS consultation_organisation_name,
    b.kind AS consultation_organisation_kind
FROM referrals r
LEFT JOIN organisations o ON o.id = r.organisation_id
LEFT JOIN organisations a ON a.id = r.actor_id
LEFT JOIN consultations c ON c.id = r.consultation_id
LEFT JOIN organisations b ON b.id = c.organisation_id;
