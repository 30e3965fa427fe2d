DROP TABLE duplicate_settings;
DROP TABLE duplicate_checks;
DROP VIEW duplicate_pair_rows;
DROP TABLE duplicate_pairs;
