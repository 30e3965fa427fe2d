//! The rules of docs/counting.md once more, written another way: slow, and over records in memory.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};
use lotse_domain::code::Code;
use lotse_domain::consultation::Channel;
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::statistics::{Dimension, Figure};
use uuid::Uuid;

use super::{COUNTRIES, DISTRICTS, Draft, OCCUPATIONS, Organisation, SITES, TOPICS, date_of};

/// Each group once; a record without any stands in the row without a value.
fn several(indices: &[usize], code: impl Fn(usize) -> &'static str) -> Vec<Option<String>> {
    let codes: BTreeSet<&str> = indices.iter().map(|index| code(*index)).collect();
    if codes.is_empty() {
        return vec![None];
    }
    codes.into_iter().map(|code| Some(code.to_owned())).collect()
}

pub type Figures = BTreeMap<&'static str, i64>;

/// The rules of docs/counting.md, record by record.
pub struct Oracle<'a> {
    pub organisations: &'a [Organisation],
    /// Which was merged into which.
    pub merged: &'a BTreeMap<usize, usize>,
    /// Those that were not held.
    pub others: Vec<(Uuid, &'a Draft)>,
    /// Held records of the scope, with their ids.
    pub records: Vec<(Uuid, &'a Draft)>,
}

impl Oracle<'_> {
    pub fn is_short(draft: &Draft) -> bool {
        draft.minutes < 15
    }

    /// The organisation that counts: after a merge the survivor.
    fn who(&self, index: usize) -> usize {
        self.merged.get(&index).copied().unwrap_or(index)
    }

    pub fn who_of(&self, draft: &Draft) -> Option<usize> {
        draft.organisation.map(|index| self.who(index))
    }

    /// What the organisation of a record was at its earliest record of the same kind, short or not: each record
    /// says what its own organisation was, also after a merge.
    pub fn at_first(&self, draft: &Draft) -> Option<&Organisation> {
        let who = self.who_of(draft)?;
        let of_one = self.records.iter().filter(|(_, other)| {
            self.who_of(other) == Some(who) && Self::is_short(other) == Self::is_short(draft)
        });
        let first = of_one.min_by_key(|(id, other)| (other.day, other.hour.unwrap_or(99), *id))?;
        first.1.organisation.map(|index| &self.organisations[index])
    }

    /// The first of its organisation: no other countable record of it comes before.
    fn is_first(&self, id: Uuid, draft: &Draft) -> bool {
        let order = |id: Uuid, draft: &Draft| (draft.day, draft.hour.unwrap_or(99), id);
        draft.organisation.is_some()
            && !Self::is_short(draft)
            && self.records.iter().all(|(other, d)| {
                self.who_of(d) != self.who_of(draft)
                    || Self::is_short(d)
                    || order(*other, d) >= order(id, draft)
            })
    }

    fn kind(&self, id: Uuid, draft: &Draft) -> &'static str {
        if Self::is_short(draft) {
            "short_information"
        } else if draft.organisation.is_none() {
            "anonymous"
        } else if self.is_first(id, draft) {
            "first"
        } else {
            "follow_up"
        }
    }

    /// The groups that a record stands in: several for topics, countries and occupations.
    fn codes(&self, dimension: Dimension, id: Uuid, draft: &Draft) -> Vec<Option<String>> {
        let date = date_of(draft);
        let organisation = draft.organisation.map(|index| &self.organisations[index]);
        let one = |code: Option<&str>| vec![code.map(str::to_owned)];
        match dimension {
            Dimension::Site => one(Some(SITES[draft.site].0)),
            Dimension::Carrier => one(Some(SITES[draft.site].1)),
            Dimension::District => one(draft.district.map(|index| DISTRICTS[index])),
            Dimension::Month => vec![Some(format!("{}-{:02}", date.year(), date.month()))],
            Dimension::Quarter => vec![Some(format!("{}-Q{}", date.year(), date.quarter()))],
            Dimension::Year => vec![Some(date.year().to_string())],
            Dimension::Kind => one(Some(self.kind(id, draft))),
            Dimension::Channel => one(Some(Channel::all()[draft.channel].code())),
            Dimension::Topic => {
                draft.topics.iter().map(|topic| Some(TOPICS[*topic].to_owned())).collect()
            }
            Dimension::SizeClass => one(organisation.and_then(|o| o.size_class)),
            Dimension::Section => one(organisation.and_then(|o| o.section)),
            Dimension::OrganisationKind => one(organisation.map(|o| o.kind.code())),
            Dimension::ActorType => one(organisation.and_then(|o| o.actor_type)),
            Dimension::Country => several(&draft.countries, |index| COUNTRIES[index]),
            Dimension::Occupation => several(&draft.occupations, |index| &OCCUPATIONS[index][..2]),
            Dimension::FirstSizeClass => one(self.at_first(draft).and_then(|o| o.size_class)),
            Dimension::FirstActorType => one(self.at_first(draft).and_then(|o| o.actor_type)),
        }
    }

    pub fn figures(&self, records: &[(Uuid, &Draft)]) -> Figures {
        let headline: Vec<_> = records.iter().filter(|(_, d)| !Self::is_short(d)).collect();
        let of_kind = |kind: &str| {
            i64::try_from(records.iter().filter(|(id, d)| self.kind(*id, d) == kind).count())
                .unwrap()
        };
        let distinct = |wanted: Option<OrganisationKind>| {
            let organisations: BTreeSet<usize> = headline
                .iter()
                .filter_map(|(_, d)| self.who_of(d))
                .filter(|index| wanted.is_none_or(|kind| self.organisations[*index].kind == kind))
                .collect();
            i64::try_from(organisations.len()).unwrap()
        };
        BTreeMap::from([
            ("consultations", i64::try_from(headline.len()).unwrap()),
            ("first_consultations", of_kind("first")),
            ("follow_up_consultations", of_kind("follow_up")),
            ("short_information", of_kind("short_information")),
            ("anonymous_consultations", of_kind("anonymous")),
            ("organisations", distinct(None)),
            ("companies", distinct(Some(OrganisationKind::Company))),
            ("actors", distinct(Some(OrganisationKind::Actor))),
            ("new_organisations", of_kind("first")),
            ("minutes", headline.iter().map(|(_, d)| i64::from(d.minutes)).sum()),
            (
                "preparation_minutes",
                headline.iter().filter_map(|(_, d)| d.preparation).map(i64::from).sum(),
            ),
        ])
    }

    pub fn in_window(&self, from: NaiveDate, to: NaiveDate) -> Vec<(Uuid, &Draft)> {
        self.records
            .iter()
            .filter(|(_, draft)| (from..=to).contains(&date_of(draft)))
            .copied()
            .collect()
    }

    pub fn groups(
        &self,
        dimensions: &[Dimension],
        from: NaiveDate,
        to: NaiveDate,
    ) -> BTreeMap<Vec<Option<String>>, Figures> {
        let mut members: BTreeMap<Vec<Option<String>>, Vec<(Uuid, &Draft)>> = BTreeMap::new();
        for (id, draft) in self.in_window(from, to) {
            let mut keys = vec![Vec::new()];
            for dimension in dimensions {
                let codes = self.codes(*dimension, id, draft);
                keys = keys
                    .into_iter()
                    .flat_map(|key| {
                        codes.iter().map(move |code| {
                            let mut key: Vec<Option<String>> = key.clone();
                            key.push(code.clone());
                            key
                        })
                    })
                    .collect();
            }
            for key in keys {
                members.entry(key).or_default().push((id, draft));
            }
        }
        members.into_iter().map(|(key, records)| (key, self.figures(&records))).collect()
    }
}

