CREATE OR REPLACE FUNCTION consultation_classes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.size_class = NULL;
    NEW.section = NULL;
    NEW.actor_type = NULL;
    SELECT p.size_class, p.classification || ':' || p.section, o.actor_type
    INTO NEW.size_class, NEW.section, NEW.actor_type
    FROM organisations o
    LEFT JOIN company_profiles p ON p.organisation_id = o.id
    WHERE o.id = NEW.organisation_id;
    RETURN NEW;
END
$$;
DROP TABLE organisation_merge_rows;
DROP TABLE organisation_merges;
