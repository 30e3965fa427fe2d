-- The audit log is read by time, by user and by request.
CREATE INDEX audit_log_at ON audit_log (at, id);
CREATE INDEX audit_log_user ON audit_log (user_id, at, id);
CREATE INDEX audit_log_request ON audit_log (request_id);
