-- Tags of consultations as those of organisations: with the carrier, so that none has another one's.
ALTER TABLE consultation_tags RENAME TO consultation_tags_before;
DROP INDEX consultation_tags_tag;

CREATE TABLE consultation_tags (
    consultation_id BLOB NOT NULL REFERENCES consultations (id),
    carrier_id BLOB NOT NULL,
    tag_id BLOB NOT NULL,
    PRIMARY KEY (consultation_id, tag_id),
    CONSTRAINT consultation_tags_tag FOREIGN KEY (carrier_id, tag_id)
        REFERENCES tags (carrier_id, id)
) STRICT;
CREATE INDEX consultation_tags_tag ON consultation_tags (carrier_id, tag_id, consultation_id);

INSERT INTO consultation_tags (consultation_id, carrier_id, tag_id)
SELECT t.consultation_id, c.carrier_id, t.tag_id
FROM consultation_tags_before t
JOIN consultations c ON c.id = t.consultation_id;
DROP TABLE consultation_tags_before;
