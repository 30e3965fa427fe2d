//! The figures of a funding period. `docs/counting.md` explains the rules; their version is part of
//! every answer.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::check::Checks;
use crate::code::{Code, codes};
use crate::code_list::{label_de, label_en};
use crate::entity::Reference;
use crate::error::{Error, Result, Violation};
use crate::funding_period::FundingPeriod;
use crate::id::{CarrierId, FundingPeriodId};
use crate::industry::section_of;
use crate::sheet::Language;
use crate::target::Target;

mod condition;
mod explanation;
mod pivot;
mod publication;
mod sheets;
mod zeros;
pub use condition::{Condition, NONE, conditions};
pub use explanation::{
    Counted, Explanation, ExplanationParams, ExplanationQuery, Figure, LeftOut, LeftOutCount, Rule,
    Unit,
};
pub use pivot::{Counted as CountedForPivot, Pivot, PivotColumn, PivotParams, PivotRow};
pub use publication::{Publication, PublicationParams, PublicationRow, SMALLEST_SHOWN, published};
pub(crate) use sheets::{About, filter_words, groups_sheet, rules, rules_sheet};
pub use zeros::{MAX_GROUPS, with_zeros};

/// Version of the counting rules. It changes when the same records would give other figures.
pub const RULES_VERSION: &str = "2026.4";

codes! {
    /// What figures can be grouped by.
    "dimension" Dimension {
        Site, Carrier, District, Month, Quarter, Year, Kind, Channel, Topic,
        /// As it was known when the consultation was recorded, as are section and type of actor.
        SizeClass,
        Section, OrganisationKind, ActorType, Country, Occupation,
        /// As of the first support of the organisation in the period (rule 6), so each stands in one row.
        FirstSizeClass,
        FirstActorType,
    }
}

impl Dimension {
    /// Rule 4: a consultation can have several of them, so its rows add up to more than the total.
    #[must_use]
    pub fn is_multiple_answer(self) -> bool {
        matches!(self, Self::Topic | Self::Country | Self::Occupation)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct StatisticsParams {
    pub funding_period_id: FundingPeriodId,
    /// First service date; the period's first day unless told.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// Last service date; the period's last day unless told.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
    /// Up to three dimensions, comma-separated: `site`, `carrier`, `district`, `month`, `quarter`,
    /// `year`, `kind`, `channel`, `topic`, `size_class`, `section`, `organisation_kind`,
    /// `actor_type`, `country`, `occupation` (main group of the `KldB` 2010), `first_size_class`,
    /// `first_actor_type` (as of the first support of the organisation in the period).
    #[param(example = "site,quarter")]
    pub group_by: Option<String>,
    /// Only records that have these values: `dimension:code`, comma-separated, with the codes that groups
    /// have, or `none` for no value. Of one dimension any of its values, of several dimensions all.
    #[param(example = "size_class:micro,size_class:small,topic:blue_card")]
    pub filter: Option<String>,
    /// Whether groups without any record are shown too, for dimensions whose values are known: all but
    /// `country`, `occupation` and `section`.
    #[serde(default)]
    pub zeros: bool,
    /// Whether to answer the window before this one beside it: the period before for a whole period, else
    /// as many days or whole months just before it, if they lie in the period.
    #[serde(default)]
    pub previous: bool,
    /// Whether to answer the targets (Soll) beside the figures that are set for the totals or for a row: of a
    /// row where nothing but `site`, `carrier`, `year` and `quarter` is grouped by. Without a filter only.
    #[serde(default)]
    pub targets: bool,
    /// Which topic a consultation counts for: the one on the record, or what replaced it since.
    #[param(inline)]
    #[serde(default)]
    pub topics: TopicsAs,
}

codes! {
    #[derive(Default)]
    "topics_as" TopicsAs {
        /// The topic that was recorded.
        #[default]
        Recorded,
        /// The topic that has replaced it, where one has.
        Current,
    }
}

/// What counts besides the codes of a condition, where certain carriers recorded it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlsoAt {
    /// That of the condition.
    pub dimension: Dimension,
    pub codes: Vec<String>,
    pub carriers: Vec<CarrierId>,
}

/// What to count.
#[derive(Clone, Debug)]
pub struct StatisticsQuery {
    pub funding_period_id: FundingPeriodId,
    pub window: Window,
    pub group_by: Vec<Dimension>,
    pub conditions: Vec<Condition<Dimension>>,
    pub also: Vec<AlsoAt>,
    pub topics: TopicsAs,
}

/// Service dates, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Window {
    pub from: NaiveDate,
    pub to: NaiveDate,
}

