//! What a report says, and how it is made from its basis and its facts. The same basis and facts give the same
//! bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::count::{Counter, Groups, Question, count_events};
use super::fact::{EventFact, Fact};
use crate::error::{Error, Result};
use crate::event_statistics::{EventDimension, EventFigures};
use crate::id::TargetId;
use crate::indicator::{IndicatorReference, IndicatorRule, IndicatorUnit};
use crate::programme_statistics::ProgrammeFigures;
use crate::statistics::{AlsoAt, Condition, Dimension, FigureScope, Figures, Window};

/// What consultations are grouped by, one table each; none is the totals.
pub const TABLES: [&[Dimension]; 16] = [
    &[],
    &[Dimension::Site],
    &[Dimension::Year],
    &[Dimension::Quarter],
    &[Dimension::Site, Dimension::Year],
    &[Dimension::District],
    &[Dimension::OrganisationKind],
    &[Dimension::ActorType],
    &[Dimension::FirstSizeClass],
    &[Dimension::SizeClass],
    &[Dimension::Section],
    &[Dimension::Channel],
    &[Dimension::Kind],
    &[Dimension::Topic],
    &[Dimension::Country],
    &[Dimension::Occupation],
];

/// What events are grouped by.
pub const EVENT_TABLES: [&[EventDimension]; 5] = [
    &[],
    &[EventDimension::Kind],
    &[EventDimension::Kind, EventDimension::Year],
    &[EventDimension::Site],
    &[EventDimension::District],
];

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportLabel {
    pub de: String,
    pub en: String,
}

/// Labels of the values of dimensions, by dimension and code.
pub type Labels = BTreeMap<String, BTreeMap<String, ReportLabel>>;

/// The period as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportPeriod {
    pub id: uuid::Uuid,
    pub name: String,
    pub service_name: String,
    pub minimum_minutes: i32,
}

/// A target as it was, with its window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasisTarget {
    pub id: TargetId,
    pub site: Option<uuid::Uuid>,
    pub year: Option<i32>,
    pub quarter: Option<i32>,
    pub window: Window,
    pub value: i64,
    /// For what is not counted from facts.
    pub actual: Option<i64>,
}

/// An indicator as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BasisIndicator {
    pub indicator: IndicatorReference,
    pub unit: IndicatorUnit,
    pub text_de: String,
    pub text_en: String,
    pub source: Option<String>,
    pub rule: IndicatorRule,
    pub also: Vec<AlsoAt>,
    pub targets: Vec<BasisTarget>,
}

/// What a report rests on beside the facts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Basis {
    pub rules_version: String,
    pub period: ReportPeriod,
    pub window: Window,
    pub scope: FigureScope,
    pub indicators: Vec<BasisIndicator>,
    /// Days, medians and what was due come from the engine of plans and are frozen as they were.
    pub programmes: ProgrammeFigures,
    pub labels: Labels,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportRow {
    /// The code of each dimension of the table; null for no value.
    pub codes: Vec<Option<String>>,
    #[serde(flatten)]
    pub figures: Figures,
}

/// Consultations by some dimensions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportTable {
    pub group_by: Vec<Dimension>,
    pub rows: Vec<ReportRow>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportEventRow {
    pub codes: Vec<Option<String>>,
    #[serde(flatten)]
    pub figures: EventFigures,
}

/// Events by some dimensions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportEventTable {
    pub group_by: Vec<EventDimension>,
    pub rows: Vec<ReportEventRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportTarget {
    pub id: TargetId,
    #[schema(required)]
    pub site: Option<uuid::Uuid>,
    #[schema(required)]
    pub year: Option<i32>,
    #[schema(required)]
    pub quarter: Option<i32>,
    pub window: Window,
    pub target: i64,
    pub actual: i64,
    /// Tenths of a per cent, so that it is a whole number.
    pub per_mille: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportIndicator {
    pub indicator: IndicatorReference,
    pub unit: IndicatorUnit,
    pub text_de: String,
    pub text_en: String,
    #[schema(required)]
    pub source: Option<String>,
    pub rule: IndicatorRule,
    /// What settings of carriers added to the rule.
    #[serde(default)]
    pub also: Vec<AlsoAt>,
    pub value: i64,
    pub targets: Vec<ReportTarget>,
}

/// What a report says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportContent {
    #[schema(example = "2026.4")]
    pub rules_version: String,
    pub period: ReportPeriod,
    pub window: Window,
    pub scope: FigureScope,
    /// The totals first.
    pub consultations: Vec<ReportTable>,
    /// The totals first.
    pub events: Vec<ReportEventTable>,
    pub programmes: ProgrammeFigures,
    pub indicators: Vec<ReportIndicator>,
    /// By dimension and code.
    pub labels: Labels,
}