impl Oracle<'_> {
    /// Why a record of the scope is not in a figure of the totals.
    pub fn reason(
        &self,
        id: Uuid,
        draft: &Draft,
        figure: Figure,
        in_window: bool,
    ) -> Option<&'static str> {
        let status = ["held", "cancelled", "no_show", "voided"][draft.status];
        if status != "held" {
            return Some(status);
        }
        if !in_window {
            return Some("outside_window");
        }
        let kind = draft.organisation.map(|index| self.organisations[index].kind);
        match (figure, self.kind(id, draft)) {
            (Figure::ShortInformation, "short_information") => None,
            (Figure::ShortInformation, _) => Some("long_enough"),
            (_, "short_information") => Some("short"),
            (Figure::PreparationMinutes, _) if draft.preparation.unwrap_or(0) == 0 => {
                Some("without_preparation")
            }
            (Figure::Consultations | Figure::Minutes | Figure::PreparationMinutes, _)
            | (Figure::AnonymousConsultations, "anonymous") => None,
            (Figure::AnonymousConsultations, _) => Some("named"),
            (_, "anonymous") => Some("anonymous"),
            (Figure::FirstConsultations | Figure::NewOrganisations, "follow_up") => {
                Some("not_first")
            }
            (Figure::FollowUpConsultations, "first") => Some("first"),
            (Figure::Companies, _) if kind == Some(OrganisationKind::Actor) => Some("other_kind"),
            (Figure::Actors, _) if kind == Some(OrganisationKind::Company) => Some("other_kind"),
            _ => None,
        }
    }
}
