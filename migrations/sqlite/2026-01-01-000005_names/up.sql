-- Counts the changes of the tables that a network has few rows in. Servers keep the names in them in
-- memory as long as this number stays.
ALTER TABLE installation ADD COLUMN names_generation INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER carriers_name_added AFTER INSERT ON carriers
BEGIN
    UPDATE installation SET names_generation = names_generation + 1;
END;
CREATE TRIGGER carriers_name_changed AFTER UPDATE OF name ON carriers
BEGIN
    UPDATE installation SET names_generation = names_generation + 1;
END;

CREATE TRIGGER sites_name_added AFTER INSERT ON sites
BEGIN
    UPDATE installation SET names_generation = names_generation + 1;
END;
CREATE TRIGGER sites_name_changed AFTER UPDATE OF name ON sites
BEGIN
    UPDATE installation SET names_generation = names_generation + 1;
END;

CREATE TRIGGER funding_periods_name_added AFTER INSERT ON funding_periods
BEGIN
    UPDATE installation SET names_generation = names_generation + 1;
END;
CREATE TRIGGER funding_periods_name_changed AFTER UPDATE OF name ON funding_periods
BEGIN
    UPDATE installation SET names_generation = names_generation + 1;
END;

CREATE TRIGGER districts_name_added AFTER INSERT ON districts
BEGIN
    UPDATE installation SET names_generation = names_generation + 1;
END;
CREATE TRIGGER districts_name_changed AFTER UPDATE OF name ON districts
BEGIN
    UPDATE installation SET names_generation = names_generation + 1;
END;

CREATE TRIGGER topics_name_added AFTER INSERT ON topics
BEGIN
    UPDATE installation SET names_generation = names_generation + 1;
END;
CREATE TRIGGER topics_name_changed AFTER UPDATE OF code, label_de, label_en ON topics
BEGIN
    UPDATE installation SET names_generation = names_generation + 1;
END;

CREATE TRIGGER users_name_added AFTER INSERT ON users
BEGIN
    UPDATE installation SET names_generation = names_generation + 1;
END;
CREATE TRIGGER users_name_changed AFTER UPDATE OF name ON users
BEGIN
    UPDATE installation SET names_generation = names_generation + 1;
END;
