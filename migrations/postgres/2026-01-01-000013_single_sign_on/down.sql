DROP TABLE identities;
DROP TABLE sso_flows;
