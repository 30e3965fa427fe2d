//! Timeline (Verlauf) of a company or an actor: all that the own carrier has done with it, by day, and what
//! became of its entry in the register.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::accompaniment::Accompaniment;
use crate::audit::HistoryEntry;
use crate::code::{Code, codes};
use crate::consultation::Consultation;
use crate::error::{Error, Result, Violation};
use crate::event::{EventKind, EventStatus};
use crate::id::EventId;
use crate::participation::Participation;
use crate::policy::Action;
use crate::recruitment_case::RecruitmentCase;
use crate::referral::Referral;
use crate::task::Task;
use crate::time::start_of;

codes! {
    "timeline_kind" TimelineKind {
        Consultation,
        /// One that it takes part in, speaks at or organises.
        Event,
        Referral, Task, Accompaniment, RecruitmentCase,
        /// Of its entry in the register.
        Change,
    }
}

impl TimelineKind {
    /// What a caller must be allowed to do to see entries of this kind.
    #[must_use]
    pub fn permission(self) -> Action {
        match self {
            Self::Consultation => Action::ReadConsultations,
            Self::Event => Action::ReadParticipations,
            Self::Referral => Action::ReadReferrals,
            Self::Task => Action::ReadTasks,
            Self::Accompaniment | Self::RecruitmentCase => Action::ReadAccompaniments,
            Self::Change => Action::ReadRegister,
        }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TimelineFilter {
    /// `consultation`, `event`, `referral`, `task`, `accompaniment`, `recruitment_case`, `change`, separated
    /// by commas; all that the caller may see unless told.
    #[param(example = "consultation,event")]
    pub kinds: Option<String>,
    /// First day.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// Last day.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
}

impl TimelineFilter {
    /// The kinds that are asked for by name.
    ///
    /// # Errors
    /// `Malformed` for a word that is no kind.
    pub fn kinds(&self) -> Result<Option<Vec<TimelineKind>>> {
        let Some(kinds) = &self.kinds else { return Ok(None) };
        let kind = |word: &str| TimelineKind::from_code(word).ok_or_else(|| unknown_kind(word));
        kinds.split(',').map(kind).collect::<Result<_>>().map(Some)
    }
}

fn unknown_kind(word: &str) -> Error {
    let known: Vec<&str> = TimelineKind::all().into_iter().map(Code::code).collect();
    let message = format!("{word:?} must be one of {}", known.join(", "));
    Error::Malformed {
        code: "malformed_query",
        detail: format!("The query parameter kinds: {message}."),
        errors: vec![Violation {
            pointer: "kinds".to_owned(),
            code: "unknown_kind".to_owned(),
            message,
        }],
    }
}

/// An event on a timeline, with what the organisation has to do with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEvent {
    pub id: EventId,
    pub title: String,
    pub kind: EventKind,
    pub starts_on: NaiveDate,
    pub ends_on: NaiveDate,
    pub status: EventStatus,
    /// Whether it organises the event together with the carrier.
    pub organises: bool,
    pub speaks: bool,
    /// Who of it takes part, without what was voided.
    pub participations: Vec<Participation>,
}

/// One entry. The field that `kind` names is there, the others are not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    pub kind: TimelineKind,
    /// The day that it stands at: when it was held, begins, was referred, opened, is due or was changed; of
    /// an accompaniment that has not begun, when it was requested.
    pub on: NaiveDate,
    /// Of the record, or of the change.
    pub id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consultation: Option<Consultation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<TimelineEvent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referral: Option<Referral>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accompaniment: Option<Accompaniment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recruitment_case: Option<RecruitmentCase>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<HistoryEntry>,
}

impl TimelineEntry {
    fn bare(kind: TimelineKind, on: NaiveDate, id: Uuid) -> Self {
        let (consultation, event, referral, task) = (None, None, None, None);
        let (accompaniment, recruitment_case, change) = (None, None, None);
        Self {
            kind,
            on,
            id,
            consultation,
            event,
            referral,
            task,
            accompaniment,
            recruitment_case,
            change,
        }
    }

    #[must_use]
    pub fn consultation(it: Consultation) -> Self {
        let bare = Self::bare(TimelineKind::Consultation, it.held_on, it.id.0);
        Self { consultation: Some(it), ..bare }
    }

    #[must_use]
    pub fn event(it: TimelineEvent) -> Self {
        let bare = Self::bare(TimelineKind::Event, it.starts_on, it.id.0);
        Self { event: Some(it), ..bare }
    }

