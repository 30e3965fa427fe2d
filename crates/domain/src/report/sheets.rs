//! A report as sheets, in German or English: the rules and the scope first.

use super::content::{ReportContent, ReportEventTable, ReportIndicator, ReportTable};
use super::{Report, ReportFigures};
use crate::code::Code;
use crate::event_statistics::{EventDimension, EventFigures};
use crate::indicator::{EventFigure, IndicatorUnit};
use crate::sheet::{Cell, Language, Sheet};
use crate::statistics::{Dimension, Figure, Figures, rules};
use crate::{country, industry, occupation};

impl ReportFigures {
    #[must_use]
    pub fn sheets(&self, language: Language) -> Vec<Sheet> {
        let mut sheets = vec![self.cover(language), indicators(&self.content, language)];
        sheets.push(rules(language));
        for table in &self.content.consultations {
            sheets.push(consultations(&self.content, table, language));
        }
        for table in &self.content.events {
            sheets.push(events(&self.content, table, language));
        }
        sheets.push(programmes(&self.content, language));
        sheets
    }

    fn cover(&self, language: Language) -> Sheet {
        let Self { report, sha256, content } = self;
        let mut rows: Vec<(&str, Cell)> = vec![
            (language.of("Titel", "Title"), report.title.as_str().into()),
            (language.of("Angebot", "Service"), content.period.service_name.as_str().into()),
            (language.of("Förderzeitraum", "Funding period"), content.period.name.as_str().into()),
            (language.of("Zeitraum des Berichts", "Window"), content.window.words(language).into()),
            (language.of("Geltungsbereich", "Scope"), content.scope.words(language).into()),
            (
                language.of("Mindestdauer in Minuten", "Minimum minutes"),
                i64::from(content.period.minimum_minutes).into(),
            ),
            (language.of("Zählregeln", "Counting rules"), content.rules_version.as_str().into()),
            (language.of("Stand", "Status"), status(report, language).into()),
        ];
        for (label, event) in [
            (language.of("Eingereicht", "Submitted"), &report.submitted),
            (language.of("Angenommen", "Accepted"), &report.accepted),
        ] {
            if let Some(event) = event {
                let day = language.day(crate::time::local_date(event.at));
                rows.push((label, format!("{day}, {}", event.by.name).into()));
            }
        }
        if let Some(before) = &report.predecessor {
            rows.push((language.of("Korrigiert", "Corrects"), before.name.as_str().into()));
        }
        rows.push((
            language.of("SHA-256 des Inhalts", "SHA-256 of the content"),
            sha256.as_str().into(),
        ));
        Sheet::of_entries(language.of("Bericht", "Report"), rows, language)
    }
}

fn status(report: &Report, language: Language) -> String {
    language.label(super::ReportStatus::SET, report.status.code())
}

fn indicators(content: &ReportContent, language: Language) -> Sheet {
    let mut rows = Vec::new();
    for indicator in &content.indicators {
        rows.push(indicator_row(indicator, language));
        for target in &indicator.targets {
            let site =
                target.site.map(|id| label(content, "site", Some(&id.to_string()), language));
            let time = match (target.year, target.quarter) {
                (Some(year), Some(quarter)) => format!("{year}-Q{quarter}"),
                (Some(year), None) => year.to_string(),
                _ => content.period.name.clone(),
            };
            let place = site.map(|site| format!(", {site}")).unwrap_or_default();
            let name = language.of(&indicator.indicator.label_de, &indicator.indicator.label_en);
            #[expect(clippy::cast_precision_loss, reason = "a share, far below 2^52")]
            let percent = target.per_mille as f64 / 10.0;
            rows.push(vec![
                format!("{name}: {} {time}{place}", language.of("Soll", "target")).into(),
                Cell::Empty,
                Cell::Empty,
                target.actual.into(),
                target.target.into(),
                Cell::Decimal(percent),
                Cell::Empty,
            ]);
        }
    }
    let header = [
        ("Indikator", "Indicator"),
        ("Version", "Version"),
        ("Einheit", "Unit"),
        ("Ist", "Actual"),
        ("Soll", "Target"),
        ("Prozent", "Per cent"),
        ("Regel", "Rule"),
    ];
    Sheet {
        title: language.of("Indikatoren", "Indicators").to_owned(),
        header: header.into_iter().map(|(de, en)| language.of(de, en).to_owned()).collect(),
        rows,
    }
}

