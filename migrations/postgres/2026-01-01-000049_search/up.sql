-- What the search looks in: a row for each organisation, which the network shares, and for each contact, which
-- belongs to a carrier. The program folds the text and fills the table once this step is applied.
CREATE TABLE search_entries (
    -- Of the organisation or the contact. Not a reference: the entry is derived from the record.
    id UUID NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('company', 'actor', 'contact')),
    carrier_id UUID REFERENCES carriers (id),
    archived BOOLEAN NOT NULL,
    name_key TEXT NOT NULL COLLATE "C",
    -- Of an organisation, its name without legal form, as it is compared with one that is entered.
    match_key TEXT COLLATE "C",
    -- All that it is found by, a space before and after each word.
    content TEXT NOT NULL COLLATE "C",
    CONSTRAINT search_entries_carrier CHECK ((kind = 'contact') = (carrier_id IS NOT NULL)),
    CONSTRAINT search_entries_match_key CHECK ((kind = 'contact') = (match_key IS NULL))
);
CREATE INDEX search_entries_name_key ON search_entries (name_key, id);
CREATE INDEX search_entries_content ON search_entries USING gin (content gin_trgm_ops);
CREATE INDEX search_entries_match_key ON search_entries (match_key, id);
CREATE INDEX search_entries_similar_key ON search_entries USING gin (match_key gin_trgm_ops);

CREATE FUNCTION forget_search_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM search_entries WHERE id = OLD.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER organisations_found_no_more AFTER DELETE ON organisations
FOR EACH ROW EXECUTE FUNCTION forget_search_entry();

CREATE TRIGGER contacts_found_no_more AFTER DELETE ON contacts
FOR EACH ROW EXECUTE FUNCTION forget_search_entry();

-- Who else has this VAT id is asked whenever a company is entered.
CREATE INDEX company_profiles_vat_id ON company_profiles (vat_id) WHERE vat_id IS NOT NULL;
