DROP VIEW consultation_facts;
DROP VIEW consultation_details;
DROP TABLE consultation_contacts;
DROP TABLE consultation_topics;
DROP TABLE consultation_advisers;
DROP TABLE consultations;