fn indicator_row(indicator: &ReportIndicator, language: Language) -> Vec<Cell> {
    vec![
        language.of(&indicator.indicator.label_de, &indicator.indicator.label_en).into(),
        i64::from(indicator.indicator.version_number).into(),
        language.label(IndicatorUnit::SET, indicator.unit.code()).into(),
        indicator.value.into(),
        Cell::Empty,
        Cell::Empty,
        language.of(&indicator.text_de, &indicator.text_en).into(),
    ]
}

fn consultations(content: &ReportContent, table: &ReportTable, language: Language) -> Sheet {
    let names: Vec<String> = table
        .group_by
        .iter()
        .map(|dimension| language.label(Dimension::SET, dimension.code()))
        .collect();
    let figures = |figures: &Figures| -> Vec<Cell> {
        figures.columns().into_iter().map(|(_, value)| value.into()).collect()
    };
    let rows = table
        .rows
        .iter()
        .map(|row| {
            let values = table.group_by.iter().zip(&row.codes).map(|(dimension, code)| {
                label(content, dimension.code(), code.as_deref(), language).into()
            });
            values.chain(figures(&row.figures)).collect()
        })
        .collect();
    let columns = Figure::all();
    let columns = columns.into_iter().map(|figure| language.label(Figure::SET, figure.code()));
    Sheet {
        title: title(language.of("Beratungen", "Consultations"), &names, language),
        header: names.iter().cloned().chain(columns).collect(),
        rows,
    }
}

fn events(content: &ReportContent, table: &ReportEventTable, language: Language) -> Sheet {
    let names: Vec<String> = table
        .group_by
        .iter()
        .map(|dimension| language.label(EventDimension::SET, dimension.code()))
        .collect();
    let figures = |figures: &EventFigures| -> Vec<Cell> {
        figures.columns().into_iter().map(|(_, value)| value.into()).collect()
    };
    let rows = table
        .rows
        .iter()
        .map(|row| {
            let values = table.group_by.iter().zip(&row.codes).map(|(dimension, code)| {
                let of = match dimension {
                    EventDimension::Kind => "event_kind",
                    other => other.code(),
                };
                label(content, of, code.as_deref(), language).into()
            });
            values.chain(figures(&row.figures)).collect()
        })
        .collect();
    let columns = EventFigure::all();
    let columns = columns.into_iter().map(|figure| language.label(EventFigure::SET, figure.code()));
    Sheet {
        title: title(language.of("Veranstaltungen", "Events"), &names, language),
        header: names.iter().cloned().chain(columns).collect(),
        rows,
    }
}

fn programmes(content: &ReportContent, language: Language) -> Sheet {
    let columns = content.programmes.columns(&content.programmes.phases);
    let rows = columns.into_iter().map(|column| vec![column.name.into(), column.value]);
    Sheet {
        title: language.of("Begleitungen", "Accompaniments").to_owned(),
        header: vec![
            language.of("Zahl", "Figure").to_owned(),
            language.of("Wert", "Value").to_owned(),
        ],
        rows: rows.collect(),
    }
}

fn title(of: &str, names: &[String], language: Language) -> String {
    if names.is_empty() {
        format!("{of} {}", language.of("gesamt", "in total"))
    } else {
        format!("{of} {} {}", language.of("nach", "by"), names.join(", "))
    }
}

/// As frozen with the report; of laws and classifications as the program has it.
fn label(
    content: &ReportContent,
    dimension: &str,
    code: Option<&str>,
    language: Language,
) -> String {
    let Some(code) = code else {
        return language.of("ohne Angabe", "not given").to_owned();
    };
    if let Some(label) = content.labels.get(dimension).and_then(|labels| labels.get(code)) {
        return language.of(&label.de, &label.en).to_owned();
    }
    let found = match Dimension::from_code(dimension) {
        Some(Dimension::Country) => country::find(code)
            .map(|country| language.of(&country.label_de, &country.label_en).to_owned()),
        Some(Dimension::Occupation) => occupation::group(code)
            .map(|group| language.of(&group.title_de, &group.title_en).to_owned()),
        Some(Dimension::Section) => industry::section_of(code)
            .map(|section| language.of(&section.title_de, &section.title_en).to_owned()),
        _ => None,
    };
    found.map_or_else(|| code.to_owned(), |label| format!("{code} {label}"))
}
