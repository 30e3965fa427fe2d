//! Correction (Korrektureintrag): what the records of a closed funding period should have said. It stands
//! beside them and changes neither them nor a figure.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::openapi::Ref;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::audit::{FieldChange, changes};
use crate::check::Checks;
use crate::code::codes;
use crate::consultation::{
    Consultation, ConsultationInput, ConsultationReference, Context, kept_district,
};
use crate::entity::{Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::funding_period::FundingPeriod;
use crate::id::{CarrierId, ConsultationId, CorrectionId, FundingPeriodId};
use crate::patch::MergePatch;
use crate::policy::{Action, Actor, Role};

codes! {
    "correction_kind" CorrectionKind {
        /// The record should say something else.
        Change,
        /// The record should not be there.
        Void,
        /// A record is missing.
        Add,
    }
}

impl CorrectionKind {
    /// What somebody must be permitted to do to records, in order to say that it should have been done.
    #[must_use]
    pub fn action(self) -> Action {
        match self {
            Self::Change | Self::Void => Action::ChangeConsultation,
            Self::Add => Action::LogConsultation,
        }
    }
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(
    json!({
        "kind": "change",
        "consultation_id": "01890000-0000-7000-8000-0000000c0001",
        "changes": {"minutes": 60, "topics": ["blue_card", "fast_track"]},
        "reason": "The second part of the call was not recorded."
    }),
    json!({
        "kind": "void",
        "consultation_id": "01890000-0000-7000-8000-0000000c0001",
        "reason": "Entered twice."
    }),
    json!({
        "kind": "add",
        "consultation": {
            "organisation_id": "01890000-0000-7000-8000-0000000a0001",
            "site_id": "01890000-0000-7000-8000-000000000201",
            "held_on": "2022-11-14",
            "minutes": 45,
            "channel": "phone",
            "adviser_ids": ["01890000-0000-7000-8000-0000000b0001"],
            "topics": ["blue_card"]
        },
        "reason": "Found on paper after the period was closed."
    })
))]
pub struct CorrectionInput {
    pub kind: CorrectionKind,
    /// The record that is wrong. With `change` and `void`.
    pub consultation_id: Option<ConsultationId>,
    #[schema(schema_with = consultation_patch)]
    pub changes: Option<MergePatch>,
    /// The record that is missing. With `add`.
    pub consultation: Option<ConsultationInput>,
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

/// The schema that the document has for the body of `PATCH /consultations/{id}`.
fn consultation_patch() -> Ref {
    let mut schema = Ref::from_schema_name("ConsultationInputPatch");
    schema.description = "What it should say, on top of the corrections before: JSON Merge Patch \
        (RFC 7396). With `change`."
        .to_owned();
    schema
}

/// A correction whose fields go with its kind.
#[derive(Debug)]
pub enum Asked<'a> {
    Change(ConsultationId, &'a MergePatch),
    Void(ConsultationId),
    Add(&'a ConsultationInput),
}

impl CorrectionInput {
    /// What is asked for, and the reason.
    ///
    /// # Errors
    /// `Invalid` with what is missing, what does not go with the kind, and a wrong reason.
    pub fn asked(&self) -> Result<(Asked<'_>, String)> {
        let mut checks = Checks::new();
        let (change, add) = (CorrectionKind::Change, CorrectionKind::Add);
        for (pointer, given, wanted) in [
            ("/consultation_id", self.consultation_id.is_some(), self.kind != add),
            ("/changes", self.changes.is_some(), self.kind == change),
            ("/consultation", self.consultation.is_some(), self.kind == add),
        ] {
            checks.require(given || !wanted, pointer, "missing", "is required with this kind");
            checks.require(
                wanted || !given,
                pointer,
                "of_another_kind",
                "must be absent with this kind",
            );
        }
        let reason = checks.line("/reason", &self.reason, 500);
        checks.finish()?;
        let asked = match (self.kind, self.consultation_id, &self.changes, &self.consultation) {
            (CorrectionKind::Change, Some(id), Some(changes), _) => Asked::Change(id, changes),
            (CorrectionKind::Void, Some(id), ..) => Asked::Void(id),
            (CorrectionKind::Add, .., Some(consultation)) => Asked::Add(consultation),
            _ => return Err(Error::internal("a correction without what goes with its kind")),
        };
        Ok((asked, reason))
    }
}

/// Why, when and by whom a correction was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CorrectionWithdrawn {
    pub at: DateTime<Utc>,
    pub by: Reference,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Correction {
    pub id: CorrectionId,
    pub kind: CorrectionKind,
    pub carrier: Reference,
    /// That of the record, or of the date of the one that is missing.
    pub funding_period: Reference,
    /// The other closed period that the record should lie in; null where it stays in its own.
    #[schema(required)]
    pub moved_to: Option<Reference>,
    /// The record that is wrong; null with `add`.
    #[schema(required)]
    pub consultation: Option<ConsultationReference>,
    /// What the record says, with the corrections before, and what it should say; as of the entry.
    pub differences: Vec<FieldChange>,
    /// The record as it should read, with the corrections before; as of the entry. One that is missing has
    /// the id of the correction. Null with `void`.
    #[schema(required)]
    pub corrected: Option<Consultation>,
    /// The version of the record that it was entered on; null with `add`, and where it was not kept yet.
    #[schema(required)]
    pub record_version: Option<i64>,
    /// Fields in which it no longer holds, because the record itself was changed since: its period had been
    /// opened again. What is entered later builds on the record there.
    pub overtaken: Vec<String>,
    pub reason: String,
    pub recorded_by: Reference,
    #[schema(required)]
    pub withdrawn: Option<CorrectionWithdrawn>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CorrectionFilter {
    /// That of the record, or the one that it is moved to.
    pub funding_period_id: Option<FundingPeriodId>,
    pub consultation_id: Option<ConsultationId>,
    pub kind: Option<CorrectionKind>,
    pub withdrawn: Option<bool>,
    /// First day of entry, in the network's zone.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// Last day of entry, in the network's zone.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
    /// `created_at` or `-created_at` (the default).
    #[param(inline)]
    pub sort: Option<CorrectionSort>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum CorrectionSort {
    #[serde(rename = "created_at")]
    CreatedAt,
    #[default]
    #[serde(rename = "-created_at")]
    CreatedAtDescending,
}

/// A record with what the rules need to know of its corrections.
#[derive(Debug)]
pub struct Recorded {
    pub consultation: Consultation,
    /// The period that it lies in.
    pub period: FundingPeriod,
    /// Those that were not withdrawn, in the order of entry.
    pub corrections: Vec<Correction>,
}

impl Recorded {
    /// # Errors
    /// `Forbidden` for colleagues who were not part of it; `Conflict` when its period is not closed, or
    /// it is voided or should be.
    pub fn check_may_correct(&self, actor: &Actor) -> Result<()> {
        self.consultation.check_may_change(actor)?;
        self.period.takes_corrections()?;
        self.consultation.check_not_voided()?;
        if self.corrections.iter().any(|correction| correction.kind == CorrectionKind::Void) {
            return Err(Error::conflict(
                "voided_by_correction",
                "A correction voids the consultation; withdraw that first.",
            ));
        }
        Ok(())
    }

    /// The record as it reads with its corrections.
    ///
    /// # Errors
    /// `Internal` when they do not fit each other.
    pub fn corrected(&self) -> Result<Consultation> {
        let (fields, _) = read(&self.consultation, &self.corrections)?;
        serde_json::from_value(fields).map_err(|error| Error::Internal(error.into()))
    }
}

/// The fields in which a correction no longer holds. `effective` are those of its record that were not
/// withdrawn, in the order of entry.
///
/// # Errors
/// `Internal` when the record cannot be written as JSON.
pub fn overtaken(
    record: &Consultation,
    effective: &[Correction],
    id: CorrectionId,
) -> Result<Vec<String>> {
    let (_, overtaken) = read(record, effective)?;
    let of_it = overtaken.into_iter().filter(|(correction, _)| *correction == id);
    Ok(of_it.map(|(_, field)| field.to_owned()).collect())
}

/// A record with its corrections one on top of the other, and what of them no longer holds. Each was entered
/// on what it gives as old: where that is gone, the record was changed since and says what is newer.
fn read<'a>(
    record: &Consultation,
    corrections: &'a [Correction],
) -> Result<(Value, Vec<(CorrectionId, &'a str)>)> {
    let mut fields = json(&record.without_kind())?;
    let mut overtaken = Vec::new();
    for correction in corrections {
        let holds = |difference: &FieldChange| {
            let now = said(&fields[&difference.field]);
            now == said(&difference.old) || now == said(&difference.new)
        };
        let differences = &correction.differences;
        // What follows from another field says nothing by itself, such as a district that was filled in since.
        let follows = |field: &str| {
            DERIVED.contains(&field)
                && differences
                    .iter()
                    .map(|other| other.field.as_str())
                    .any(|other| !DERIVED.contains(&other) && go_together(other, field))
        };
        let gone: Vec<&str> = differences
            .iter()
            .filter(|difference| !follows(&difference.field) && !holds(difference))
            .map(|difference| difference.field.as_str())
            .collect();
        for difference in differences {
            let field = difference.field.as_str();
            if gone.iter().any(|gone| go_together(gone, field)) {
                overtaken.push((correction.id, field));
            } else {
                fields[field] = difference.new.clone();
            }
        }
    }
    Ok((fields, overtaken))
}

/// Fields that come from others of the record.
const DERIVED: [&str; 4] = ["district", "funding_period", "carrier", "note_warnings"];

/// Whether one of the fields would be wrong without what was said of the other.
fn go_together(one: &str, other: &str) -> bool {
    const OF_ONE_MATTER: [&[&str]; 3] = [
        &[
            "organisation",
            "establishment",
            "contacts",
            "anonymous",
            "accompaniment",
            "recruitment_case",
            "district",
            "held_on",
            "funding_period",
        ],
        &["site", "carrier"],
        &["notes", "note_warnings"],
    ];
    one == other
        || OF_ONE_MATTER.iter().any(|fields| fields.contains(&one) && fields.contains(&other))
}

/// What a value says, whatever the records that it names are called today.
fn said(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(said).collect(),
        Value::Object(fields) => match fields.get("id") {
            Some(id) => id.clone(),
            None => fields
                .iter()
                .filter(|(name, _)| !name.contains("label_"))
                .map(|(name, value)| (name.clone(), said(value)))
                .collect(),
        },
        other => other.clone(),
    }
}

impl Correction {
    /// Says that a record that may be corrected should read as the input has it. `context` holds what the
    /// input names, as far as it exists.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn change(
        id: CorrectionId,
        now: DateTime<Utc>,
        actor: &Actor,
        reason: String,
        recorded: &Recorded,
        input: &ConsultationInput,
        context: &Context,
    ) -> Result<Self> {
        let before = recorded.corrected()?;
        let mut checks = Checks::new();
        checks.require(
            context.period.as_ref().is_none_or(|period| period.takes_corrections().is_ok()),
            "/changes/held_on",
            "not_in_a_closed_period",
            "must stay in a closed funding period; void the record here and log it where it belongs",
        );
        let read = Consultation::checked(before.id, before.updated_at, actor, input, context);
        let corrected =
            checks.part("/changes", read)?.map(|read| kept(read, &before, input, context));
        let differences = match &corrected {
            // What is only called otherwise by now is no difference.
            Some(corrected) => changes(&json(&before)?, &json(corrected)?)
                .into_iter()
                .filter(|difference| said(&difference.old) != said(&difference.new))
                .collect(),
            None => Vec::new(),
        };
        checks.require(
            corrected.is_none() || !differences.is_empty(),
            "/changes",
            "changes_nothing",
            "must change something of the record as it reads with its corrections",
        );
        checks.finish()?;
        let consultation = Some(ConsultationReference::from(&recorded.consultation));
        let own = &recorded.consultation.funding_period;
        let period = corrected.as_ref().map(|corrected| &corrected.funding_period);
        Ok(Self {
            moved_to: period.filter(|period| period.id != own.id).cloned(),
            consultation,
            differences,
            corrected,
            record_version: Some(recorded.consultation.version),
            ..Self::new(id, now, actor, reason, CorrectionKind::Change, &recorded.consultation)
        })
    }

    /// Says that a record that may be corrected should not be there.
    ///
    /// # Errors
    /// `Conflict` when it is voided.
    pub fn void(
        id: CorrectionId,
        now: DateTime<Utc>,
        actor: &Actor,
        reason: String,
        recorded: &Recorded,
    ) -> Result<Self> {
        let before = recorded.corrected()?;
        let voided = before.voided(now, actor, reason.clone())?;
        Ok(Self {
            consultation: Some(ConsultationReference::from(&recorded.consultation)),
            differences: changes(&json(&before)?, &json(&voided)?),
            record_version: Some(recorded.consultation.version),
            ..Self::new(id, now, actor, reason, CorrectionKind::Void, &recorded.consultation)
        })
    }

    /// Says that a record is missing. `context` holds what the input names, as far as it exists.
    ///
    /// # Errors
    /// `Conflict` when its period is not closed; `Invalid` with everything that is wrong.
    pub fn add(
        id: CorrectionId,
        now: DateTime<Utc>,
        actor: &Actor,
        reason: String,
        input: &ConsultationInput,
        context: &Context,
    ) -> Result<Self> {
        if let Some(period) = &context.period {
            period.takes_corrections()?;
        }
        let missing = Consultation::checked(ConsultationId(id.0), now, actor, input, context)
            .map_err(|error| error.below("/consultation"))?;
        Ok(Self {
            differences: changes(&Value::Null, &json(&missing)?),
            corrected: Some(missing.clone()),
            ..Self::new(id, now, actor, reason, CorrectionKind::Add, &missing)
        })
    }

    fn new(
        id: CorrectionId,
        now: DateTime<Utc>,
        actor: &Actor,
        reason: String,
        kind: CorrectionKind,
        of: &Consultation,
    ) -> Self {
        Self {
            id,
            kind,
            carrier: of.carrier.clone(),
            funding_period: of.funding_period.clone(),
            moved_to: None,
            consultation: None,
            differences: Vec::new(),
            corrected: None,
            record_version: None,
            overtaken: Vec::new(),
            reason,
            recorded_by: actor.reference(),
            withdrawn: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Takes it back. `effective` are the corrections of the same record that were not withdrawn, in the
    /// order of entry: each says what it says on top of those before, so the last one goes first.
    ///
    /// # Errors
    /// `Forbidden` for all but who recorded it and managers; `Conflict` when it is withdrawn or a later one
    /// is not.
    pub fn withdrawn(
        &self,
        now: DateTime<Utc>,
        actor: &Actor,
        reason: String,
        effective: &[Self],
    ) -> Result<Self> {
        if actor.role != Role::Manager && self.recorded_by.id != actor.user_id.0 {
            return Err(Error::Forbidden(
                "Only who recorded a correction and managers withdraw it.".to_owned(),
            ));
        }
        if let Some(withdrawn) = &self.withdrawn {
            return Err(Error::conflict(
                "withdrawn",
                format!(
                    "The correction was withdrawn on {}.",
                    crate::time::local_date(withdrawn.at)
                ),
            ));
        }
        if effective.last().is_some_and(|last| last.id != self.id) {
            return Err(Error::conflict(
                "corrected_since",
                "A later correction of the consultation builds on this one; withdraw that first.",
            ));
        }
        Ok(Self {
            withdrawn: Some(CorrectionWithdrawn { at: now, by: actor.reference(), reason }),
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        })
    }
}

/// What a correction leaves of a record: its book-keeping, its district as a change does, and what was seen in
/// notes that stay: the patterns may have learned since.
fn kept(
    read: Consultation,
    before: &Consultation,
    input: &ConsultationInput,
    context: &Context,
) -> Consultation {
    let notes_stay = read.notes == before.notes;
    Consultation {
        district: kept_district(before, input, read.district, &context.districts),
        note_warnings: if notes_stay { before.note_warnings.clone() } else { read.note_warnings },
        recorded_by: before.recorded_by.clone(),
        version: before.version,
        created_at: before.created_at,
        ..read
    }
}

fn json(consultation: &Consultation) -> Result<Value> {
    serde_json::to_value(consultation).map_err(|error| Error::Internal(error.into()))
}

impl Entity for Correction {
    const KIND: EntityKind = EntityKind::Correction;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn carrier(&self) -> Option<CarrierId> {
        Some(CarrierId(self.carrier.id))
    }
}

#[cfg(test)]
mod tests;
