DROP TRIGGER consultation_codes_on_update ON consultations;
DROP TRIGGER consultation_codes_on_insert ON consultations;
DROP FUNCTION consultation_codes();
DROP TABLE consultation_occupations;
DROP TABLE consultation_countries;

-- One row for each country of a consultation.
CREATE VIEW consultation_countries AS
SELECT c.id AS consultation_id, n.value AS code
FROM consultations c, jsonb_array_elements_text(c.countries) n;

-- One row for each occupation of a consultation; several can be of one main group.
CREATE VIEW consultation_occupations AS
SELECT c.id AS consultation_id, o.value ->> 'code' AS code, substr(o.value ->> 'code', 1, 2) AS main_group
FROM consultations c, jsonb_array_elements(c.occupations) o;
