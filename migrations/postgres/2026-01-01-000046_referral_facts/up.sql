-- Referrals with what their figures are grouped by. A referral has the site of its consultation.
CREATE VIEW referral_facts AS
SELECT
    r.id,
    r.carrier_id,
    c.site_id,
    r.organisation_id,
    o.kind AS organisation_kind,
    r.actor_id,
    a.actor_type,
    r.referred_on,
    CASE
        WHEN r.withdrawn_at IS NOT NULL THEN 'withdrawn'
        WHEN r.answer IS NOT NULL THEN r.answer
        WHEN r.closed_on IS NOT NULL THEN 'closed_unanswered'
        ELSE 'open'
    END AS answer,
    r.closed_on,
    to_char(r.referred_on, 'YYYY-MM') AS month,
    to_char(r.referred_on, 'YYYY-"Q"Q') AS quarter,
    to_char(r.referred_on, 'YYYY') AS year
FROM referrals r
JOIN organisations o ON o.id = r.organisation_id
JOIN organisations a ON a.id = r.actor_id
LEFT JOIN consultations c ON c.id = r.consultation_id;
