DROP TRIGGER carriers_names ON carriers;
DROP TRIGGER sites_names ON sites;
DROP TRIGGER funding_periods_names ON funding_periods;
DROP TRIGGER districts_names ON districts;
DROP TRIGGER topics_names ON topics;
DROP TRIGGER users_names ON users;
DROP FUNCTION count_names();
ALTER TABLE installation DROP COLUMN names_generation;