impl StatisticsParams {
    /// # Errors
    /// `Malformed` for unknown, repeated or too many dimensions.
    pub fn dimensions(&self) -> Result<Vec<Dimension>> {
        dimensions(self.group_by.as_deref())
    }

    /// # Errors
    /// `Malformed` as [`Self::dimensions`]; `Invalid` when the window is upside down or leaves the
    /// period: firsts are derived per period, so a figure never spans two.
    pub fn query(&self, period: &FundingPeriod) -> Result<StatisticsQuery> {
        let window = Window::of(period, self.from, self.to)?;
        let conditions = conditions("filter", self.filter.as_deref())?;
        if self.targets && !conditions.is_empty() {
            let message = "must be false with a filter: targets are set for all records";
            return Err(Error::malformed_query("targets", "with_filter", message));
        }
        Ok(StatisticsQuery {
            funding_period_id: period.id,
            window,
            group_by: self.dimensions()?,
            conditions,
            also: Vec::new(),
            topics: self.topics,
        })
    }
}

impl Window {
    /// The dates asked for, or those of the period.
    ///
    /// # Errors
    /// `Invalid` when the window is upside down or leaves the period.
    pub fn of(
        period: &FundingPeriod,
        from: Option<NaiveDate>,
        to: Option<NaiveDate>,
    ) -> Result<Self> {
        let window =
            Self { from: from.unwrap_or(period.starts_on), to: to.unwrap_or(period.ends_on) };
        let mut checks = Checks::new();
        for (name, date) in [("from", window.from), ("to", window.to)] {
            checks.require(
                period.contains(date),
                name,
                "outside_period",
                &format!(
                    "must lie in the funding period, {} to {}",
                    period.starts_on, period.ends_on
                ),
            );
        }
        checks.require(window.from <= window.to, "to", "before_start", "must not be before from");
        checks.finish()?;
        Ok(window)
    }

    /// All days of the period.
    #[must_use]
    pub fn whole(period: &FundingPeriod) -> Self {
        Self { from: period.starts_on, to: period.ends_on }
    }

    #[must_use]
    pub fn contains(self, day: NaiveDate) -> bool {
        self.from <= day && day <= self.to
    }

    /// As long a window just before this one: as many whole months for whole months, else as many days.
    /// None when it would begin before `earliest`.
    #[must_use]
    pub fn before(self, earliest: NaiveDate) -> Option<Self> {
        let to = self.from.pred_opt()?;
        let begins_month = self.from.day() == 1;
        let ends_month = self.to.succ_opt().is_some_and(|next| next.day() == 1);
        let from = if begins_month && ends_month {
            let index = |date: NaiveDate| date.year() * 12 + date.month0().cast_signed();
            let months = index(self.to) - index(self.from) + 1;
            self.from.checked_sub_months(Months::new(months.try_into().ok()?))?
        } else {
            self.from.checked_sub_days(Days::new(
                ((self.to - self.from).num_days() + 1).try_into().ok()?,
            ))?
        };
        (from >= earliest).then_some(Self { from, to })
    }
}

/// The dimensions that a question names, comma-separated.
///
/// # Errors
/// `Malformed` for unknown, repeated or too many dimensions.
pub fn dimensions<D: Code + PartialEq>(words: Option<&str>) -> Result<Vec<D>> {
    let mut dimensions = Vec::new();
    let words = words.unwrap_or_default().split(',').map(str::trim);
    for word in words.filter(|word| !word.is_empty()) {
        let dimension = D::from_code(word).ok_or_else(|| {
            let known: Vec<_> = D::all().into_iter().map(Code::code).collect();
            group_by("unknown_dimension", format!("{word:?} must be one of {}", known.join(", ")))
        })?;
        if dimensions.contains(&dimension) {
            return Err(group_by("repeated", format!("must name {word} once")));
        }
        dimensions.push(dimension);
    }
    if dimensions.len() > 3 {
        return Err(group_by("too_many", "must name at most three dimensions".to_owned()));
    }
    Ok(dimensions)
}

fn group_by(code: &str, message: String) -> Error {
    Error::Malformed {
        code: "malformed_query",
        detail: format!("The query parameter group_by: {message}."),
        errors: vec![Violation { pointer: "group_by".to_owned(), code: code.to_owned(), message }],
    }
}

