DROP TABLE recruitment_case_steps;
DROP TABLE recruitment_cases;
