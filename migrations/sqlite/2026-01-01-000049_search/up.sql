-- What the search looks in: a row for each organisation, which the network shares, and for each contact, which
-- belongs to a carrier. The program folds the text and fills the table once this step is applied.
CREATE TABLE search_entries (
    -- The row number that the full-text index refers to; an explicit one survives VACUUM.
    search_id INTEGER NOT NULL PRIMARY KEY,
    -- Of the organisation or the contact. Not a reference: the entry is derived from the record.
    id BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('company', 'actor', 'contact')),
    carrier_id BLOB REFERENCES carriers (id),
    archived INTEGER NOT NULL,
    name_key TEXT NOT NULL,
    -- Of an organisation, its name without legal form, as it is compared with one that is entered.
    match_key TEXT,
    -- All that it is found by, a space before and after each word.
    content TEXT NOT NULL,
    CONSTRAINT search_entries_carrier CHECK ((kind = 'contact') = (carrier_id IS NOT NULL)),
    CONSTRAINT search_entries_match_key CHECK ((kind = 'contact') = (match_key IS NULL))
) STRICT;
CREATE INDEX search_entries_name_key ON search_entries (name_key, id);
CREATE INDEX search_entries_match_key ON search_entries (match_key, id);

CREATE VIRTUAL TABLE search_index USING fts5 (
    content, tokenize = 'trigram case_sensitive 1', content = '', contentless_delete = 1
);

-- Asked for single trigrams only, so it need not know where they stand.
CREATE VIRTUAL TABLE match_index USING fts5 (
    match_key, tokenize = 'trigram case_sensitive 1', content = '', contentless_delete = 1, detail = none
);

CREATE TRIGGER search_entries_on_insert AFTER INSERT ON search_entries
BEGIN
    INSERT INTO search_index (rowid, content) VALUES (NEW.search_id, NEW.content);
    INSERT INTO match_index (rowid, match_key)
    SELECT NEW.search_id, ' ' || NEW.match_key || ' ' WHERE NEW.match_key IS NOT NULL;
END;

CREATE TRIGGER search_entries_on_update AFTER UPDATE OF content ON search_entries
WHEN OLD.content <> NEW.content
BEGIN
    DELETE FROM search_index WHERE rowid = OLD.search_id;
    INSERT INTO search_index (rowid, content) VALUES (NEW.search_id, NEW.content);
END;

CREATE TRIGGER search_entries_on_rename AFTER UPDATE OF match_key ON search_entries
WHEN OLD.match_key <> NEW.match_key
BEGIN
    DELETE FROM match_index WHERE rowid = OLD.search_id;
    INSERT INTO match_index (rowid, match_key) VALUES (NEW.search_id, ' ' || NEW.match_key || ' ');
END;

CREATE TRIGGER search_entries_on_delete AFTER DELETE ON search_entries
BEGIN
    DELETE FROM search_index WHERE rowid = OLD.search_id;
    DELETE FROM match_index WHERE rowid = OLD.search_id;
END;

CREATE TRIGGER organisations_found_no_more AFTER DELETE ON organisations
BEGIN
    DELETE FROM search_entries WHERE id = OLD.id;
END;

CREATE TRIGGER contacts_found_no_more AFTER DELETE ON contacts
BEGIN
    DELETE FROM search_entries WHERE id = OLD.id;
END;

-- Who else has this VAT id is asked whenever a company is entered.
CREATE INDEX company_profiles_vat_id ON company_profiles (vat_id) WHERE vat_id IS NOT NULL;