/// The figures of one group, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Figures {
    /// The headline: held consultations of at least the period's minimum minutes, each once.
    pub consultations: i64,
    /// Of these, the first of their organisation in the period, within the scope.
    pub first_consultations: i64,
    /// Of these, later ones of their organisation.
    pub follow_up_consultations: i64,
    /// Held, but below the minimum minutes; outside the headline.
    pub short_information: i64,
    /// Of the headline, those without an organisation.
    pub anonymous_consultations: i64,
    /// Distinct companies and actors with a consultation of the headline.
    pub organisations: i64,
    pub companies: i64,
    pub actors: i64,
    /// Distinct organisations whose first consultation of the period lies in the group.
    pub new_organisations: i64,
    /// Minutes of the headline.
    pub minutes: i64,
    /// Minutes of preparation and follow-up work of the headline, which `minutes` does not have.
    pub preparation_minutes: i64,
}

impl Figures {
    /// Names and values in the order of the documentation.
    #[must_use]
    pub fn columns(&self) -> [(&'static str, i64); 11] {
        [
            ("consultations", self.consultations),
            ("first_consultations", self.first_consultations),
            ("follow_up_consultations", self.follow_up_consultations),
            ("short_information", self.short_information),
            ("anonymous_consultations", self.anonymous_consultations),
            ("organisations", self.organisations),
            ("companies", self.companies),
            ("actors", self.actors),
            ("new_organisations", self.new_organisations),
            ("minutes", self.minutes),
            ("preparation_minutes", self.preparation_minutes),
        ]
    }
}

/// One value of a dimension. Null code: the records that have no value there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupValue {
    #[schema(required, example = "2021-Q3")]
    pub code: Option<String>,
    /// In English, where it is not a name.
    #[schema(required, example = "2021-Q3")]
    pub label: String,
    #[schema(required, example = "2021-Q3")]
    pub label_de: String,
}

impl GroupValue {
    #[must_use]
    pub fn new(code: String, label_de: String, label: String) -> Self {
        Self { code: Some(code), label, label_de }
    }

    /// What has one name.
    #[must_use]
    pub fn named(code: String, name: String) -> Self {
        Self { code: Some(code), label: name.clone(), label_de: name }
    }

    /// A code of a closed set.
    #[must_use]
    pub fn of_set(set: &str, code: String) -> Self {
        let (label_de, label) = (label_de(set, &code).to_owned(), label_en(set, &code).to_owned());
        Self { code: Some(code), label, label_de }
    }

    /// A section of the industry classification, with its edition.
    #[must_use]
    pub fn section(code: String) -> Self {
        match section_of(&code) {
            Some(section) => Self::new(code, section.title_de.clone(), section.title_en.clone()),
            None => Self::named(code.clone(), code),
        }
    }

    /// For records that have no value.
    #[must_use]
    pub fn none() -> Self {
        Self { code: None, label: "not given".to_owned(), label_de: "keine Angabe".to_owned() }
    }

    #[must_use]
    pub fn label_in(&self, language: Language) -> &str {
        language.of(&self.label_de, &self.label)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Group {
    /// The value of each dimension asked for.
    #[schema(example = json!({"site": {"code": "01890000-0000-7000-8000-000000000201", "label": "Frankfurt am Main"}}))]
    pub key: BTreeMap<Dimension, GroupValue>,
    #[serde(flatten)]
    pub figures: Figures,
    /// Where the records behind these figures are: a URI template (RFC 6570) that wants the name of one.
    #[schema(
        example = "/api/v1/statistics/explain?funding_period_id=01890000-0000-7000-8000-000000000302&group=site:01890000-0000-7000-8000-000000000201{&figure}"
    )]
    pub explanation: String,
}

impl Group {
    /// As a question names it.
    #[must_use]
    pub fn conditions(&self) -> String {
        let words = self.key.iter().map(|(dimension, value)| {
            Condition { dimension: *dimension, codes: vec![value.code.clone()] }.words()
        });
        words.collect::<Vec<_>>().join(",")
    }
}

/// The figures of the window before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviousFigures {
    pub period: Reference,
    pub window: Window,
    pub totals: Figures,
    pub groups: Vec<Group>,
}

/// Whose records were counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FigureScope {
    pub kind: FigureScopeKind,
    /// The carrier, when the figures are of one.
    #[schema(required)]
    pub carrier: Option<Reference>,
}

