//! What a report is counted from: the facts of each record, as they are frozen with it.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::code::Code;
use crate::consultation::{Channel, ConsultationKind};
use crate::event::EventKind;
use crate::event_statistics::EventDimension;
use crate::organisation::OrganisationKind;
use crate::statistics::Dimension;

/// A held consultation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub id: Uuid,
    pub version: i64,
    pub organisation: Option<Uuid>,
    pub organisation_kind: Option<OrganisationKind>,
    pub carrier: Uuid,
    pub site: Uuid,
    /// Key.
    pub district: Option<String>,
    pub held_on: NaiveDate,
    pub starts_at: Option<NaiveTime>,
    pub minutes: i64,
    pub preparation_minutes: i64,
    /// Below the minimum minutes of the period.
    pub short: bool,
    pub channel: Channel,
    pub size_class: Option<String>,
    pub section: Option<String>,
    pub actor_type: Option<String>,
    /// Codes, in order.
    pub topics: BTreeSet<String>,
    pub countries: BTreeSet<String>,
    /// Main groups.
    pub occupations: BTreeSet<String>,
}

/// What of a consultation depends on the others of its organisation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing<'a> {
    pub kind: ConsultationKind,
    /// The first record of the organisation that is as long, or as short, as this one.
    pub first: &'a Fact,
}

impl Fact {
    /// The values that it has of a dimension: several, or none, where that can be.
    pub(super) fn codes(&self, dimension: Dimension, standing: Standing) -> Vec<Option<String>> {
        let one = |code: Option<String>| vec![code];
        let several = |codes: &BTreeSet<String>| {
            if codes.is_empty() { vec![None] } else { codes.iter().cloned().map(Some).collect() }
        };
        match dimension {
            Dimension::Site => one(Some(self.site.to_string())),
            Dimension::Carrier => one(Some(self.carrier.to_string())),
            Dimension::District => one(self.district.clone()),
            Dimension::Month => one(Some(self.held_on.format("%Y-%m").to_string())),
            Dimension::Quarter => one(Some(quarter(self.held_on))),
            Dimension::Year => one(Some(self.held_on.year().to_string())),
            Dimension::Kind => one(Some(standing.kind.code().to_owned())),
            Dimension::Channel => one(Some(self.channel.code().to_owned())),
            Dimension::Topic => several(&self.topics),
            Dimension::SizeClass => one(self.size_class.clone()),
            Dimension::Section => one(self.section.clone()),
            Dimension::OrganisationKind => {
                one(self.organisation_kind.map(|kind| kind.code().to_owned()))
            }
            Dimension::ActorType => one(self.actor_type.clone()),
            Dimension::Country => several(&self.countries),
            Dimension::Occupation => several(&self.occupations),
            Dimension::FirstSizeClass => one(standing.first.size_class.clone()),
            Dimension::FirstActorType => one(standing.first.actor_type.clone()),
        }
    }
}

pub(super) fn quarter(on: NaiveDate) -> String {
    format!("{}-Q{}", on.year(), on.quarter())
}

/// Heads of one organisation, or of nobody known, at an event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Heads {
    pub organisation: Option<Uuid>,
    pub organisation_kind: Option<OrganisationKind>,
    pub heads: i64,
}

/// An event that was held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFact {
    pub id: Uuid,
    pub version: i64,
    pub kind: EventKind,
    pub series: Option<Uuid>,
    pub carrier: Uuid,
    pub site: Uuid,
    pub starts_on: NaiveDate,
    /// Keys.
    pub districts: BTreeSet<String>,
    /// Codes.
    pub topics: BTreeSet<String>,
    /// Of participants that were there.
    pub heads: Vec<Heads>,
}

impl EventFact {
    pub(super) fn codes(&self, dimension: EventDimension) -> Vec<Option<String>> {
        let several = |codes: &BTreeSet<String>| {
            if codes.is_empty() { vec![None] } else { codes.iter().cloned().map(Some).collect() }
        };
        match dimension {
            EventDimension::Kind => vec![Some(self.kind.code().to_owned())],
            EventDimension::Series => vec![self.series.map(|id| id.to_string())],
            EventDimension::Site => vec![Some(self.site.to_string())],
            EventDimension::Carrier => vec![Some(self.carrier.to_string())],
            EventDimension::District => several(&self.districts),
            EventDimension::Topic => several(&self.topics),
            EventDimension::Month => vec![Some(self.starts_on.format("%Y-%m").to_string())],
            EventDimension::Quarter => vec![Some(quarter(self.starts_on))],
            EventDimension::Year => vec![Some(self.starts_on.year().to_string())],
        }
    }
}
