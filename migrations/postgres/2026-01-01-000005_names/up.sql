-- Counts the changes of the tables that a network has few rows in. Servers keep the names in them in
-- memory as long as this number stays.
ALTER TABLE installation ADD COLUMN names_generation BIGINT NOT NULL DEFAULT 0;

CREATE FUNCTION count_names() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE installation SET names_generation = names_generation + 1;
    RETURN NULL;
END $$;

CREATE TRIGGER carriers_names AFTER INSERT OR UPDATE OF name ON carriers
    FOR EACH STATEMENT EXECUTE FUNCTION count_names();
CREATE TRIGGER sites_names AFTER INSERT OR UPDATE OF name ON sites
    FOR EACH STATEMENT EXECUTE FUNCTION count_names();
CREATE TRIGGER funding_periods_names AFTER INSERT OR UPDATE OF name ON funding_periods
    FOR EACH STATEMENT EXECUTE FUNCTION count_names();
CREATE TRIGGER districts_names AFTER INSERT OR UPDATE OF name ON districts
    FOR EACH STATEMENT EXECUTE FUNCTION count_names();
CREATE TRIGGER topics_names AFTER INSERT OR UPDATE OF code, label_de, label_en ON topics
    FOR EACH STATEMENT EXECUTE FUNCTION count_names();
CREATE TRIGGER users_names AFTER INSERT OR UPDATE OF name ON users
    FOR EACH STATEMENT EXECUTE FUNCTION count_names();
