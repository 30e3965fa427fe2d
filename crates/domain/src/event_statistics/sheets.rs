//! The figures of events as sheets, and their rules in words.

use super::{EventDimension, EventFigures, EventStatistics};
use crate::code::Code;
use crate::indicator::EventFigure;
use crate::sheet::{Cell, Language, Sheet};
use crate::statistics::{About, Rule, filter_words, groups_sheet, rules_sheet};

impl EventStatistics {
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
        let rule = |it: EventFigure| (language.label(EventFigure::SET, it.code()), it.rule());
        vec![
            about.sheet(Vec::new(), language),
            rules_sheet(EventFigure::all().into_iter().map(rule).collect(), language),
            self.groups(language),
        ]
    }

    fn groups(&self, language: Language) -> Sheet {
        let cells = |figures: &EventFigures| -> Vec<Cell> {
            EventFigure::all().into_iter().map(|figure| figure.of(figures).into()).collect()
        };
        let groups = self.groups.iter().map(|group| {
            let values = self.group_by.iter().map(|dimension| group.key.get(dimension)).collect();
            (values, cells(&group.figures))
        });
        let label = |it: &EventDimension| language.label(EventDimension::SET, it.code());
        let column = |it: EventFigure| language.label(EventFigure::SET, it.code());
        groups_sheet(
            language.of("Veranstaltungen", "Events"),
            self.group_by.iter().map(label).collect(),
            EventFigure::all().into_iter().map(column).collect(),
            groups.collect(),
            cells(&self.totals),
            language,
        )
    }
}

impl EventFigure {
    /// The rule in words.
    #[must_use]
    pub fn rule(self) -> Rule {
        let (text_de, text_en) = match self {
            Self::Events => (
                "Durchgeführte Veranstaltungen, jede einmal, nach ihrem ersten Tag.",
                "Events that were held, each once, by their first day.",
            ),
            Self::Participations => (
                "Anwesende Teilnehmende durchgeführter Veranstaltungen nach Köpfen; ohne Referierende und eigenes Personal.",
                "Heads of participants that were there at events that were held; without speakers and staff.",
            ),
            Self::OfCompanies => {
                ("Davon aus Unternehmen.", "Of these participations, those of companies.")
            }
            Self::OfActors => ("Davon von Akteuren.", "Of these participations, those of actors."),
            Self::Unnamed => (
                "Davon ohne bekannte Organisation.",
                "Of these participations, those of no organisation that is known.",
            ),
            Self::Organisations => (
                "Unternehmen und Akteure, von denen jemand teilgenommen hat, jede Organisation einmal.",
                "Companies and actors of which a participant was there, each organisation once.",
            ),
            Self::Companies => (
                "Unternehmen, von denen jemand teilgenommen hat, jedes einmal.",
                "Companies of which a participant was there, each once.",
            ),
            Self::Actors => (
                "Akteure, von denen jemand teilgenommen hat, jeder einmal.",
                "Actors of which a participant was there, each once.",
            ),
        };
        Rule::of_today(text_de, text_en)
    }
}
