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

CREATE FUNCTION consultation_classes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.size_class = NULL;
    NEW.section = NULL;
    NEW.actor_type = NULL;
    SELECT p.size_class, p.classification || ':' || p.section, o.actor_type
    INTO NEW.size_class, NEW.section, NEW.actor_type
    FROM organisations o
    LEFT JOIN company_profiles p ON p.organisation_id = o.id
    WHERE o.id = NEW.organisation_id;
    RETURN NEW;
END
$$;

CREATE TRIGGER consultation_classes_on_insert BEFORE INSERT ON consultations
FOR EACH ROW WHEN (NEW.organisation_id IS NOT NULL)
EXECUTE FUNCTION consultation_classes();

CREATE TRIGGER consultation_classes_on_update BEFORE UPDATE OF organisation_id ON consultations
FOR EACH ROW WHEN (OLD.organisation_id IS DISTINCT FROM NEW.organisation_id)
EXECUTE FUNCTION consultation_classes();

CREATE FUNCTION consultation_classes_filled() RETURNS trigger LANGUAGE plpgsql AS $$
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
    RETURN NULL;
END
$$;

CREATE TRIGGER consultation_classes_filled
AFTER UPDATE OF size_class, classification, section ON company_profiles
FOR EACH ROW WHEN (
    OLD.size_class IS DISTINCT FROM NEW.size_class
    OR OLD.classification IS DISTINCT FROM NEW.classification
    OR OLD.section IS DISTINCT FROM NEW.section
)
EXECUTE FUNCTION consultation_classes_filled();

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
    coalesce(c.starts_at, TIME '24:00') AS starts_at,
    c.minutes,
    f.minimum_minutes,
    coalesce(c.preparation_minutes, 0) AS preparation_minutes,
    c.channel,
    (c.minutes < f.minimum_minutes) AS short,
    to_char(c.held_on, 'YYYY-MM') AS month,
    to_char(c.held_on, 'YYYY-"Q"Q') AS quarter,
    to_char(c.held_on, 'YYYY') AS year,
    o.kind AS organisation_kind,
    c.actor_type,
    coalesce(c.size_class, c.anonymous_size_class) AS size_class,
    coalesce(c.section, c.anonymous_classification || ':' || c.anonymous_section) AS section
FROM consultations c
JOIN funding_periods f ON f.id = c.funding_period_id
LEFT JOIN organisations o ON o.id = c.organisation_id;
