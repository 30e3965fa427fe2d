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
    substr(r.referred_on, 1, 7) AS month,
    substr(r.referred_on, 1, 4) || '-Q' || ((CAST(substr(r.referred_on, 6, 2) AS INTEGER) + 2) / 3) AS quarter,
    substr(r.referred_on, 1, 4) AS year
FROM referrals r
JOIN organisations o ON o.id = r.organisation_id
JOIN organisations a ON a.id = r.actor_id
LEFT JOIN consultations c ON c.id = r.consultation_id;
