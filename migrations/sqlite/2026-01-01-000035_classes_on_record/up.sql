-- What an organisation was when it was advised: figures of a past month must not move when a company grows or
-- changes its trade. Derived by triggers with the record; what was not known then is filled when it becomes
-- known, as long as the period is not closed.
ALTER TABLE consultations ADD COLUMN size_class TEXT;
ALTER TABLE consultations ADD COLUMN section TEXT;
ALTER TABLE consultations ADD COLUMN actor_type TEXT;
UPDATE consultations
SET size_class = p.size_class, section = p.classification || ':' || p.section
FROM company_profiles p
WHERE p.organisation_id = consultations.organisation_id;
UPDATE consultations
SET actor_type = o.actor_type
FROM organisations o
WHERE o.id = consultations.organisation_id AND o.actor_type IS NOT NULL;

CREATE TRIGGER consultation_classes_on_insert AFTER INSERT ON consultations
WHEN NEW.organisation_id IS NOT NULL
BEGIN
    UPDATE consultations
    SET
        size_class = (
            SELECT p.size_class FROM company_profiles p WHERE p.organisation_id = NEW.organisation_id
        ),
        section = (
            SELECT p.classification || ':' || p.section
            FROM company_profiles p
            WHERE p.organisation_id = NEW.organisation_id
        ),
        actor_type = (SELECT o.actor_type FROM organisations o WHERE o.id = NEW.organisation_id)
    WHERE id = NEW.id;
END;

CREATE TRIGGER consultation_classes_on_update AFTER UPDATE OF organisation_id ON consultations
WHEN OLD.organisation_id IS NOT NEW.organisation_id
BEGIN
    UPDATE consultations
    SET
        size_class = (
            SELECT p.size_class FROM company_profiles p WHERE p.organisation_id = NEW.organisation_id
        ),
        section = (
            SELECT p.classification || ':' || p.section
            FROM company_profiles p
            WHERE p.organisation_id = NEW.organisation_id
        ),
        actor_type = (SELECT o.actor_type FROM organisations o WHERE o.id = NEW.organisation_id)
    WHERE id = NEW.id;
END;

CREATE TRIGGER consultation_classes_filled AFTER UPDATE OF size_class, classification, section
ON company_profiles
WHEN OLD.size_class IS NOT NEW.size_class
    OR OLD.classification IS NOT NEW.classification
    OR OLD.section IS NOT NEW.section
BEGIN
    UPDATE consultations
    SET
        size_class = CASE
            WHEN coalesce(size_class, 'unknown') = 'unknown' THEN NEW.size_class ELSE size_class
        END,
        section = coalesce(section, NEW.classification || ':' || NEW.section)
    WHERE organisation_id = NEW.organisation_id
        AND (coalesce(size_class, 'unknown') = 'unknown' OR section IS NULL)
        AND funding_period_id IN (SELECT id FROM funding_periods WHERE status <> 'closed');
END;

DROP VIEW consultation_facts;

CREATE VIEW consultation_facts AS
SELECT
    c.id,
    c.organisation_id,
    c.carrier_id,
    c.site_id,
    c.district_id,
    c.funding_period_id,
    c.status,
    c.held_on,
    coalesce(c.starts_at, '24:00') AS starts_at,
    c.minutes,
    f.minimum_minutes,
    coalesce(c.preparation_minutes, 0) AS preparation_minutes,
    c.channel,
    (c.minutes < f.minimum_minutes) AS short,
    substr(c.held_on, 1, 7) AS month,
    substr(c.held_on, 1, 4) || '-Q' || ((CAST(substr(c.held_on, 6, 2) AS INTEGER) + 2) / 3) AS quarter,
    substr(c.held_on, 1, 4) AS year,
    o.kind AS organisation_kind,
    c.actor_type,
    coalesce(c.size_class, c.anonymous_size_class) AS size_class,
    coalesce(c.section, c.anonymous_classification || ':' || c.anonymous_section) AS section
FROM consultations c
JOIN funding_periods f ON f.id = c.funding_period_id
LEFT JOIN organisations o ON o.id = c.organisation_id;
