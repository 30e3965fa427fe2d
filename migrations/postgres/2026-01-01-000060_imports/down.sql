DROP INDEX company_profiles_register_number;
DROP TABLE import_rows;
DROP TABLE import_chunks;
DROP TABLE import_profiles;
DROP TABLE imports;
DROP TABLE jobs;
