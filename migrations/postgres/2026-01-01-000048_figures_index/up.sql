-- What the figures read of a consultation, in the order in which firsts are numbered: at a million consultations
-- the table has several times as many bytes, and reading them by another index is a seek a record.
CREATE INDEX consultations_figures ON consultations (
    funding_period_id, organisation_id, held_on, starts_at, id
) INCLUDE (
    carrier_id, minutes, preparation_minutes, site_id, district_id, channel, size_class, section, actor_type,
    anonymous_size_class, anonymous_classification, anonymous_section
) WHERE status = 'held';
