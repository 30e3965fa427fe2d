DROP TRIGGER reports_frozen_on_delete ON reports;
DROP TRIGGER reports_frozen_on_update ON reports;
DROP TRIGGER report_facts_frozen_on_insert ON report_facts;
DROP TRIGGER report_contents_frozen_on_insert ON report_contents;
DROP FUNCTION reports_take_nothing_more();
