DROP VIEW referral_facts;
