DROP TRIGGER consultation_codes_on_update;
DROP TRIGGER consultation_codes_on_insert;
DROP TABLE consultation_occupations;
DROP TABLE consultation_countries;

-- One row for each country of a consultation.
CREATE VIEW consultation_countries AS
SELECT c.id AS consultation_id, n.value AS code
FROM consultations c, json_each(c.countries) n;

-- One row for each occupation of a consultation; several can be of one main group.
CREATE VIEW consultation_occupations AS
SELECT c.id AS consultation_id, json_extract(o.value, '$.code') AS code, substr(json_extract(o.value, '$.code'), 1, 2) AS main_group
FROM consultations c, json_each(c.occupations) o;
