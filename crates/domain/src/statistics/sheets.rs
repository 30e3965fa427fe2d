//! Figures as sheets, in German or English: the rules and the scope first.

use super::{Dimension, Figure, FigureScopeKind, Statistics};
use crate::code::Code;
use crate::sheet::{Cell, Language, Sheet};

impl Statistics {
    /// Labels of the groups are as in the answer; headers are of the language.
    #[must_use]
    pub fn sheets(&self, language: Language) -> Vec<Sheet> {
        vec![self.cover(language), rules(language), self.groups(language)]
    }

    fn cover(&self, language: Language) -> Sheet {
        let scope = match (&self.scope.kind, &self.scope.carrier) {
            (FigureScopeKind::Carrier, Some(carrier)) => carrier.name.clone(),
            _ => language.of("Netzwerk, alle Träger", "Network, all carriers").to_owned(),
        };
        let window =
            format!("{} – {}", language.day(self.window.from), language.day(self.window.to));
        let filter: Vec<String> = self.filter.iter().map(super::Condition::words).collect();
        let rows = [
            (language.of("Förderzeitraum", "Funding period"), self.period.name.clone()),
            (language.of("Zeitfenster", "Window"), window),
            (language.of("Geltungsbereich", "Scope"), scope),
            (language.of("Zählregeln", "Counting rules"), self.rules_version.clone()),
            (language.of("Filter", "Filter"), filter.join(", ")),
        ];
        Sheet {
            title: language.of("Angaben", "About").to_owned(),
            header: vec![
                language.of("Angabe", "Entry").to_owned(),
                language.of("Wert", "Value").to_owned(),
            ],
            rows: rows.into_iter().map(|(label, value)| vec![label.into(), value.into()]).collect(),
        }
    }

    /// The totals last, since they are no sum of what stands above them.
    fn groups(&self, language: Language) -> Sheet {
        let dimensions =
            self.group_by.iter().map(|dimension| language.label(Dimension::SET, dimension.code()));
        let figures =
            Figure::all().into_iter().map(|figure| language.label(Figure::SET, figure.code()));
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        for group in &self.groups {
            let mut row: Vec<Cell> = self
                .group_by
                .iter()
                .map(|dimension| {
                    group.key.get(dimension).map_or(Cell::Empty, |value| value.label.clone().into())
                })
                .collect();
            row.extend(Figure::all().into_iter().map(|figure| figure.of(&group.figures).into()));
            rows.push(row);
        }
        let mut totals: Vec<Cell> = vec![language.of("gesamt", "in total").into()];
        totals.resize(self.group_by.len(), Cell::Empty);
        totals.extend(Figure::all().into_iter().map(|figure| figure.of(&self.totals).into()));
        rows.push(totals);
        Sheet {
            title: language.of("Beratungen", "Consultations").to_owned(),
            header: dimensions.chain(figures).collect(),
            rows,
        }
    }
}

/// The rule of every figure in words.
pub(crate) fn rules(language: Language) -> Sheet {
    let row = |figure: Figure| {
        let rule = figure.rule();
        vec![
            language.label(Figure::SET, figure.code()).into(),
            language.of(&rule.text_de, &rule.text_en).into(),
        ]
    };
    Sheet {
        title: language.of("Regeln", "Rules").to_owned(),
        header: vec![
            language.of("Zahl", "Figure").to_owned(),
            language.of("Regel", "Rule").to_owned(),
        ],
        rows: Figure::all().into_iter().map(row).collect(),
    }
}
