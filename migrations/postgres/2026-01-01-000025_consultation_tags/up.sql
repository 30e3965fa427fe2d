-- Tags of consultations as those of organisations: with the carrier, so that none has another one's.
ALTER TABLE consultation_tags ADD COLUMN carrier_id UUID;
UPDATE consultation_tags t
SET carrier_id = (SELECT c.carrier_id FROM consultations c WHERE c.id = t.consultation_id);
ALTER TABLE consultation_tags ALTER COLUMN carrier_id SET NOT NULL;
ALTER TABLE consultation_tags DROP CONSTRAINT consultation_tags_tag_id_fkey;
ALTER TABLE consultation_tags ADD CONSTRAINT consultation_tags_tag FOREIGN KEY (carrier_id, tag_id)
    REFERENCES tags (carrier_id, id);
DROP INDEX consultation_tags_tag;
CREATE INDEX consultation_tags_tag ON consultation_tags (carrier_id, tag_id, consultation_id);
