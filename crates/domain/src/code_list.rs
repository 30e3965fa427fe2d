//! The closed sets of codes with their German and English labels, for forms and reports.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::code::Code;

/// One code of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CodeLabel {
    #[schema(example = "on_site")]
    pub code: String,
    #[schema(example = "Vor Ort im Betrieb")]
    pub label_de: String,
    #[schema(example = "At the company")]
    pub label_en: String,
}

/// One set of codes, in the order of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CodeList {
    #[schema(example = "channel")]
    pub set: String,
    pub codes: Vec<CodeLabel>,
}

#[derive(Deserialize)]
struct Row {
    set: String,
    code: String,
    label_de: String,
    label_en: String,
}

static LABELS: LazyLock<HashMap<(String, String), CodeLabel>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../data/labels.csv").as_bytes())
        .into_deserialize()
        .map(|row| {
            let row: Row = row
                .expect("the labels shipped with the program are well-formed; a test reads them");
            let label = CodeLabel {
                code: row.code.clone(),
                label_de: row.label_de,
                label_en: row.label_en,
            };
            ((row.set, row.code), label)
        })
        .collect()
});

/// The English label of a code, or the code itself where there is none.
#[must_use]
pub fn label_en<'a>(set: &str, code: &'a str) -> &'a str {
    LABELS.get(&(set.to_owned(), code.to_owned())).map_or(code, |label| label.label_en.as_str())
}

/// The German label of a code, or the code itself where there is none.
#[must_use]
pub fn label_de<'a>(set: &str, code: &'a str) -> &'a str {
    LABELS.get(&(set.to_owned(), code.to_owned())).map_or(code, |label| label.label_de.as_str())
}

fn list<C: Code>() -> CodeList {
    let codes = C::all()
        .into_iter()
        .map(|member| {
            let key = (C::SET.to_owned(), member.code().to_owned());
            LABELS.get(&key).cloned().unwrap_or_else(|| CodeLabel {
                code: member.code().to_owned(),
                label_de: member.code().to_owned(),
                label_en: member.code().to_owned(),
            })
        })
        .collect();
    CodeList { set: C::SET.to_owned(), codes }
}

/// The codes of one set; none when there is no such set.
#[must_use]
pub fn codes_of(set: &str) -> &'static [CodeLabel] {
    static ALL: LazyLock<HashMap<String, Vec<CodeLabel>>> =
        LazyLock::new(|| all().into_iter().map(|list| (list.set, list.codes)).collect());
    ALL.get(set).map_or(&[], Vec::as_slice)
}

