//! The columns of a table of accompaniments and recruitment cases, with their labels.

use super::{PhaseFigures, ProgrammeFigures};
use crate::accompaniment::{AccompanimentOutcome, EarlyEnd, GoalAchievement};
use crate::code::{Code, codes};
use crate::programme_template::RecruitmentProcedure;
use crate::recruitment_case::RecruitmentOutcome;
use crate::sheet::{Cell, Language};

codes! {
    /// What is told of accompaniments and recruitment cases.
    "programme_column" ProgrammeColumn {
        Started, Active,
        /// In all, and by outcome.
        Completed,
        CompletedOnTime,
        /// In all, and by reason.
        EndedEarly,
        StepsDue, StepsOnTime, OnTimePercent,
        /// In all, and by how far the goal was achieved.
        GoalsMeasured,
        Hires,
        /// Of each phase.
        Phases,
        /// By procedure.
        CasesOpened,
        /// By procedure, in all and by outcome.
        CasesClosed,
    }
}

/// A column of a table with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    pub label_de: String,
    pub label_en: String,
    pub value: Cell,
}

impl Column {
    #[must_use]
    pub fn label(&self, language: Language) -> &str {
        language.of(&self.label_de, &self.label_en)
    }

    /// One that is told by something else, such as outcomes.
    fn part(self, set: &str, code: &str, name: String) -> Self {
        let label = |of: &str, language: Language| format!("{of}: {}", language.label(set, code));
        Self {
            name,
            label_de: label(&self.label_de, Language::De),
            label_en: label(&self.label_en, Language::En),
            value: self.value,
        }
    }
}

impl ProgrammeColumn {
    fn with(self, value: impl Into<Cell>) -> Column {
        Column {
            name: self.code().to_owned(),
            label_de: Language::De.label(Self::SET, self.code()),
            label_en: Language::En.label(Self::SET, self.code()),
            value: value.into(),
        }
    }

    fn of_procedure(self, procedure: RecruitmentProcedure, what: &str, value: i64) -> Column {
        let name = format!("cases_{}_{what}", procedure.code());
        self.with(value).part(RecruitmentProcedure::SET, procedure.code(), name)
    }
}

impl PhaseFigures {
    /// Phases of two templates, or of two versions of one, are two, also under the same code.
    fn key(&self) -> (Option<uuid::Uuid>, &str) {
        (self.template.as_ref().map(|template| template.id.0), &self.code)
    }

    /// The median of this phase in a row of the table.
    fn column(&self, row: &ProgrammeFigures) -> Column {
        let found = row.phases.iter().find(|phase| phase.key() == self.key());
        let column = ProgrammeColumn::Phases.with(found.map(|phase| phase.median_days));
        let (name, of_de, of_en) = match &self.template {
            Some(it) => (
                format!("median_days_{}_{}_{}", it.code, it.version_number, self.code),
                format!("{}, Version {}, ", it.label_de, it.version_number),
                format!("{}, version {}, ", it.label_en, it.version_number),
            ),
            None => (format!("median_days_{}", self.code), String::new(), String::new()),
        };
        Column {
            name,
            label_de: format!("{}: {of_de}{}", column.label_de, self.label_de),
            label_en: format!("{}: {of_en}{}", column.label_en, self.label_en),
            value: column.value,
        }
    }
}

impl ProgrammeFigures {
    /// In the order of the documentation. Maps are spread out, and `phases` are those that a table has columns
    /// for; what there is no value of is empty.
    #[must_use]
    pub fn columns(&self, phases: &[PhaseFigures]) -> Vec<Column> {
        use ProgrammeColumn as Of;
        let mut columns = vec![
            Of::Started.with(self.started),
            Of::Active.with(self.active),
            Of::Completed.with(self.completed),
        ];
        for (outcome, count) in &self.completed_by_outcome {
            let name = format!("completed_{}", outcome.code());
            let column = Of::Completed.with(*count);
            columns.push(column.part(AccompanimentOutcome::SET, outcome.code(), name));
        }
        columns.push(Of::CompletedOnTime.with(self.completed_on_time));
        columns.push(Of::EndedEarly.with(self.ended_early));
        for (reason, count) in &self.ended_by_reason {
            let name = format!("ended_{}", reason.code());
            columns.push(Of::EndedEarly.with(*count).part(EarlyEnd::SET, reason.code(), name));
        }
        columns.push(Of::StepsDue.with(self.steps_due));
        columns.push(Of::StepsOnTime.with(self.steps_on_time));
        columns.push(Of::OnTimePercent.with(self.on_time_percent));
        columns.push(Of::GoalsMeasured.with(self.goals_measured));
        for (achievement, count) in &self.goals_by_achievement {
            let name = format!("goals_{}", achievement.code());
            let column = Of::GoalsMeasured.with(*count);
            columns.push(column.part(GoalAchievement::SET, achievement.code(), name));
        }
        columns.push(Of::Hires.with(self.hires));
        columns.extend(phases.iter().map(|phase| phase.column(self)));
        for (procedure, cases) in &self.cases {
            columns.push(Of::CasesOpened.of_procedure(*procedure, "opened", cases.opened));
            columns.push(Of::CasesClosed.of_procedure(*procedure, "closed", cases.closed));
            for (outcome, count) in &cases.closed_by_outcome {
                let column = Of::CasesClosed.of_procedure(*procedure, outcome.code(), *count);
                let name = column.name.clone();
                columns.push(column.part(RecruitmentOutcome::SET, outcome.code(), name));
            }
        }
        columns
    }
}
