-- Countries and occupations of consultations, to look records up by them and to count them: the JSON in the
-- row would be read of every record. Kept by triggers, since what is said twice must not differ.
DROP VIEW consultation_occupations;
DROP VIEW consultation_countries;

CREATE TABLE consultation_countries (
    consultation_id BLOB NOT NULL REFERENCES consultations (id) ON DELETE CASCADE,
    code TEXT NOT NULL,
    PRIMARY KEY (consultation_id, code)
) STRICT, WITHOUT ROWID;
CREATE INDEX consultation_countries_code ON consultation_countries (code, consultation_id);

-- Each code and all that it begins with: 26302 is also in 2630, 263, 26 and 2.
CREATE TABLE consultation_occupations (
    consultation_id BLOB NOT NULL REFERENCES consultations (id) ON DELETE CASCADE,
    code TEXT NOT NULL,
    PRIMARY KEY (consultation_id, code)
) STRICT, WITHOUT ROWID;
CREATE INDEX consultation_occupations_code ON consultation_occupations (code, consultation_id);

INSERT INTO consultation_countries (consultation_id, code)
SELECT DISTINCT c.id, n.value
FROM consultations c, json_each(c.countries) n;

INSERT INTO consultation_occupations (consultation_id, code)
SELECT DISTINCT c.id, substr(o.value ->> '$.code', 1, n.value)
FROM consultations c, json_each(c.occupations) o, json_each('[1, 2, 3, 4, 5]') n
WHERE n.value <= length(o.value ->> '$.code');

CREATE TRIGGER consultation_codes_on_insert AFTER INSERT ON consultations
WHEN NEW.countries IS NOT NULL OR NEW.occupations IS NOT NULL
BEGIN
    INSERT INTO consultation_countries (consultation_id, code)
    SELECT DISTINCT NEW.id, n.value
    FROM json_each(NEW.countries) n;
    INSERT INTO consultation_occupations (consultation_id, code)
    SELECT DISTINCT NEW.id, substr(o.value ->> '$.code', 1, n.value)
    FROM json_each(NEW.occupations) o, json_each('[1, 2, 3, 4, 5]') n
    WHERE n.value <= length(o.value ->> '$.code');
END;

CREATE TRIGGER consultation_codes_on_update AFTER UPDATE OF countries, occupations ON consultations
WHEN OLD.countries IS NOT NEW.countries OR OLD.occupations IS NOT NEW.occupations
BEGIN
    DELETE FROM consultation_countries WHERE consultation_id = NEW.id;
    DELETE FROM consultation_occupations WHERE consultation_id = NEW.id;
    INSERT INTO consultation_countries (consultation_id, code)
    SELECT DISTINCT NEW.id, n.value
    FROM json_each(NEW.countries) n;
    INSERT INTO consultation_occupations (consultation_id, code)
    SELECT DISTINCT NEW.id, substr(o.value ->> '$.code', 1, n.value)
    FROM json_each(NEW.occupations) o, json_each('[1, 2, 3, 4, 5]') n
    WHERE n.value <= length(o.value ->> '$.code');
END;
