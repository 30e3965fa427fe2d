ALTER TABLE sessions DROP COLUMN strong;
DROP TABLE recovery_codes;
DROP TABLE second_factors;
