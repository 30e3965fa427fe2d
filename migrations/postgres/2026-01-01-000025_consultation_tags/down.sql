DROP INDEX consultation_tags_tag;
ALTER TABLE consultation_tags DROP CONSTRAINT consultation_tags_tag;
ALTER TABLE consultation_tags DROP COLUMN carrier_id;
ALTER TABLE consultation_tags ADD CONSTRAINT consultation_tags_tag_id_fkey FOREIGN KEY (tag_id)
    REFERENCES tags (id);
CREATE INDEX consultation_tags_tag ON consultation_tags (tag_id, consultation_id);
