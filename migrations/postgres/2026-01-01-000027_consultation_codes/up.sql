-- Countries and occupations of consultations, to look records up by them and to count them: the JSON in the
-- row would be read of every record. Kept by triggers, since what is said twice must not differ.
DROP VIEW consultation_occupations;
DROP VIEW consultation_countries;

CREATE TABLE consultation_countries (
    consultation_id UUID NOT NULL REFERENCES consultations (id) ON DELETE CASCADE,
    code TEXT NOT NULL COLLATE "C",
    PRIMARY KEY (consultation_id, code)
);
CREATE INDEX consultation_countries_code ON consultation_countries (code, consultation_id);

-- Each code and all that it begins with: 26302 is also in 2630, 263, 26 and 2.
CREATE TABLE consultation_occupations (
    consultation_id UUID NOT NULL REFERENCES consultations (id) ON DELETE CASCADE,
    code TEXT NOT NULL COLLATE "C",
    PRIMARY KEY (consultation_id, code)
);
CREATE INDEX consultation_occupations_code ON consultation_occupations (code, consultation_id);

INSERT INTO consultation_countries (consultation_id, code)
SELECT DISTINCT c.id, n.value
FROM consultations c, jsonb_array_elements_text(c.countries) n;

INSERT INTO consultation_occupations (consultation_id, code)
SELECT DISTINCT c.id, left(o.value ->> 'code', n)
FROM consultations c, jsonb_array_elements(c.occupations) o,
    generate_series(1, length(o.value ->> 'code')) n;

CREATE FUNCTION consultation_codes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM consultation_countries WHERE consultation_id = NEW.id;
        DELETE FROM consultation_occupations WHERE consultation_id = NEW.id;
    END IF;
    INSERT INTO consultation_countries (consultation_id, code)
    SELECT DISTINCT NEW.id, n.value
    FROM jsonb_array_elements_text(NEW.countries) n;
    INSERT INTO consultation_occupations (consultation_id, code)
    SELECT DISTINCT NEW.id, left(o.value ->> 'code', n)
    FROM jsonb_array_elements(NEW.occupations) o, generate_series(1, length(o.value ->> 'code')) n;
    RETURN NULL;
END
$$;

CREATE TRIGGER consultation_codes_on_insert AFTER INSERT ON consultations
FOR EACH ROW WHEN (NEW.countries IS NOT NULL OR NEW.occupations IS NOT NULL)
EXECUTE FUNCTION consultation_codes();

CREATE TRIGGER consultation_codes_on_update AFTER UPDATE OF countries, occupations ON consultations
FOR EACH ROW WHEN (
    OLD.countries IS DISTINCT FROM NEW.countries OR OLD.occupations IS DISTINCT FROM NEW.occupations
)
EXECUTE FUNCTION consultation_codes();
