//! Figures as sheets, in German or English: the rules and the scope first.

use super::{
    Condition, Dimension, Figure, FigureScope, FigureScopeKind, GroupValue, Rule, Statistics,
    Window,
};
use crate::code::Code;
use crate::entity::Reference;
use crate::sheet::{Cell, Language, Sheet};
use crate::target::{Outlook, Target};

impl FigureScope {
    /// Whose records were counted, in words.
    #[must_use]
    pub fn words(&self, language: Language) -> String {
        match (&self.kind, &self.carrier) {
            (FigureScopeKind::Carrier, Some(carrier)) => carrier.name.clone(),
            _ => language.of("Netzwerk, alle Träger", "Network, all carriers").to_owned(),
        }
    }
}

impl Window {
    #[must_use]
    pub fn words(self, language: Language) -> String {
        format!("{} – {}", language.day(self.from), language.day(self.to))
    }
}

/// What all figures say of themselves.
pub(crate) struct About<'a> {
    pub period: &'a Reference,
    pub window: Window,
    pub scope: &'a FigureScope,
    pub rules_version: &'a str,
    /// As the question named it.
    pub filter: String,
}

impl About<'_> {
    /// `more` is what only these figures have.
    pub fn sheet(&self, more: Vec<(&str, Cell)>, language: Language) -> Sheet {
        let mut entries: Vec<(&str, Cell)> = vec![
            (language.of("Förderzeitraum", "Funding period"), self.period.name.as_str().into()),
            (language.of("Zeitfenster", "Window"), self.window.words(language).into()),
            (language.of("Geltungsbereich", "Scope"), self.scope.words(language).into()),
            (language.of("Zählregeln", "Counting rules"), self.rules_version.into()),
            (language.of("Filter", "Filter"), self.filter.as_str().into()),
        ];
        entries.extend(more);
        Sheet::of_entries(language.of("Angaben", "About"), entries, language)
    }
}

/// A filter as the question named it.
pub(crate) fn filter_words<D: Code + PartialEq>(conditions: &[Condition<D>]) -> String {
    conditions.iter().map(Condition::words).collect::<Vec<_>>().join(",")
}

/// The rule of every figure in words, by the label of the figure.
pub(crate) fn rules_sheet(rules: Vec<(String, Rule)>, language: Language) -> Sheet {
    let row = |(label, rule): (String, Rule)| {
        vec![label.into(), language.of(&rule.text_de, &rule.text_en).into()]
    };
    Sheet {
        title: language.of("Regeln", "Rules").to_owned(),
        header: vec![
            language.of("Zahl", "Figure").to_owned(),
            language.of("Regel", "Rule").to_owned(),
        ],
        rows: rules.into_iter().map(row).collect(),
    }
}

/// A row of figures with the values that it is grouped by.
pub(crate) type Line<'a> = (Vec<Option<&'a GroupValue>>, Vec<Cell>);

/// The rows of groups, and the totals last, since they are no sum of what stands above them. Labels of the
/// groups are as in the answer.
pub(crate) fn groups_sheet(
    title: &str,
    dimensions: Vec<String>,
    columns: Vec<String>,
    groups: Vec<Line<'_>>,
    totals: Vec<Cell>,
    language: Language,
) -> Sheet {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for (values, figures) in groups {
        let label = |value: Option<&GroupValue>| {
            value.map_or(Cell::Empty, |value| value.label_in(language).into())
        };
        rows.push(values.into_iter().map(label).chain(figures).collect());
    }
    let mut last: Vec<Cell> = vec![language.of("gesamt", "in total").into()];
    last.resize(dimensions.len(), Cell::Empty);
    last.extend(totals);
    rows.push(last);
    let header = dimensions.into_iter().chain(columns).collect();
    Sheet { title: title.to_owned(), header, rows }
}

impl Statistics {
    #[must_use]
    pub fn sheets(&self, language: Language) -> Vec<Sheet> {
        let about = About {
            period: &self.period,
            window: self.window,
            scope: &self.scope,
            rules_version: &self.rules_version,
            filter: filter_words(&self.filter),
        };
        let mut sheets =
            vec![about.sheet(Vec::new(), language), rules(language), self.groups(language)];
        sheets.extend(self.targets.as_deref().map(|targets| targets_sheet(targets, language)));
        sheets
    }

    fn groups(&self, language: Language) -> Sheet {
        let dimensions = self.group_by.iter();
        let dimensions = dimensions.map(|it| language.label(Dimension::SET, it.code())).collect();
        let figures = Figure::all();
        let groups = self.groups.iter().map(|group| {
            let values = self.group_by.iter().map(|dimension| group.key.get(dimension)).collect();
            let cells = figures.iter().map(|figure| figure.of(&group.figures).into()).collect();
            (values, cells)
        });
        groups_sheet(
            language.of("Beratungen", "Consultations"),
            dimensions,
            figures.iter().map(|figure| language.label(Figure::SET, figure.code())).collect(),
            groups.collect(),
            figures.iter().map(|figure| figure.of(&self.totals).into()).collect(),
            language,
        )
    }
}

/// Targets with how far they are.
fn targets_sheet(targets: &[Target], language: Language) -> Sheet {
    let header = [
        ("Indikator", "Indicator"),
        ("Träger", "Carrier"),
        ("Standort", "Site"),
        ("von", "from"),
        ("bis", "to"),
        ("Soll", "Target"),
        ("Ist", "Actual"),
        ("Prozent", "Per cent"),
        ("Prognose", "Forecast"),
        ("Aussicht", "Outlook"),
    ];
    let rows = targets.iter().filter_map(|target| {
        let progress = target.progress.as_ref()?;
        let indicator = target.indicator.as_ref()?;
        let site = target.site.as_ref();
        Some(vec![
            language.of(&indicator.label_de, &indicator.label_en).into(),
            target.carrier.name.as_str().into(),
            site.map_or(Cell::Empty, |site| site.name.as_str().into()),
            language.day(progress.window.from).into(),
            language.day(progress.window.to).into(),
            target.value.into(),
            progress.actual.into(),
            Some(progress.percent).into(),
            progress.forecast.map_or(Cell::Empty, Cell::from),
            language.label(Outlook::SET, progress.outlook.code()).into(),
        ])
    });
    Sheet {
        title: language.of("Soll und Ist", "Targets").to_owned(),
        header: header.map(|(de, en)| language.of(de, en).to_owned()).to_vec(),
        rows: rows.collect(),
    }
}

/// The rules of consultations.
pub(crate) fn rules(language: Language) -> Sheet {
    let rule = |figure: Figure| (language.label(Figure::SET, figure.code()), figure.rule());
    rules_sheet(Figure::all().into_iter().map(rule).collect(), language)
}
