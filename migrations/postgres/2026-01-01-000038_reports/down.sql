DROP TABLE report_facts;
DROP TABLE report_contents;
DROP TABLE reports;
DROP FUNCTION reports_are_frozen();
