-- What was frozen stays whole: nothing is put to it, and what says what was frozen does not change.
CREATE TRIGGER report_contents_frozen_on_insert BEFORE INSERT ON report_contents
WHEN (SELECT r.status FROM reports r WHERE r.id = new.report_id) <> 'draft'
BEGIN
    SELECT RAISE(ABORT, 'reports_are_frozen');
END;

CREATE TRIGGER report_facts_frozen_on_insert BEFORE INSERT ON report_facts
WHEN (SELECT r.status FROM reports r WHERE r.id = new.report_id) <> 'draft'
BEGIN
    SELECT RAISE(ABORT, 'reports_are_frozen');
END;

CREATE TRIGGER reports_frozen_on_update BEFORE UPDATE ON reports
WHEN old.status <> 'draft' AND (
    new.status = 'draft'
    OR new.carrier_id IS NOT old.carrier_id
    OR new.funding_period_id <> old.funding_period_id
    OR new.from_on <> old.from_on
    OR new.to_on <> old.to_on
    OR new.predecessor_id IS NOT old.predecessor_id
    OR new.submitted_at <> old.submitted_at
    OR new.submitted_by <> old.submitted_by
    OR new.sha256 <> old.sha256
    OR new.records <> old.records
)
BEGIN
    SELECT RAISE(ABORT, 'reports_are_frozen');
END;

CREATE TRIGGER reports_frozen_on_delete BEFORE DELETE ON reports
WHEN old.status <> 'draft'
BEGIN
    SELECT RAISE(ABORT, 'reports_are_frozen');
END;
