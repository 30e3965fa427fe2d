DROP VIEW referral_rows;
DROP TABLE referrals;