/// The questions of a basis, in the order of the answers: tables, then indicators with their targets.
#[must_use]
pub fn questions(basis: &Basis) -> Vec<Question<Dimension>> {
    let mut questions: Vec<_> =
        TABLES.iter().map(|table| Question::of(basis.window, table.to_vec())).collect();
    for indicator in &basis.indicators {
        let IndicatorRule::Consultations { conditions, .. } = &indicator.rule else { continue };
        let question = |window: Window, site: Option<uuid::Uuid>| {
            let mut conditions = conditions.clone();
            conditions.extend(site.map(|site| Condition {
                dimension: Dimension::Site,
                codes: vec![Some(site.to_string())],
            }));
            let also = indicator.also.clone();
            Question { window, group_by: Vec::new(), conditions, also }
        };
        questions.push(question(basis.window, None));
        questions.extend(indicator.targets.iter().map(|it| question(it.window, it.site)));
    }
    questions
}

/// Makes the content of a report while its facts go by, sorted by organisation (none first), day, start (none
/// last) and id.
#[derive(Debug)]
pub struct Making<'a> {
    basis: &'a Basis,
    counter: Counter<'a>,
}

impl<'a> Making<'a> {
    /// `questions` are those of the basis.
    #[must_use]
    pub fn new(basis: &'a Basis, questions: &'a [Question<Dimension>]) -> Self {
        Self { basis, counter: Counter::new(questions) }
    }

    pub fn add(&mut self, fact: &Fact) {
        self.counter.add(fact);
    }

    /// # Errors
    /// `Internal` when the questions were not those of the basis.
    pub fn content(self, events: &[EventFact]) -> Result<ReportContent> {
        let basis = self.basis;
        let mut answers = self.counter.groups().into_iter();
        let mut answer = || {
            answers
                .next()
                .ok_or_else(|| Error::internal("a report has fewer answers than questions"))
        };
        let mut consultations = Vec::new();
        for table in TABLES {
            let rows = answer()?
                .into_iter()
                .map(|(codes, figures)| ReportRow { codes, figures })
                .collect();
            consultations.push(ReportTable { group_by: table.to_vec(), rows });
        }
        let event_table = |table: &[EventDimension]| {
            let question = Question::of(basis.window, table.to_vec());
            let rows = count_events(&question, events)
                .into_iter()
                .map(|(codes, figures)| ReportEventRow { codes, figures })
                .collect();
            ReportEventTable { group_by: table.to_vec(), rows }
        };
        let mut indicators = Vec::new();
        for indicator in &basis.indicators {
            let mut value = |window: Window, target: Option<&BasisTarget>| -> Result<i64> {
                Ok(match &indicator.rule {
                    IndicatorRule::Consultations { figure, .. } => figure.of(&only(answer()?)),
                    IndicatorRule::Events { figure, conditions } => {
                        let mut conditions = conditions.clone();
                        let site = target.and_then(|target| target.site);
                        conditions.extend(site.map(|site| Condition {
                            dimension: EventDimension::Site,
                            codes: vec![Some(site.to_string())],
                        }));
                        let question = Question { conditions, ..Question::of(window, Vec::new()) };
                        figure.of(&only(count_events(&question, events)))
                    }
                    IndicatorRule::Programmes { figure } => match target {
                        Some(target) => target.actual.unwrap_or_default(),
                        None => figure.of(&basis.programmes),
                    },
                })
            };
            let in_all = value(basis.window, None)?;
            let mut targets = Vec::new();
            for target in &indicator.targets {
                let actual = value(target.window, Some(target))?;
                targets.push(ReportTarget {
                    id: target.id,
                    site: target.site,
                    year: target.year,
                    quarter: target.quarter,
                    window: target.window,
                    target: target.value,
                    actual,
                    per_mille: (actual * 2000 + target.value) / (target.value * 2),
                });
            }
            indicators.push(ReportIndicator {
                indicator: indicator.indicator.clone(),
                unit: indicator.unit,
                text_de: indicator.text_de.clone(),
                text_en: indicator.text_en.clone(),
                source: indicator.source.clone(),
                rule: indicator.rule.clone(),
                also: indicator.also.clone(),
                value: in_all,
                targets,
            });
        }
        Ok(ReportContent {
            rules_version: basis.rules_version.clone(),
            period: basis.period.clone(),
            window: basis.window,
            scope: basis.scope.clone(),
            consultations,
            events: EVENT_TABLES.into_iter().map(event_table).collect(),
            programmes: basis.programmes.clone(),
            indicators,
            labels: basis.labels.clone(),
        })
    }
}

