ALTER TABLE consultation_tags RENAME TO consultation_tags_after;
DROP INDEX consultation_tags_tag;

CREATE TABLE consultation_tags (
    consultation_id BLOB NOT NULL REFERENCES consultations (id),
    tag_id BLOB NOT NULL REFERENCES tags (id),
    PRIMARY KEY (consultation_id, tag_id)
) STRICT;
CREATE INDEX consultation_tags_tag ON consultation_tags (tag_id, consultation_id);

INSERT INTO consultation_tags (consultation_id, tag_id)
SELECT consultation_id, tag_id FROM consultation_tags_after;
DROP TABLE consultation_tags_after;
