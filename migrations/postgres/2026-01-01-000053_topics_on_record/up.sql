-- Figures by topic read the topics of a record where they read the rest of it: to look them up record by record
-- takes longer than all else. Kept by triggers with consultation_topics, which says the same one by one; no
-- program writes it.
ALTER TABLE consultations ADD COLUMN topic_codes TEXT NOT NULL COLLATE "C" DEFAULT '';
DROP INDEX consultations_figures;
UPDATE consultations
SET topic_codes = l.codes
FROM (
    SELECT ct.consultation_id, string_agg(t.code, ',' ORDER BY ct.position) AS codes
    FROM consultation_topics ct
    JOIN topics t ON t.id = ct.topic_id
    GROUP BY ct.consultation_id
) l
WHERE l.consultation_id = consultations.id;

CREATE INDEX consultations_figures ON consultations (
    funding_period_id, organisation_id, held_on, starts_at, id
) INCLUDE (
    carrier_id, minutes, preparation_minutes, site_id, district_id, channel, size_class, section, actor_type,
    anonymous_size_class, anonymous_classification, anonymous_section, topic_codes
) WHERE status = 'held';

-- The row is held first, so that the codes are those that whoever held it before has left.
CREATE FUNCTION derive_topic_codes(of_consultation UUID) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM consultations c WHERE c.id = of_consultation FOR NO KEY UPDATE;
    UPDATE consultations c
    SET topic_codes = l.codes
    FROM (
        SELECT coalesce(string_agg(t.code, ',' ORDER BY ct.position), '') AS codes
        FROM consultation_topics ct
        JOIN topics t ON t.id = ct.topic_id
        WHERE ct.consultation_id = of_consultation
    ) l
    WHERE c.id = of_consultation AND c.topic_codes <> l.codes;
END
$$;

CREATE FUNCTION consultation_topic_codes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM derive_topic_codes(OLD.consultation_id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM derive_topic_codes(NEW.consultation_id);
    END IF;
    RETURN NULL;
END
$$;

-- At the end of the transaction: the record is written anew once for all its topics, and not at all when they are
-- what they were.
CREATE CONSTRAINT TRIGGER consultation_topic_codes AFTER INSERT OR UPDATE OR DELETE ON consultation_topics
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION consultation_topic_codes();

CREATE FUNCTION consultation_topic_codes_on_rename() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM derive_topic_codes(ct.consultation_id)
    FROM consultation_topics ct
    WHERE ct.topic_id = NEW.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER consultation_topic_codes_on_rename AFTER UPDATE OF code ON topics
FOR EACH ROW WHEN (OLD.code <> NEW.code)
EXECUTE FUNCTION consultation_topic_codes_on_rename();

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
    c.topic_codes,
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
