DROP TABLE consultation_tags;
DROP TABLE organisation_tags;
DROP TABLE tags;