    #[must_use]
    pub fn referral(it: Referral) -> Self {
        let bare = Self::bare(TimelineKind::Referral, it.referred_on, it.id.0);
        Self { referral: Some(it), ..bare }
    }

    #[must_use]
    pub fn task(it: Task) -> Self {
        let bare = Self::bare(TimelineKind::Task, it.due_on, it.id.0);
        Self { task: Some(it), ..bare }
    }

    #[must_use]
    pub fn accompaniment(it: Accompaniment) -> Self {
        let bare = Self::bare(TimelineKind::Accompaniment, it.stands_on(), it.id.0);
        Self { accompaniment: Some(it), ..bare }
    }

    #[must_use]
    pub fn recruitment_case(it: RecruitmentCase) -> Self {
        let bare = Self::bare(TimelineKind::RecruitmentCase, it.opened_on, it.id.0);
        Self { recruitment_case: Some(it), ..bare }
    }

    #[must_use]
    pub fn change(it: HistoryEntry) -> Self {
        let bare = Self::bare(TimelineKind::Change, day_of(it.id.0), it.id.0);
        Self { change: Some(it), ..bare }
    }

    /// What a timeline is sorted by, the latest first. Ids tell entries of one day apart, whatever their
    /// kind.
    #[must_use]
    pub fn position(&self) -> (NaiveDate, Uuid) {
        (self.on, self.id)
    }
}

/// The day in the network's zone at which a `UUIDv7` was made. A change stands at the day of its id and not
/// of its time, so that the order of ids is the order of days and an index over ids answers a page.
fn day_of(id: Uuid) -> NaiveDate {
    let made_at = id.get_timestamp().map_or(0, |timestamp| {
        let (seconds, _) = timestamp.to_unix();
        i64::try_from(seconds).unwrap_or_default()
    });
    crate::time::local_date(DateTime::<Utc>::from_timestamp(made_at, 0).unwrap_or_default())
}

/// The least id of a `UUIDv7` made on a day or later.
#[must_use]
pub fn first_id_of(day: NaiveDate) -> Uuid {
    let milliseconds = u64::try_from(start_of(day).timestamp_millis()).unwrap_or_default();
    Uuid::from_u128(u128::from(milliseconds) << 80)
}

/// The bound that ids of changes lie below which come after a position in the list, which is to say
/// before it in time.
#[must_use]
pub fn ids_after(on: NaiveDate, id: Uuid) -> Uuid {
    let next_day = on.succ_opt().map_or(Uuid::max(), first_id_of);
    // Of the day itself those below the id; of earlier days all.
    id.clamp(first_id_of(on), next_day)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;
    use uuid::{NoContext, Timestamp};

    use super::*;

    fn made(at: DateTime<Utc>) -> Uuid {
        let seconds = u64::try_from(at.timestamp()).unwrap();
        Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, at.timestamp_subsec_nanos()))
    }

    proptest! {
        /// Against the plain comparison of day and id, around midnights and clock changes.
        #[test]
        fn the_bound_of_ids_is_the_order_of_days_and_ids(
            hours in -48_i64..48, milliseconds in 0_i64..3_600_000, other in any::<u128>(),
            day in 0_u64..3,
        ) {
            let change: DateTime<Utc> = "2026-03-29T00:30:00Z".parse().unwrap();
            let id = made(change + TimeDelta::hours(hours) + TimeDelta::milliseconds(milliseconds));
            let on = NaiveDate::from_ymd_opt(2026, 3, 28).unwrap() + chrono::Days::new(day);
            // Another entry's id: made at about that time, or by a client at random.
            for after in [Uuid::from_u128(other), made(change)] {
                let comes_after = (day_of(id), id) < (on, after);
                prop_assert_eq!(id < ids_after(on, after), comes_after);
            }
        }
    }

    #[test]
    fn kinds_are_named_with_commas() {
        let of = |kinds: &str| TimelineFilter {
            kinds: Some(kinds.to_owned()),
            ..TimelineFilter::default()
        };
        let kinds = of("event,task").kinds().unwrap();
        assert_eq!(kinds, Some(vec![TimelineKind::Event, TimelineKind::Task]));
        assert!(matches!(of("event,").kinds(), Err(Error::Malformed { .. })));
        assert_eq!(TimelineFilter::default().kinds().unwrap(), None);
    }
}