codes! {
    "figure_scope" FigureScopeKind { Carrier, Network }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Statistics {
    pub period: Reference,
    pub window: Window,
    #[schema(example = "2026.4")]
    pub rules_version: String,
    pub scope: FigureScope,
    /// The dimensions in the order asked for.
    pub group_by: Vec<Dimension>,
    /// What the records were filtered by.
    pub filter: Vec<Condition<Dimension>>,
    pub totals: Figures,
    /// As of groups, for the totals.
    pub explanation: String,
    pub groups: Vec<Group>,
    /// Null unless asked for, or when there is none.
    #[schema(required)]
    pub previous: Option<PreviousFigures>,
    /// Those of the totals and of rows, each with how far it is, whether its indicator is a column here or
    /// not; null unless asked for.
    #[schema(required)]
    pub targets: Option<Vec<Target>>,
    /// Per column: whether the rows of this grouping may be summed to the total.
    #[schema(example = json!({"consultations": true, "organisations": false}))]
    pub additive: BTreeMap<String, bool>,
}

/// Per column: whether the rows of this grouping add up to the total.
///
/// - A topic is a multiple answer (rule 4): a record with three topics stands in three rows.
/// - A distinct organisation may have records in several sites, months, channels, even size classes, and
///   is counted in each; it adds up only over what an organisation has one of in the period.
/// - New organisations have one first consultation and add up wherever consultations do.
#[must_use]
pub fn additive(group_by: &[Dimension]) -> BTreeMap<String, bool> {
    let single_answer = !group_by.iter().any(|dimension| dimension.is_multiple_answer());
    let partitions_organisations = group_by.iter().all(|dimension| {
        matches!(
            dimension,
            Dimension::OrganisationKind | Dimension::FirstActorType | Dimension::FirstSizeClass
        )
    });
    Figures::default()
        .columns()
        .into_iter()
        .map(|(column, _)| {
            let distinct = matches!(column, "organisations" | "companies" | "actors");
            let adds_up = if distinct { partitions_organisations } else { single_answer };
            (column.to_owned(), adds_up)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(group_by: &str) -> StatisticsParams {
        StatisticsParams {
            funding_period_id: uuid::Uuid::nil().into(),
            from: None,
            to: None,
            group_by: Some(group_by.to_owned()),
            filter: None,
            zeros: false,
            previous: false,
            targets: false,
            topics: TopicsAs::default(),
        }
    }

    #[test]
    fn dimensions_are_known_distinct_and_at_most_three() {
        assert_eq!(
            params("site, quarter").dimensions().unwrap(),
            [Dimension::Site, Dimension::Quarter]
        );
        assert!(params("").dimensions().unwrap().is_empty());
        for wrong in ["adviser", "site,site", "site,month,year,kind", "Site"] {
            assert!(params(wrong).dimensions().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_adds_up() {
        let adds_up = |group_by: &[Dimension], column: &str| additive(group_by)[column];
        assert!(adds_up(&[Dimension::Site, Dimension::Year], "consultations"));
        assert!(!adds_up(&[Dimension::Site, Dimension::Year], "organisations"));
        assert!(adds_up(&[Dimension::Site, Dimension::Year], "new_organisations"));
        assert!(adds_up(&[Dimension::FirstSizeClass], "companies"));
        assert!(!adds_up(&[Dimension::SizeClass], "companies"), "a company may grow");
        for several in [Dimension::Topic, Dimension::Country, Dimension::Occupation] {
            assert!(!adds_up(&[several], "minutes"));
        }
        assert!(!adds_up(&[Dimension::FirstSizeClass, Dimension::Topic], "companies"));
    }

    #[test]
    fn the_window_before_is_as_long() {
        let window =
            |from: &str, to: &str| Window { from: from.parse().unwrap(), to: to.parse().unwrap() };
        let earliest = "2023-01-01".parse().unwrap();
        for (from, to, before) in [
            ("2024-04-01", "2024-06-30", Some(("2024-01-01", "2024-03-31"))),
            ("2024-03-01", "2024-03-31", Some(("2024-02-01", "2024-02-29"))),
            ("2024-01-01", "2024-12-31", Some(("2023-01-01", "2023-12-31"))),
            ("2024-03-11", "2024-03-17", Some(("2024-03-04", "2024-03-10"))),
            ("2024-03-01", "2024-03-30", Some(("2024-01-31", "2024-02-29"))),
            ("2023-02-01", "2023-03-31", None),
            ("2023-01-01", "2025-12-31", None),
        ] {
            let expected = before.map(|(from, to)| window(from, to));
            assert_eq!(window(from, to).before(earliest), expected, "{from} {to}");
        }
    }
}
