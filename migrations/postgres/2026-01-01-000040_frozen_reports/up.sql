-- What was frozen stays whole: nothing is put to it, and what says what was frozen does not change.
CREATE FUNCTION reports_take_nothing_more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT r.status FROM reports r WHERE r.id = NEW.report_id) <> 'draft' THEN
        RAISE EXCEPTION 'reports_are_frozen';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER report_contents_frozen_on_insert BEFORE INSERT ON report_contents
FOR EACH ROW EXECUTE FUNCTION reports_take_nothing_more();

CREATE TRIGGER report_facts_frozen_on_insert BEFORE INSERT ON report_facts
FOR EACH ROW EXECUTE FUNCTION reports_take_nothing_more();

CREATE TRIGGER reports_frozen_on_update BEFORE UPDATE ON reports
FOR EACH ROW WHEN (
    OLD.status <> 'draft' AND (
        NEW.status = 'draft'
        OR NEW.carrier_id IS DISTINCT FROM OLD.carrier_id
        OR NEW.funding_period_id <> OLD.funding_period_id
        OR NEW.from_on <> OLD.from_on
        OR NEW.to_on <> OLD.to_on
        OR NEW.predecessor_id IS DISTINCT FROM OLD.predecessor_id
        OR NEW.submitted_at <> OLD.submitted_at
        OR NEW.submitted_by <> OLD.submitted_by
        OR NEW.sha256 <> OLD.sha256
        OR NEW.records <> OLD.records
    )
)
EXECUTE FUNCTION reports_are_frozen();

CREATE TRIGGER reports_frozen_on_delete BEFORE DELETE ON reports
FOR EACH ROW WHEN (OLD.status <> 'draft')
EXECUTE FUNCTION reports_are_frozen();
