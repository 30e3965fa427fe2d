DROP INDEX company_profiles_vat_id;
DROP TRIGGER contacts_found_no_more;
DROP TRIGGER organisations_found_no_more;
DROP TABLE search_entries;
DROP TABLE search_index;
DROP TABLE match_index;
