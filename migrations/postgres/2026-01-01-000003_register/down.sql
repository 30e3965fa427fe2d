DROP TABLE contacts;
DROP TABLE establishments;
DROP TABLE company_profiles;
DROP TABLE organisations;
