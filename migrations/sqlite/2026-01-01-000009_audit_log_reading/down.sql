DROP INDEX audit_log_request;
DROP INDEX audit_log_user;
DROP INDEX audit_log_at;
