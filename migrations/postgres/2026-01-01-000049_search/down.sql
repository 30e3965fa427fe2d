DROP INDEX company_profiles_vat_id;
DROP TRIGGER contacts_found_no_more ON contacts;
DROP TRIGGER organisations_found_no_more ON organisations;
DROP FUNCTION forget_search_entry();
DROP TABLE search_entries;