/// Every set that a form or a report shows.
#[must_use]
pub fn all() -> Vec<CodeList> {
    vec![
        list::<crate::accompaniment::AccompanimentOperation>(),
        list::<crate::accompaniment::AccompanimentOutcome>(),
        list::<crate::accompaniment::AccompanimentStatus>(),
        list::<crate::accompaniment::EarlyEnd>(),
        list::<crate::accompaniment::GoalAchievement>(),
        list::<crate::actor::ActorType>(),
        list::<crate::api_key::ApiKeyStatus>(),
        list::<crate::attachment::AttachedKind>(),
        list::<crate::audit::AuditAction>(),
        list::<crate::bulk_change::BulkChangeStatus>(),
        list::<crate::bulk_change::BulkKind>(),
        list::<crate::bulk_change::BulkOutcome>(),
        list::<crate::bulk_change::BulkTarget>(),
        list::<crate::calendar::FederalState>(),
        list::<crate::industry::Classification>(),
        list::<crate::company::CompanyStatus>(),
        list::<crate::company::HeardOfUs>(),
        list::<crate::company::LegalForm>(),
        list::<crate::consultation::Channel>(),
        list::<crate::consultation::ConsultationKind>(),
        list::<crate::consultation::ConsultationStatus>(),
        list::<crate::consultation::NoteWarning>(),
        list::<crate::consultation::Outcome>(),
        list::<crate::contact::LegalBasis>(),
        list::<crate::contact::Purpose>(),
        list::<crate::correction::CorrectionKind>(),
        list::<crate::district::DistrictKind>(),
        list::<crate::due_rule::DueAnchor>(),
        list::<crate::due_rule::DueUnit>(),
        list::<crate::duplicate::DuplicateReason>(),
        list::<crate::duplicate_pair::DuplicateState>(),
        list::<crate::entity::EntityKind>(),
        list::<crate::event::EventKind>(),
        list::<crate::event::EventStatus>(),
        list::<crate::event_statistics::EventDimension>(),
        list::<crate::funding_period::FundingPeriodStatus>(),
        list::<crate::merge::MergeField>(),
        list::<crate::merge::MergeObstacleCode>(),
        list::<crate::merge::MergeReference>(),
        list::<crate::merge::MergeRemainderReason>(),
        list::<crate::merge::MergeSide>(),
        list::<crate::occupation::SkillLevel>(),
        list::<crate::organisation::OrganisationKind>(),
        list::<crate::participation::ParticipationRole>(),
        list::<crate::participation::ParticipationStatus>(),
        list::<crate::plan::Lateness>(),
        list::<crate::plan::ReplanCause>(),
        list::<crate::plan::StepStatus>(),
        list::<crate::plan::Track>(),
        list::<crate::plan::TrackReasonCode>(),
        list::<crate::policy::Action>(),
        list::<crate::policy::Role>(),
        list::<crate::import::DateForm>(),
        list::<crate::import::Delimiter>(),
        list::<crate::import::ImportFormat>(),
        list::<crate::import::ImportOutcome>(),
        list::<crate::import::ImportStatus>(),
        list::<crate::import::ImportTarget>(),
        list::<crate::import::ImportUndoOutcome>(),
        list::<crate::import::MatchRule>(),
        list::<crate::import::NumberForm>(),
        list::<crate::import::OnMatch>(),
        list::<crate::import::OnNew>(),
        list::<crate::import::TextEncoding>(),
        list::<crate::job::JobKind>(),
        list::<crate::job::JobStatus>(),
        list::<crate::indicator::CarrierSetting>(),
        list::<crate::indicator::EventFigure>(),
        list::<crate::indicator::IndicatorStatus>(),
        list::<crate::indicator::IndicatorUnit>(),
        list::<crate::indicator::ProgrammeFigure>(),
        list::<crate::readiness::ReadinessGap>(),
        list::<crate::report::DifferenceKind>(),
        list::<crate::report::ReportRecord>(),
        list::<crate::report::ReportStatus>(),
        list::<crate::target::Outlook>(),
        list::<crate::programme_statistics::ProgrammeColumn>(),
        list::<crate::programme_statistics::ProgrammeDimension>(),
        list::<crate::programme_template::LimitKind>(),
        list::<crate::programme_template::RecruitmentProcedure>(),
        list::<crate::programme_template::StepOwner>(),
        list::<crate::programme_template::TemplateStatus>(),
        list::<crate::programme_template::TemplateUse>(),
        list::<crate::recruitment_case::RecruitmentCaseOperation>(),
        list::<crate::recruitment_case::RecruitmentCaseStatus>(),
        list::<crate::recruitment_case::RecruitmentOutcome>(),
        list::<crate::referral_statistics::ReferralAnswered>(),
        list::<crate::referral_statistics::ReferralDimension>(),
        list::<crate::referral_statistics::ReferralFigure>(),
        list::<crate::referral::ReferralAnswer>(),
        list::<crate::referral::ReferralStatus>(),
        list::<crate::saved_view::SavedViewList>(),
        list::<crate::search::SearchKind>(),
        list::<crate::search::SearchMatch>(),
        list::<crate::size_class::SizeBasis>(),
        list::<crate::size_class::SizeClass>(),
        list::<crate::sheet::Language>(),
        list::<crate::statistics::Dimension>(),
        list::<crate::statistics::Figure>(),
        list::<crate::statistics::LeftOut>(),
        list::<crate::statistics::Unit>(),
        list::<crate::statistics::TopicsAs>(),
        list::<crate::task::TaskPriority>(),
        list::<crate::task::TaskStatus>(),
        list::<crate::timeline::TimelineKind>(),
        list::<crate::topic::TopicGroup>(),
        list::<crate::user::UserStatus>(),
        list::<crate::worklist::Gap>(),
        list::<crate::worklist::MilestoneOf>(),
        list::<crate::worklist::WorklistKind>(),
        sections(crate::industry::Classification::Wz2008),
        sections(crate::industry::Classification::Wz2025),
        countries(),
        occupation_groups(),
        residence_purposes(),
    ]
}

fn countries() -> CodeList {
    let codes = crate::country::all()
        .iter()
        .map(|country| CodeLabel {
            code: country.code.clone(),
            label_de: country.label_de.clone(),
            label_en: country.label_en.clone(),
        })
        .collect();
    CodeList { set: "country".to_owned(), codes }
}

/// The main groups of the `KldB` 2010.
fn occupation_groups() -> CodeList {
    let codes = crate::occupation::groups()
        .iter()
        .map(|group| CodeLabel {
            code: group.group.clone(),
            label_de: group.title_de.clone(),
            label_en: group.title_en.clone(),
        })
        .collect();
    CodeList { set: "occupation_group".to_owned(), codes }
}

fn residence_purposes() -> CodeList {
    let codes = crate::programme_template::purposes()
        .iter()
        .map(|purpose| CodeLabel {
            code: purpose.code.clone(),
            label_de: format!("{} ({})", purpose.label_de, purpose.legal_basis),
            label_en: format!("{} ({})", purpose.label_en, purpose.legal_basis),
        })
        .collect();
    CodeList { set: "residence_purpose".to_owned(), codes }
}

fn sections(classification: crate::industry::Classification) -> CodeList {
    let codes = crate::industry::sections(classification)
        .iter()
        .map(|section| CodeLabel {
            code: section.section.clone(),
            label_de: section.title_de.clone(),
            label_en: section.title_en.clone(),
        })
        .collect();
    CodeList { set: format!("{}_section", classification.code()), codes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_labels_and_every_label_its_code() {
        let mut used = 0;
        for list in all() {
            for label in list.codes {
                let key = (list.set.clone(), label.code.clone());
                // These come from files of their own.
                if list.set.ends_with("_section")
                    || matches!(
                        list.set.as_str(),
                        "country" | "occupation_group" | "residence_purpose"
                    )
                {
                    continue;
                }
                assert!(LABELS.contains_key(&key), "no labels for {key:?}");
                used += 1;
            }
        }
        assert_eq!(used, LABELS.len(), "labels without a code");
    }
}
