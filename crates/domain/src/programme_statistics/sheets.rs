//! The figures of accompaniments and recruitment cases as sheets, and their rules in words.

use super::{Column, ProgrammeColumn, ProgrammeDimension, ProgrammeStatistics};
use crate::code::Code;
use crate::sheet::{Cell, Language, Sheet};
use crate::statistics::{About, Rule, filter_words, groups_sheet, rules_sheet};

impl ProgrammeStatistics {
    /// The rules and the scope first.
    #[must_use]
    pub fn sheets(&self, language: Language) -> Vec<Sheet> {
        let about = About {
            period: &self.period,
            window: self.window,
            scope: &self.scope,
            rules_version: &self.rules_version,
            filter: filter_words(&self.filter),
        };
        let day = (language.of("Stand", "As of"), language.day(self.on).into());
        let rule =
            |it: ProgrammeColumn| (language.label(ProgrammeColumn::SET, it.code()), it.rule());
        vec![
            about.sheet(vec![day], language),
            rules_sheet(ProgrammeColumn::all().into_iter().map(rule).collect(), language),
            self.groups(language),
        ]
    }

    fn groups(&self, language: Language) -> Sheet {
        let phases = &self.totals.phases;
        let totals = self.totals.columns(phases);
        let headers = totals.iter().map(|column| column.label(language).to_owned()).collect();
        let cells = |columns: Vec<Column>| -> Vec<Cell> {
            columns.into_iter().map(|column| column.value).collect()
        };
        let groups = self.groups.iter().map(|group| {
            let values = self.group_by.iter().map(|dimension| group.key.get(dimension)).collect();
            (values, cells(group.figures.columns(phases)))
        });
        let label = |it: &ProgrammeDimension| language.label(ProgrammeDimension::SET, it.code());
        groups_sheet(
            language.of("Begleitungen", "Accompaniments"),
            self.group_by.iter().map(label).collect(),
            headers,
            groups.collect(),
            cells(totals),
            language,
        )
    }
}

impl ProgrammeColumn {
    /// The rule in words.
    #[must_use]
    pub fn rule(self) -> Rule {
        let (text_de, text_en) = match self {
            Self::Started => (
                "Begleitungen, deren Auftakt im Zeitfenster liegt, jede einmal.",
                "Accompaniments whose kick-off lies in the window, each once.",
            ),
            Self::Active => (
                "Davon am Stichtag laufend: begonnen und nicht vorher beendet, auch in einer Pause.",
                "Of these, under way on the day asked for: begun and not over before it, paused or not.",
            ),
            Self::Completed => (
                "Von den begonnenen die abgeschlossenen, auch nach Ergebnis.",
                "Of those that started, the completed ones, also by outcome.",
            ),
            Self::CompletedOnTime => (
                "Davon bis zum geplanten Ende abgeschlossen: Tag 100, um die Pausentage verschoben.",
                "Of these, completed by the planned end: day 100, moved by the paused days.",
            ),
            Self::EndedEarly => (
                "Von den begonnenen die vorzeitig beendeten, auch nach Grund.",
                "Of those that started, the ones that ended before their time, also by reason.",
            ),
            Self::StepsDue => (
                "Pflichtschritte, deren Termin bis zum Stichtag gekommen ist; ohne entfallene, solche nach dem Ende und bloße Prognosen.",
                "Mandatory steps whose date has come by the day asked for; without waived ones, those after the end and mere forecasts.",
            ),
            Self::StepsOnTime => {
                ("Davon bis zu ihrem Termin erledigt.", "Of these steps, those done by their date.")
            }
            Self::OnTimePercent => (
                "Anteil der fristgerecht erledigten an den fälligen Schritten.",
                "Share of the steps that were done on time in those that were due.",
            ),
            Self::GoalsMeasured => (
                "Mit dem Unternehmen vereinbarte Ziele, deren Ergebnis festgehalten ist, auch nach Zielerreichung.",
                "Goals agreed with the company that have a result, also by how far they were achieved.",
            ),
            Self::Hires => (
                "Rekrutierungsfälle dieser Begleitungen, die mit einer Arbeitsaufnahme endeten, wann immer das war.",
                "Recruitment cases of these accompaniments that ended with work, whenever that was.",
            ),
            Self::Phases => (
                "Median der Tage, die die Phase dauerte, ohne Pausen, über die Begleitungen, die sie hinter sich haben.",
                "Median of the days that the phase took, without pauses, of the accompaniments that are through with it.",
            ),
            Self::CasesOpened => (
                "Im Zeitfenster eröffnete Rekrutierungsfälle, mit Begleitung oder ohne.",
                "Recruitment cases that were opened in the window, with an accompaniment or without.",
            ),
            Self::CasesClosed => (
                "Davon abgeschlossen, auch nach Ergebnis.",
                "Of these cases, the closed ones, also by outcome.",
            ),
        };
        Rule::of_today(text_de, text_en)
    }
}
