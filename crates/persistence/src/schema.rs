//! The tables as diesel sees them. The truth is in `migrations/`.

macro_rules! tables {
    ($($name:ident ($($key:ident),+) { $($columns:tt)* })+) => {$(
        diesel::table! {
            use diesel::sql_types::*;
            use crate::sql_types::{Id, Instant, Json};

            $name ($($key),+) { $($columns)* }
        }
    )+};
}

tables! {
    installation (only_row) {
        only_row -> Integer,
        synthetic_data -> Bool,
        names_generation -> BigInt,
    }

    carriers (id) {
        id -> Id,
        code -> Text,
        name -> Text,
        chambers_are_public -> Bool,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    sites (id) {
        id -> Id,
        carrier_id -> Id,
        name -> Text,
        valid_from -> Date,
        valid_to -> Nullable<Date>,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
        federal_state -> Text,
    }

    districts (id) {
        id -> Id,
        key -> Text,
        name -> Text,
        kind -> Text,
        region -> Text,
        valid_from -> Date,
        valid_to -> Nullable<Date>,
        split_from_id -> Nullable<Id>,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    district_coverages (id) {
        id -> Id,
        district_id -> Id,
        site_id -> Id,
        valid_from -> Date,
        valid_to -> Nullable<Date>,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    funding_periods (id) {
        id -> Id,
        name -> Text,
        service_name -> Text,
        starts_on -> Date,
        ends_on -> Date,
        minimum_minutes -> Integer,
        status -> Text,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    topics (id) {
        id -> Id,
        code -> Text,
        topic_group -> Text,
        legal_basis -> Nullable<Text>,
        label_de -> Text,
        label_en -> Text,
        valid_from -> Date,
        valid_to -> Nullable<Date>,
        replaced_by_id -> Nullable<Id>,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    users (id) {
        id -> Id,
        email -> Text,
        name -> Text,
        name_key -> Text,
        password_hash -> Text,
        status -> Text,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
        kind -> Text,
    }

    api_keys (id) {
        id -> Id,
        carrier_id -> Id,
        scopes -> Json,
        expires_on -> Date,
        created_by -> Id,
        approved_by -> Nullable<Id>,
        approved_at -> Nullable<Instant>,
        revoked_at -> Nullable<Instant>,
        revoke_reason -> Nullable<Text>,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    api_key_secrets (secret_hash) {
        secret_hash -> Binary,
        key_id -> Id,
        prefix -> Text,
        created_at -> Instant,
        expires_at -> Nullable<Instant>,
        last_used_at -> Nullable<Instant>,
    }

    user_assignments (id) {
        id -> Id,
        user_id -> Id,
        role -> Text,
        carrier_id -> Nullable<Id>,
        site_id -> Nullable<Id>,
        valid_from -> Date,
        valid_to -> Nullable<Date>,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    sessions (id) {
        id -> Id,
        user_id -> Id,
        created_at -> Instant,
        expires_at -> Instant,
        ended_at -> Nullable<Instant>,
        end_reason -> Nullable<Text>,
        client -> Nullable<Text>,
        strong -> Bool,
    }

    second_factors (user_id) {
        user_id -> Id,
        secret -> Binary,
        created_at -> Instant,
        confirmed_at -> Nullable<Instant>,
        last_step -> BigInt,
    }

    recovery_codes (user_id, code_hash) {
        user_id -> Id,
        code_hash -> Binary,
        used_at -> Nullable<Instant>,
    }

    invitations (token_hash) {
        token_hash -> Binary,
        user_id -> Id,
        invited_by -> Id,
        created_at -> Instant,
        expires_at -> Instant,
    }

    sso_flows (state_hash) {
        state_hash -> Binary,
        flow_hash -> Binary,
        verifier -> Text,
        nonce -> Text,
        expires_at -> Instant,
    }

    identities (issuer, subject) {
        issuer -> Text,
        subject -> Text,
        user_id -> Id,
        created_at -> Instant,
    }

    refresh_tokens (token_hash) {
        token_hash -> Binary,
        session_id -> Id,
        issued_at -> Instant,
        used_at -> Nullable<Instant>,
    }

    login_attempts (account_hash) {
        account_hash -> Binary,
        failures -> Integer,
        blocked_until -> Nullable<Instant>,
        updated_at -> Instant,
    }

    idempotency_keys (caller_id, key) {
        caller_id -> Id,
        key -> Text,
        fingerprint -> Binary,
        answer -> Nullable<Json>,
        created_at -> Instant,
    }

    audit_log (id) {
        id -> Id,
        at -> Instant,
        user_id -> Nullable<Id>,
        session_id -> Nullable<Id>,
        request_id -> Text,
        action -> Text,
        entity_kind -> Nullable<Text>,
        entity_id -> Nullable<Id>,
        entity_version -> Nullable<BigInt>,
        carrier_id -> Nullable<Id>,
        changes -> Json,
        api_key -> Nullable<Text>,
        detail -> Nullable<Text>,
    }

    organisations (id) {
        id -> Id,
        kind -> Text,
        name -> Text,
        name_key -> Text,
        search_text -> Text,
        actor_type -> Nullable<Text>,
        website -> Nullable<Text>,
        street -> Nullable<Text>,
        postcode -> Nullable<Text>,
        city -> Nullable<Text>,
        country -> Text,
        district_id -> Nullable<Id>,
        origin -> Text,
        archived_at -> Nullable<Instant>,
        archive_reason -> Nullable<Text>,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    company_profiles (organisation_id) {
        organisation_id -> Id,
        legal_form -> Nullable<Text>,
        register_number -> Nullable<Text>,
        vat_id -> Nullable<Text>,
        classification -> Nullable<Text>,
        industry_code -> Nullable<Text>,
        section -> Nullable<Text>,
        staff -> Nullable<Double>,
        turnover_eur -> Nullable<BigInt>,
        balance_eur -> Nullable<BigInt>,
        publicly_owned -> Bool,
        reference_year -> Nullable<Integer>,
        size_basis -> Nullable<Text>,
        size_class -> Text,
        foreign_staff_experience -> Nullable<Bool>,
        collective_agreement -> Nullable<Bool>,
        heard_of_us -> Nullable<Text>,
        status -> Text,
    }

    establishments (id) {
        id -> Id,
        company_id -> Id,
        name -> Text,
        name_key -> Text,
        street -> Nullable<Text>,
        postcode -> Nullable<Text>,
        city -> Nullable<Text>,
        country -> Text,
        district_id -> Nullable<Id>,
        archived_at -> Nullable<Instant>,
        archive_reason -> Nullable<Text>,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    contacts (id) {
        id -> Id,
        organisation_id -> Id,
        carrier_id -> Id,
        name -> Text,
        name_key -> Text,
        function -> Nullable<Text>,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        mobile -> Nullable<Text>,
        language -> Nullable<Text>,
        purposes -> Json,
        valid_until -> Nullable<Date>,
        archived_at -> Nullable<Instant>,
        archive_reason -> Nullable<Text>,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    consultations (id) {
        id -> Id,
        organisation_id -> Nullable<Id>,
        establishment_id -> Nullable<Id>,
        carrier_id -> Id,
        site_id -> Id,
        funding_period_id -> Id,
        district_id -> Nullable<Id>,
        held_on -> Date,
        starts_at -> Nullable<Time>,
        minutes -> Integer,
        channel -> Text,
        status -> Text,
        outcome -> Nullable<Text>,
        notes -> Nullable<Text>,
        search_text -> Nullable<Text>,
        is_anonymous_profile -> Bool,
        anonymous_classification -> Nullable<Text>,
        anonymous_section -> Nullable<Text>,
        anonymous_size_class -> Nullable<Text>,
        voided_at -> Nullable<Instant>,
        voided_by -> Nullable<Id>,
        void_reason -> Nullable<Text>,
        recorded_by -> Id,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
        preparation_minutes -> Nullable<Integer>,
        apprentices -> Nullable<Integer>,
        countries -> Nullable<Json>,
        occupations -> Nullable<Json>,
        note_warnings -> Nullable<Json>,
        event_id -> Nullable<Id>,
        accompaniment_id -> Nullable<Id>,
        recruitment_case_id -> Nullable<Id>,
    }

    consultation_advisers (consultation_id, position) {
        consultation_id -> Id,
        user_id -> Id,
        position -> Integer,
    }

    consultation_topics (consultation_id, position) {
        consultation_id -> Id,
        topic_id -> Id,
        position -> Integer,
    }

    consultation_contacts (consultation_id, position) {
        consultation_id -> Id,
        contact_id -> Id,
        position -> Integer,
    }

    // A view.
    consultation_rows (id) {
        id -> Id,
        organisation_id -> Nullable<Id>,
        establishment_id -> Nullable<Id>,
        carrier_id -> Id,
        site_id -> Id,
        funding_period_id -> Id,
        district_id -> Nullable<Id>,
        held_on -> Date,
        starts_at -> Nullable<Time>,
        minutes -> Integer,
        preparation_minutes -> Nullable<Integer>,
        channel -> Text,
        status -> Text,
        apprentices -> Nullable<Integer>,
        countries -> Nullable<Json>,
        occupations -> Nullable<Json>,
        event_id -> Nullable<Id>,
        accompaniment_id -> Nullable<Id>,
        recruitment_case_id -> Nullable<Id>,
        outcome -> Nullable<Text>,
        notes -> Nullable<Text>,
        note_warnings -> Nullable<Json>,
        search_text -> Nullable<Text>,
        is_anonymous_profile -> Bool,
        anonymous_classification -> Nullable<Text>,
        anonymous_section -> Nullable<Text>,
        anonymous_size_class -> Nullable<Text>,
        voided_at -> Nullable<Instant>,
        voided_by -> Nullable<Id>,
        void_reason -> Nullable<Text>,
        recorded_by -> Id,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
        kind -> Nullable<Text>,
        organisation_name -> Nullable<Text>,
        organisation_kind -> Nullable<Text>,
        establishment_name -> Nullable<Text>,
        event_title -> Nullable<Text>,
        accompaniment_on -> Nullable<Date>,
        case_reference -> Nullable<Text>,
        case_vacancy -> Nullable<Text>,
    }

    // A view.
    consultation_lists (consultation_id, list, position) {
        consultation_id -> Id,
        position -> Integer,
        list -> Text,
        entry_id -> Id,
        name -> Nullable<Text>,
    }

    consultation_countries (consultation_id, code) {
        consultation_id -> Id,
        code -> Text,
    }

    consultation_occupations (consultation_id, code) {
        consultation_id -> Id,
        code -> Text,
    }

    tasks (id) {
        id -> Id,
        carrier_id -> Id,
        title -> Text,
        notes -> Nullable<Text>,
        search_text -> Text,
        due_on -> Date,
        owner_id -> Id,
        deputy_id -> Nullable<Id>,
        priority -> Text,
        consultation_id -> Nullable<Id>,
        organisation_id -> Nullable<Id>,
        about_organisation_id -> Nullable<Id>,
        event_id -> Nullable<Id>,
        status -> Text,
        closed_at -> Nullable<Instant>,
        closed_by -> Nullable<Id>,
        closing_note -> Nullable<Text>,
        recorded_by -> Id,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    // A view.
    task_rows (id) {
        id -> Id,
        carrier_id -> Id,
        title -> Text,
        notes -> Nullable<Text>,
        search_text -> Text,
        due_on -> Date,
        owner_id -> Id,
        deputy_id -> Nullable<Id>,
        priority -> Text,
        consultation_id -> Nullable<Id>,
        organisation_id -> Nullable<Id>,
        event_id -> Nullable<Id>,
        status -> Text,
        closed_at -> Nullable<Instant>,
        closed_by -> Nullable<Id>,
        closing_note -> Nullable<Text>,
        recorded_by -> Id,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
        consultation_held_on -> Nullable<Date>,
        shown_organisation_id -> Nullable<Id>,
        organisation_name -> Nullable<Text>,
        organisation_kind -> Nullable<Text>,
        event_title -> Nullable<Text>,
    }

    referrals (id) {
        id -> Id,
        carrier_id -> Id,
        consultation_id -> Nullable<Id>,
        organisation_id -> Id,
        actor_id -> Id,
        reason -> Text,
        consent_on -> Nullable<Date>,
        note -> Nullable<Text>,
        referred_on -> Date,
        answer_due_on -> Date,
        owner_id -> Id,
        answer -> Nullable<Text>,
        answered_on -> Nullable<Date>,
        answered_by -> Nullable<Id>,
        answer_note -> Nullable<Text>,
        closed_on -> Nullable<Date>,
        closed_by -> Nullable<Id>,
        result -> Nullable<Text>,
        withdrawn_at -> Nullable<Instant>,
        withdrawn_by -> Nullable<Id>,
        withdraw_reason -> Nullable<Text>,
        recorded_by -> Id,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    // A view.
    referral_rows (id) {
        id -> Id,
        carrier_id -> Id,
        consultation_id -> Nullable<Id>,
        organisation_id -> Id,
        actor_id -> Id,
        reason -> Text,
        consent_on -> Nullable<Date>,
        note -> Nullable<Text>,
        referred_on -> Date,
        answer_due_on -> Date,
        owner_id -> Id,
        answer -> Nullable<Text>,
        answered_on -> Nullable<Date>,
        answered_by -> Nullable<Id>,
        answer_note -> Nullable<Text>,
        closed_on -> Nullable<Date>,
        closed_by -> Nullable<Id>,
        result -> Nullable<Text>,
        withdrawn_at -> Nullable<Instant>,
        withdrawn_by -> Nullable<Id>,
        withdraw_reason -> Nullable<Text>,
        recorded_by -> Id,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
        organisation_name -> Text,
        organisation_kind -> Text,
        actor_name -> Text,
        consultation_held_on -> Nullable<Date>,
        consultation_organisation_id -> Nullable<Id>,
        consultation_organisation_name -> Nullable<Text>,
        consultation_organisation_kind -> Nullable<Text>,
    }

    corrections (id) {
        id -> Id,
        carrier_id -> Id,
        funding_period_id -> Id,
        moved_to_id -> Nullable<Id>,
        kind -> Text,
        consultation_id -> Nullable<Id>,
        position -> Nullable<Integer>,
        differences -> Json,
        corrected -> Nullable<Json>,
        record_version -> Nullable<BigInt>,
        reason -> Text,
        withdrawn_at -> Nullable<Instant>,
        withdrawn_by -> Nullable<Id>,
        withdraw_reason -> Nullable<Text>,
        recorded_by -> Id,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    calendar_feeds (user_id) {
        user_id -> Id,
        secret_hash -> Binary,
        created_at -> Instant,
        last_used_at -> Nullable<Instant>,
    }

    search_entries (id) {
        id -> Id,
        kind -> Text,
        carrier_id -> Nullable<Id>,
        archived -> Bool,
        name_key -> Text,
        match_key -> Nullable<Text>,
        content -> Text,
    }

    tags (id) {
        id -> Id,
        carrier_id -> Id,
        name -> Text,
        name_key -> Text,
        colour -> Nullable<Text>,
        archived_at -> Nullable<Instant>,
        archive_reason -> Nullable<Text>,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    organisation_tags (carrier_id, organisation_id, tag_id) {
        carrier_id -> Id,
        organisation_id -> Id,
        tag_id -> Id,
    }

    consultation_tags (consultation_id, tag_id) {
        consultation_id -> Id,
        carrier_id -> Id,
        tag_id -> Id,
    }

    last_contacts (carrier_id, organisation_id) {
        carrier_id -> Id,
        organisation_id -> Id,
        held_on -> Date,
        consultation_id -> Id,
        adviser_id -> Id,
    }

    // A view.
    advised_organisations (carrier_id, organisation_id) {
        carrier_id -> Id,
        organisation_id -> Id,
        held_on -> Date,
        adviser_id -> Id,
        name -> Text,
        kind -> Text,
        archived_at -> Nullable<Instant>,
        is_contacted -> Bool,
        lacks_industry -> Bool,
        lacks_size_class -> Bool,
        lacks_district -> Bool,
        is_reported -> Bool,
    }

    duplicate_pairs (id) {
        id -> Id,
        kind -> Text,
        first_organisation_id -> Id,
        second_organisation_id -> Id,
        score -> Integer,
        reasons -> Json,
        dismissed_at -> Nullable<Instant>,
        dismissed_by -> Nullable<Id>,
        dismiss_reason -> Nullable<Text>,
        dismissed_reasons -> Nullable<Json>,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    // A view.
    duplicate_pair_rows (id) {
        id -> Id,
        kind -> Text,
        first_organisation_id -> Id,
        second_organisation_id -> Id,
        score -> Integer,
        reasons -> Json,
        dismissed_at -> Nullable<Instant>,
        dismissed_by -> Nullable<Id>,
        dismiss_reason -> Nullable<Text>,
        dismissed_reasons -> Nullable<Json>,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
        archived -> Bool,
    }

    duplicate_checks (organisation_id) {
        organisation_id -> Id,
        version -> BigInt,
        rule -> Integer,
    }

    duplicate_settings (id) {
        id -> Id,
        ask_from -> Integer,
        queue_from -> Integer,
        version -> BigInt,
        updated_at -> Instant,
    }

    organisation_merges (id) {
        id -> Id,
        kind -> Text,
        survivor_id -> Id,
        merged_id -> Id,
        reason -> Nullable<Text>,
        fields -> Json,
        moved -> Json,
        merged_by -> Id,
        undone_at -> Nullable<Instant>,
        undone_by -> Nullable<Id>,
        undo_reason -> Nullable<Text>,
        remainders -> Nullable<Json>,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    organisation_merge_rows (merge_id, position) {
        merge_id -> Id,
        position -> Integer,
        reference -> Text,
        table_name -> Text,
        row_id -> Id,
        row_position -> Nullable<Integer>,
        carrier_id -> Nullable<Id>,
        column_name -> Text,
        old_value -> Nullable<Json>,
        new_value -> Nullable<Json>,
        kept -> Nullable<Json>,
    }

    // A view.
    organisation_events (organisation_id, event_id, part) {
        organisation_id -> Id,
        event_id -> Id,
        part -> Text,
    }

    // A view.
    organisation_tasks (task_id) {
        organisation_id -> Id,
        carrier_id -> Id,
        task_id -> Id,
    }

    // A view.
    organisations_with_open_tasks (carrier_id, organisation_id) {
        carrier_id -> Id,
        organisation_id -> Id,
    }

    saved_views (id) {
        id -> Id,
        carrier_id -> Id,
        owner_id -> Id,
        name -> Text,
        name_key -> Text,
        list -> Text,
        filter -> Json,
        sort -> Nullable<Text>,
        shared -> Bool,
        archived_at -> Nullable<Instant>,
        archive_reason -> Nullable<Text>,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    programme_templates (id) {
        id -> Id,
        used_for -> Text,
        code -> Text,
        version_number -> Integer,
        status -> Text,
        label_de -> Text,
        label_en -> Text,
        duration_days -> Nullable<Integer>,
        max_pause_days -> Nullable<Integer>,
        procedure -> Nullable<Text>,
        purposes -> Json,
        phases -> Json,
        published_at -> Nullable<Instant>,
        published_by -> Nullable<Id>,
        retired_at -> Nullable<Instant>,
        retired_by -> Nullable<Id>,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    indicators (id) {
        id -> Id,
        code -> Text,
        version_number -> Integer,
        status -> Text,
        label_de -> Text,
        label_en -> Text,
        text_de -> Text,
        text_en -> Text,
        source -> Nullable<Text>,
        rule -> Json,
        activated_at -> Nullable<Instant>,
        activated_by -> Nullable<Id>,
        retired_at -> Nullable<Instant>,
        retired_by -> Nullable<Id>,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    targets (id) {
        id -> Id,
        carrier_id -> Id,
        funding_period_id -> Id,
        indicator -> Text,
        year -> Nullable<Integer>,
        quarter -> Nullable<Integer>,
        site_id -> Nullable<Id>,
        value -> BigInt,
        note -> Nullable<Text>,
        archived_at -> Nullable<Instant>,
        archive_reason -> Nullable<Text>,
        recorded_by -> Id,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    reports (id) {
        id -> Id,
        carrier_id -> Nullable<Id>,
        funding_period_id -> Id,
        from_on -> Date,
        to_on -> Date,
        title -> Text,
        note -> Nullable<Text>,
        status -> Text,
        predecessor_id -> Nullable<Id>,
        submitted_at -> Nullable<Instant>,
        submitted_by -> Nullable<Id>,
        submission_note -> Nullable<Text>,
        accepted_at -> Nullable<Instant>,
        accepted_by -> Nullable<Id>,
        acceptance_note -> Nullable<Text>,
        sha256 -> Nullable<Text>,
        records -> Nullable<BigInt>,
        archived_at -> Nullable<Instant>,
        archive_reason -> Nullable<Text>,
        recorded_by -> Id,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    report_contents (report_id) {
        report_id -> Id,
        basis -> Json,
        content -> Text,
    }

    report_facts (report_id, kind, position) {
        report_id -> Id,
        kind -> Text,
        position -> BigInt,
        record_id -> Id,
        facts -> Json,
    }

    accompaniments (id) {
        id -> Id,
        carrier_id -> Id,
        company_id -> Id,
        site_id -> Id,
        federal_state -> Text,
        template_id -> Id,
        lead_id -> Id,
        deputy_id -> Nullable<Id>,
        hand_over_to -> Nullable<Id>,
        hand_over_note -> Nullable<Text>,
        hand_over_by -> Nullable<Id>,
        hand_over_at -> Nullable<Instant>,
        notes -> Nullable<Text>,
        requested_on -> Date,
        agreed_on -> Nullable<Date>,
        agreed_by -> Nullable<Id>,
        agreed_at -> Nullable<Instant>,
        rejected_on -> Nullable<Date>,
        reject_reason -> Nullable<Text>,
        rejected_by -> Nullable<Id>,
        rejected_at -> Nullable<Instant>,
        started_on -> Nullable<Date>,
        funding_period_id -> Nullable<Id>,
        completed_on -> Nullable<Date>,
        outcome -> Nullable<Text>,
        completion_note -> Nullable<Text>,
        completed_by -> Nullable<Id>,
        completed_at -> Nullable<Instant>,
        ended_on -> Nullable<Date>,
        end_reason -> Nullable<Text>,
        end_note -> Nullable<Text>,
        ended_by -> Nullable<Id>,
        ended_at -> Nullable<Instant>,
        recorded_by -> Id,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    accompaniment_pauses (accompaniment_id, position) {
        accompaniment_id -> Id,
        position -> Integer,
        from_on -> Date,
        until_on -> Date,
        reason -> Text,
        paused_by -> Id,
        paused_at -> Instant,
        resumed_on -> Nullable<Date>,
        planned_until -> Nullable<Date>,
        resumed_by -> Nullable<Id>,
        resumed_at -> Nullable<Instant>,
    }

    accompaniment_goals (accompaniment_id, number) {
        accompaniment_id -> Id,
        number -> Integer,
        title -> Text,
        measure -> Nullable<Text>,
        achievement -> Nullable<Text>,
        result_note -> Nullable<Text>,
        measured_by -> Nullable<Id>,
        measured_at -> Nullable<Instant>,
    }

    accompaniment_steps (accompaniment_id, position) {
        accompaniment_id -> Id,
        position -> Integer,
        code -> Text,
        awaited_on -> Nullable<Date>,
        baseline_on -> Nullable<Date>,
        planned_on -> Nullable<Date>,
        override_on -> Nullable<Date>,
        override_reason -> Nullable<Text>,
        override_by -> Nullable<Id>,
        override_at -> Nullable<Instant>,
        done_on -> Nullable<Date>,
        done_note -> Nullable<Text>,
        done_by -> Nullable<Id>,
        done_at -> Nullable<Instant>,
        waive_reason -> Nullable<Text>,
        waived_by -> Nullable<Id>,
        waived_at -> Nullable<Instant>,
    }

    recruitment_cases (id) {
        id -> Id,
        carrier_id -> Id,
        company_id -> Id,
        establishment_id -> Nullable<Id>,
        accompaniment_id -> Nullable<Id>,
        site_id -> Id,
        federal_state -> Text,
        template_id -> Id,
        vacancy -> Text,
        occupation_code -> Text,
        skill_level -> Nullable<Text>,
        candidate_reference -> Text,
        country -> Nullable<Text>,
        purpose -> Text,
        opened_on -> Date,
        target_on -> Nullable<Date>,
        lead_id -> Id,
        deputy_id -> Nullable<Id>,
        notes -> Nullable<Text>,
        closed_on -> Nullable<Date>,
        outcome -> Nullable<Text>,
        closing_note -> Nullable<Text>,
        closed_by -> Nullable<Id>,
        closed_at -> Nullable<Instant>,
        recorded_by -> Id,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    recruitment_case_steps (recruitment_case_id, position) {
        recruitment_case_id -> Id,
        position -> Integer,
        code -> Text,
        awaited_on -> Nullable<Date>,
        baseline_on -> Nullable<Date>,
        planned_on -> Nullable<Date>,
        override_on -> Nullable<Date>,
        override_reason -> Nullable<Text>,
        override_by -> Nullable<Id>,
        override_at -> Nullable<Instant>,
        done_on -> Nullable<Date>,
        done_note -> Nullable<Text>,
        done_by -> Nullable<Id>,
        done_at -> Nullable<Instant>,
        waive_reason -> Nullable<Text>,
        waived_by -> Nullable<Id>,
        waived_at -> Nullable<Instant>,
    }

    // A view.
    awaited_steps (record_id, position) {
        record_id -> Id,
        record_kind -> Text,
        position -> Integer,
        code -> Text,
        awaited_on -> Date,
        carrier_id -> Id,
        lead_id -> Id,
        deputy_id -> Nullable<Id>,
        template_id -> Id,
        candidate_reference -> Nullable<Text>,
        company_id -> Id,
        company_name -> Text,
    }

    jobs (id) {
        id -> Id,
        kind -> Text,
        status -> Text,
        carrier_id -> Id,
        requested_by -> Id,
        subject_id -> Id,
        done -> BigInt,
        total -> Nullable<BigInt>,
        cancel_requested -> Bool,
        attempts -> Integer,
        problem -> Nullable<Text>,
        lease -> Nullable<Id>,
        leased_until -> Nullable<Instant>,
        due_at -> Instant,
        started_at -> Nullable<Instant>,
        ended_at -> Nullable<Instant>,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    bulk_changes (id) {
        id -> Id,
        carrier_id -> Id,
        recorded_by -> Id,
        target -> Text,
        filter -> Nullable<Json>,
        change -> Json,
        status -> Text,
        job_id -> Nullable<Id>,
        selected -> BigInt,
        changed -> BigInt,
        unchanged -> BigInt,
        changed_since -> BigInt,
        refused -> BigInt,
        not_found -> BigInt,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    bulk_change_rows (bulk_change_id, number) {
        bulk_change_id -> Id,
        number -> BigInt,
        record_id -> Id,
        record_version -> Nullable<BigInt>,
        outcome -> Nullable<Text>,
        errors -> Json,
    }

    imports (id) {
        id -> Id,
        carrier_id -> Id,
        recorded_by -> Id,
        target -> Text,
        name -> Text,
        format -> Text,
        bytes -> BigInt,
        sha256 -> Binary,
        detected -> Json,
        settings -> Json,
        confirmed -> Bool,
        status -> Text,
        fingerprint -> Nullable<Binary>,
        run_job_id -> Nullable<Id>,
        undo_job_id -> Nullable<Id>,
        file_removed_at -> Nullable<Instant>,
        created -> BigInt,
        updated -> BigInt,
        unchanged -> BigInt,
        skipped -> BigInt,
        refused -> BigInt,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    import_profiles (id) {
        id -> Id,
        carrier_id -> Id,
        recorded_by -> Id,
        name -> Text,
        name_key -> Text,
        target -> Text,
        settings -> Json,
        archived_at -> Nullable<Instant>,
        archive_reason -> Nullable<Text>,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    import_chunks (import_id, number) {
        import_id -> Id,
        number -> BigInt,
        content -> Binary,
    }

    import_rows (import_id, number) {
        import_id -> Id,
        number -> BigInt,
        outcome -> Text,
        record_id -> Nullable<Id>,
        record_version -> Nullable<BigInt>,
        old -> Nullable<Json>,
        cells -> Nullable<Json>,
        errors -> Json,
        undone -> Nullable<Text>,
    }

    attachments (id) {
        id -> Id,
        consultation_id -> Nullable<Id>,
        event_id -> Nullable<Id>,
        accompaniment_id -> Nullable<Id>,
        carrier_id -> Id,
        name -> Text,
        media_type -> Text,
        bytes -> BigInt,
        sha256 -> Binary,
        recorded_by -> Id,
        voided_at -> Nullable<Instant>,
        voided_by -> Nullable<Id>,
        void_reason -> Nullable<Text>,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    event_series (id) {
        id -> Id,
        carrier_id -> Id,
        name -> Text,
        name_key -> Text,
        description -> Nullable<Text>,
        archived_at -> Nullable<Instant>,
        archive_reason -> Nullable<Text>,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    events (id) {
        id -> Id,
        carrier_id -> Id,
        funding_period_id -> Id,
        series_id -> Nullable<Id>,
        kind -> Text,
        title -> Text,
        search_text -> Text,
        starts_on -> Date,
        ends_on -> Date,
        starts_at -> Nullable<Time>,
        ends_at -> Nullable<Time>,
        place -> Nullable<Text>,
        is_online -> Bool,
        online_url -> Nullable<Text>,
        description -> Nullable<Text>,
        notes -> Nullable<Text>,
        status -> Text,
        voided_at -> Nullable<Instant>,
        voided_by -> Nullable<Id>,
        void_reason -> Nullable<Text>,
        recorded_by -> Id,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
        accompaniment_id -> Nullable<Id>,
    }

    event_sites (event_id, position) {
        event_id -> Id,
        position -> Integer,
        site_id -> Id,
    }

    event_staff (event_id, position) {
        event_id -> Id,
        position -> Integer,
        user_id -> Id,
    }

    event_topics (event_id, position) {
        event_id -> Id,
        position -> Integer,
        topic_id -> Id,
    }

    event_districts (event_id, position) {
        event_id -> Id,
        position -> Integer,
        district_id -> Id,
    }

    event_organisers (event_id, position) {
        event_id -> Id,
        position -> Integer,
        organisation_id -> Id,
    }

    event_speakers (event_id, position) {
        event_id -> Id,
        position -> Integer,
        organisation_id -> Nullable<Id>,
        name -> Nullable<Text>,
        role -> Nullable<Text>,
    }

    event_participations (id) {
        id -> Id,
        event_id -> Id,
        carrier_id -> Id,
        organisation_id -> Nullable<Id>,
        contact_id -> Nullable<Id>,
        headcount -> Integer,
        role -> Text,
        status -> Text,
        note -> Nullable<Text>,
        voided_at -> Nullable<Instant>,
        voided_by -> Nullable<Id>,
        void_reason -> Nullable<Text>,
        recorded_by -> Id,
        version -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }

    // A view.
    event_lists (event_id, list, position) {
        event_id -> Id,
        position -> Integer,
        list -> Text,
        entry_id -> Nullable<Id>,
        organisation_name -> Nullable<Text>,
        organisation_kind -> Nullable<Text>,
        name -> Nullable<Text>,
        role -> Nullable<Text>,
    }
}

diesel::joinable!(accompaniment_steps -> accompaniments (accompaniment_id));
diesel::joinable!(accompaniments -> organisations (company_id));
diesel::joinable!(sites -> carriers (carrier_id));
diesel::joinable!(district_coverages -> districts (district_id));
diesel::joinable!(district_coverages -> sites (site_id));
diesel::joinable!(user_assignments -> users (user_id));
diesel::joinable!(user_assignments -> carriers (carrier_id));
diesel::joinable!(user_assignments -> sites (site_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(refresh_tokens -> sessions (session_id));
diesel::joinable!(api_keys -> users (id));
diesel::joinable!(jobs -> users (requested_by));
diesel::joinable!(api_key_secrets -> api_keys (key_id));
diesel::joinable!(audit_log -> users (user_id));
diesel::joinable!(organisations -> districts (district_id));
diesel::joinable!(company_profiles -> organisations (organisation_id));
diesel::joinable!(duplicate_checks -> organisations (organisation_id));
diesel::joinable!(establishments -> organisations (company_id));
diesel::joinable!(establishments -> districts (district_id));
diesel::joinable!(contacts -> organisations (organisation_id));
diesel::joinable!(contacts -> carriers (carrier_id));
diesel::joinable!(consultation_advisers -> consultations (consultation_id));
diesel::joinable!(consultation_topics -> topics (topic_id));
diesel::joinable!(consultations -> organisations (organisation_id));
diesel::joinable!(corrections -> consultations (consultation_id));
diesel::joinable!(events -> event_series (series_id));
diesel::joinable!(event_topics -> topics (topic_id));
diesel::joinable!(event_participations -> events (event_id));
diesel::joinable!(event_participations -> organisations (organisation_id));
diesel::joinable!(event_participations -> contacts (contact_id));
diesel::joinable!(event_staff -> events (event_id));
diesel::joinable!(calendar_feeds -> users (user_id));
diesel::joinable!(organisation_tags -> tags (tag_id));
diesel::joinable!(consultation_tags -> tags (tag_id));

diesel::allow_tables_to_appear_in_same_query!(
    accompaniment_goals,
    accompaniment_pauses,
    accompaniment_steps,
    accompaniments,
    advised_organisations,
    api_key_secrets,
    api_keys,
    attachments,
    audit_log,
    calendar_feeds,
    carriers,
    company_profiles,
    consultation_advisers,
    consultation_contacts,
    consultation_countries,
    consultation_lists,
    consultation_occupations,
    consultation_rows,
    consultation_tags,
    consultation_topics,
    consultations,
    contacts,
    corrections,
    district_coverages,
    districts,
    duplicate_checks,
    duplicate_pair_rows,
    duplicate_pairs,
    duplicate_settings,
    establishments,
    event_districts,
    event_lists,
    event_organisers,
    event_participations,
    event_series,
    event_sites,
    event_speakers,
    event_staff,
    event_topics,
    events,
    funding_periods,
    import_chunks,
    import_profiles,
    import_rows,
    imports,
    installation,
    jobs,
    last_contacts,
    organisation_events,
    organisation_tags,
    organisation_tasks,
    organisations,
    organisations_with_open_tasks,
    programme_templates,
    recruitment_case_steps,
    recruitment_cases,
    reports,
    report_contents,
    report_facts,
    targets,
    indicators,
    referral_rows,
    referrals,
    refresh_tokens,
    saved_views,
    search_entries,
    sessions,
    sites,
    tags,
    task_rows,
    tasks,
    topics,
    user_assignments,
    users,
);
