DROP TABLE topics;
DROP TABLE funding_periods;
DROP TABLE district_coverages;
DROP TABLE districts;
DROP TABLE sites;
DROP TABLE carriers;
DROP TABLE installation;
