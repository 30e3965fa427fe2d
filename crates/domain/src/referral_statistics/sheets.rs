//! The figures of referrals as sheets, and their rules in words.

use super::{ReferralDimension, ReferralFigure, ReferralFigures, ReferralStatistics};
use crate::code::Code;
use crate::sheet::{Cell, Language, Sheet};
use crate::statistics::{About, Rule, filter_words, groups_sheet, rules_sheet};

impl ReferralStatistics {
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
        let rule = |it: ReferralFigure| (language.label(ReferralFigure::SET, it.code()), it.rule());
        vec![
            about.sheet(Vec::new(), language),
            rules_sheet(ReferralFigure::all().into_iter().map(rule).collect(), language),
            self.groups(language),
        ]
    }

    fn groups(&self, language: Language) -> Sheet {
        let cells = |figures: &ReferralFigures| -> Vec<Cell> {
            ReferralFigure::all().into_iter().map(|figure| figure.of(figures).into()).collect()
        };
        let groups = self.groups.iter().map(|group| {
            let values = self.group_by.iter().map(|dimension| group.key.get(dimension)).collect();
            (values, cells(&group.figures))
        });
        let label = |it: &ReferralDimension| language.label(ReferralDimension::SET, it.code());
        let column = |it: ReferralFigure| language.label(ReferralFigure::SET, it.code());
        groups_sheet(
            language.of("Verweisungen", "Referrals"),
            self.group_by.iter().map(label).collect(),
            ReferralFigure::all().into_iter().map(column).collect(),
            groups.collect(),
            cells(&self.totals),
            language,
        )
    }
}

impl ReferralFigure {
    /// The rule in words.
    #[must_use]
    pub fn rule(self) -> Rule {
        let (text_de, text_en) = match self {
            Self::Made => (
                "Verweisungen nach ihrem Datum, jede einmal, ohne zurückgezogene.",
                "Referrals by their date, each once, without withdrawn ones.",
            ),
            Self::Open => (
                "Davon solche, die auf die Antwort des Akteurs warten.",
                "Of these, those that wait for the actor's answer.",
            ),
            Self::Accepted => (
                "Davon vom Akteur angenommen, was immer daraus wurde.",
                "Of these, accepted by the actor, whatever came of it.",
            ),
            Self::Declined => ("Davon vom Akteur abgelehnt.", "Of these, declined by the actor."),
            Self::ClosedUnanswered => {
                ("Davon ohne Antwort abgeschlossen.", "Of these, closed without an answer.")
            }
            Self::Closed => (
                "Davon abgeschlossen: Was daraus wurde, ist festgehalten.",
                "Of these, closed: it is recorded what came of it.",
            ),
            Self::Organisations => (
                "Unternehmen und Akteure, die verwiesen wurden, jede Organisation einmal.",
                "Companies and actors that were referred, each organisation once.",
            ),
            Self::Companies => (
                "Unternehmen, die verwiesen wurden, jedes einmal.",
                "Companies that were referred, each once.",
            ),
            Self::Actors => (
                "Akteure, die verwiesen wurden, jeder einmal.",
                "Actors that were referred, each once.",
            ),
        };
        Rule::of_today(text_de, text_en)
    }
}
