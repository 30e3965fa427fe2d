DROP TABLE report_facts;
DROP TABLE report_contents;
DROP TABLE reports;