/// The one group of an answer without dimensions; without records there is none.
fn only<F: Default>(groups: Groups<F>) -> F {
    groups.into_values().next().unwrap_or_default()
}

/// The canonical form: keys sorted, no white space, whole numbers without a fraction (RFC 8785; keys are ASCII,
/// and other numbers have few digits).
///
/// # Errors
/// `Internal` when the content cannot be written as JSON.
pub fn canonical(content: &impl Serialize) -> Result<String> {
    let value = serde_json::to_value(content).map_err(|error| Error::Internal(error.into()))?;
    let mut text = String::new();
    write(&value, &mut text);
    Ok(text)
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort_unstable();
            text.push('{');
            for (at, key) in keys.into_iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write(&Value::String(key.clone()), text);
                text.push(':');
                write(&fields[key], text);
            }
            text.push('}');
        }
        Value::Number(number) => text.push_str(&written(number)),
        plain => text.push_str(&plain.to_string()),
    }
}

/// As ECMAScript writes a number: 80 and not 80.0.
fn written(number: &Number) -> String {
    const LARGEST_WHOLE: f64 = 9_007_199_254_740_991.0;
    match number.as_f64() {
        Some(value) if number.is_f64() && value.fract() == 0.0 && value.abs() <= LARGEST_WHOLE => {
            format!("{value:.0}")
        }
        _ => number.to_string(),
    }
}

/// The part of what was counted anew that the frozen content has too: a later version of the program may say
/// more of the same facts, in further fields and in further tables at the end.
#[must_use]
pub fn as_far_as(recounted: &Value, frozen: &Value) -> Value {
    match (recounted, frozen) {
        (Value::Object(new), Value::Object(old)) => {
            let known = new
                .iter()
                .filter_map(|(key, value)| Some((key.clone(), as_far_as(value, old.get(key)?))));
            Value::Object(known.collect())
        }
        (Value::Array(new), Value::Array(old)) => {
            Value::Array(new.iter().zip(old).map(|(new, old)| as_far_as(new, old)).collect())
        }
        _ => recounted.clone(),
    }
}

/// SHA-256 of the canonical form, in hexadecimal.
#[must_use]
pub fn hash(canonical: &str) -> String {
    use std::fmt::Write;

    Sha256::digest(canonical.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_form_is_one() {
        let value = serde_json::json!({
            "b": [1, null, "ä\n"], "a": {"d": 1.5, "c": true, "e": 80.0, "f": 0.0}
        });
        let text = canonical(&value).unwrap();
        let expected = r#"{"a":{"c":true,"d":1.5,"e":80,"f":0},"b":[1,null,"ä\n"]}"#;
        assert_eq!(text, expected);
        // From `printf '%s' '…' | sha256sum`.
        assert_eq!(hash("{}"), "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    }

    #[test]
    fn what_a_later_version_adds_changes_no_old_report() {
        let frozen = serde_json::json!({"rows": [{"a": 1}, {"a": 2}], "b": [0]});
        let recounted =
            serde_json::json!({"rows": [{"a": 1, "c": 7}, {"a": 2}], "b": [0, 9], "d": 1});
        assert_eq!(as_far_as(&recounted, &frozen), frozen);
        let fewer = serde_json::json!({"rows": [{"a": 1}], "b": [0]});
        assert_ne!(as_far_as(&fewer, &frozen), frozen);
        let other = serde_json::json!({"rows": [{"a": 1}, {"a": 3}], "b": [0]});
        assert_ne!(as_far_as(&other, &frozen), frozen);
    }
}
