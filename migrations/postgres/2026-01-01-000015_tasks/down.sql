DROP VIEW task_rows;
DROP TABLE tasks;
