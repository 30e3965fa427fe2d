DROP TRIGGER consultation_classes_on_update;
CREATE TRIGGER consultation_classes_on_update AFTER UPDATE OF organisation_id ON consultations
WHEN OLD.organisation_id IS NOT NEW.organisation_id
BEGIN
    UPDATE consultations
    SET
        size_class = (
            SELECT p.size_class FROM company_profiles p WHERE p.organisation_id = NEW.organisation_id
        ),
        section = (
            SELECT p.classification || ':' || p.section
            FROM company_profiles p
            WHERE p.organisation_id = NEW.organisation_id
        ),
        actor_type = (SELECT o.actor_type FROM organisations o WHERE o.id = NEW.organisation_id)
    WHERE id = NEW.id;
END;
DROP TABLE organisation_merge_rows;
DROP TABLE organisation_merges;
