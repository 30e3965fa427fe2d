//! Where organisations are named in the database. A test compares this with the schema, so that a table that
//! is added is not forgotten here.

use lotse_domain::entity::EntityKind;
use lotse_domain::merge::MergeReference;

/// What a merge does with the rows of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// They name the survivor afterwards.
    Moves(MergeReference),
    /// A part of the organisation itself.
    OwnPart,
    /// Derived from other rows, and derived anew.
    Derived,
    /// Says what was, and goes on saying it.
    History,
}

/// A column that names an organisation.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub table: &'static str,
    pub column: &'static str,
    /// Whether the database checks it.
    pub foreign_key: bool,
    pub treatment: Treatment,
}

const fn place(table: &'static str, column: &'static str, treatment: Treatment) -> Place {
    Place { table, column, foreign_key: true, treatment }
}

const fn moves(table: &'static str, column: &'static str, reference: MergeReference) -> Place {
    place(table, column, Treatment::Moves(reference))
}

pub const PLACES: [Place; 20] = [
    moves("consultations", "organisation_id", MergeReference::Consultation),
    moves("contacts", "organisation_id", MergeReference::Contact),
    moves("establishments", "company_id", MergeReference::Establishment),
    moves("accompaniments", "company_id", MergeReference::Accompaniment),
    moves("recruitment_cases", "company_id", MergeReference::RecruitmentCase),
    moves("tasks", "organisation_id", MergeReference::Task),
    moves("referrals", "organisation_id", MergeReference::Referral),
    moves("referrals", "actor_id", MergeReference::ReferralTo),
    moves("event_participations", "organisation_id", MergeReference::Participation),
    moves("event_organisers", "organisation_id", MergeReference::Organiser),
    moves("event_speakers", "organisation_id", MergeReference::Speaker),
    moves("organisation_tags", "organisation_id", MergeReference::Tag),
    place("company_profiles", "organisation_id", Treatment::OwnPart),
    place("last_contacts", "organisation_id", Treatment::Derived),
    Place {
        table: "tasks",
        column: "about_organisation_id",
        foreign_key: false,
        treatment: Treatment::Derived,
    },
    place("organisation_merges", "survivor_id", Treatment::History),
    place("organisation_merges", "merged_id", Treatment::History),
    // What was said of two holds for them alone, also when the merge is undone.
    place("duplicate_pairs", "first_organisation_id", Treatment::History),
    place("duplicate_pairs", "second_organisation_id", Treatment::History),
    place("duplicate_checks", "organisation_id", Treatment::OwnPart),
];

/// Columns that hold JSON, each with what becomes of the ids of organisations in it. Those without a word
/// hold none.
pub const JSON_COLUMNS: [(&str, &str, &str); 32] = [
    ("api_keys", "scopes", ""),
    ("audit_log", "changes", "history"),
    ("bulk_change_rows", "errors", ""),
    // As it was asked for. What was merged since is refused.
    ("bulk_changes", "change", "history"),
    ("bulk_changes", "filter", "history"),
    ("consultations", "countries", ""),
    ("consultations", "note_warnings", ""),
    ("consultations", "occupations", ""),
    ("contacts", "purposes", ""),
    // As of the entry. Reading resolves what was merged since (`correction::resolved`).
    ("corrections", "corrected", "resolved when read"),
    ("corrections", "differences", "resolved when read"),
    ("duplicate_pairs", "dismissed_reasons", ""),
    ("duplicate_pairs", "reasons", ""),
    // The answer as it was given.
    ("idempotency_keys", "answer", "history"),
    ("import_profiles", "settings", ""),
    ("import_rows", "cells", ""),
    ("import_rows", "errors", ""),
    ("import_rows", "old", ""),
    ("imports", "detected", ""),
    ("imports", "settings", ""),
    ("indicators", "rule", ""),
    ("organisation_merge_rows", "kept", "history"),
    ("organisation_merge_rows", "new_value", "history"),
    ("organisation_merge_rows", "old_value", "history"),
    ("organisation_merges", "fields", "history"),
    ("organisation_merges", "moved", ""),
    ("organisation_merges", "remainders", ""),
    ("programme_templates", "phases", ""),
    ("programme_templates", "purposes", ""),
    // Frozen.
    ("report_contents", "basis", ""),
    ("report_facts", "facts", "history"),
    ("saved_views", "filter", "moves"),
];

/// A place whose rows are records with an id and a version of their own.
pub(super) struct Records {
    pub reference: MergeReference,
    pub table: &'static str,
    pub column: &'static str,
    pub kind: EntityKind,
    /// What the column is called where the record is shown.
    pub field: &'static str,
    /// Whether they belong to a carrier.
    pub of_carrier: bool,
    /// Which of the rows `t` stay with the merged one; `{survivor}` stands for the survivor.
    pub stays: Option<&'static str>,
    /// Which of them cannot stand beside one of the survivor.
    pub collapses: Option<&'static str>,
}

const fn records(
    reference: MergeReference,
    table: &'static str,
    column: &'static str,
    kind: EntityKind,
    field: &'static str,
) -> Records {
    Records {
        reference,
        table,
        column,
        kind,
        field,
        of_carrier: true,
        stays: None,
        collapses: None,
    }
}

pub(super) const RECORDS: [Records; 9] = [
    Records {
        of_carrier: false,
        ..records(
            MergeReference::Establishment,
            "establishments",
            "company_id",
            EntityKind::Establishment,
            "company",
        )
    },
    records(
        MergeReference::Contact,
        "contacts",
        "organisation_id",
        EntityKind::Contact,
        "organisation",
    ),
    records(
        MergeReference::Accompaniment,
        "accompaniments",
        "company_id",
        EntityKind::Accompaniment,
        "company",
    ),
    records(
        MergeReference::RecruitmentCase,
        "recruitment_cases",
        "company_id",
        EntityKind::RecruitmentCase,
        "company",
    ),
    records(
        MergeReference::Consultation,
        "consultations",
        "organisation_id",
        EntityKind::Consultation,
        "organisation",
    ),
    records(MergeReference::Task, "tasks", "organisation_id", EntityKind::Task, "organisation"),
    // Nobody is referred to itself (`referrals_to_another`).
    Records {
        stays: Some("t.actor_id = {survivor}"),
        ..records(
            MergeReference::Referral,
            "referrals",
            "organisation_id",
            EntityKind::Referral,
            "organisation",
        )
    },
    Records {
        stays: Some("t.organisation_id = {survivor}"),
        ..records(
            MergeReference::ReferralTo,
            "referrals",
            "actor_id",
            EntityKind::Referral,
            "actor",
        )
    },
    // One headcount of an organisation in a role (`event_participations_headcount_once`).
    Records {
        collapses: Some(
            "t.contact_id IS NULL AND t.status <> 'voided' AND EXISTS ( \
                SELECT 1 FROM event_participations x \
                WHERE x.event_id = t.event_id AND x.organisation_id = {survivor} \
                    AND x.\"role\" = t.\"role\" AND x.contact_id IS NULL AND x.status <> 'voided')",
        ),
        ..records(
            MergeReference::Participation,
            "event_participations",
            "organisation_id",
            EntityKind::Participation,
            "organisation",
        )
    },
];
