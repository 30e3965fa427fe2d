//! A company that is given a district gives it to its consultations that have none. What a record has it
//! keeps (it is as of the service date), so a company that moves changes none.

use lotse_domain::Result;
use lotse_domain::audit::{AuditAction, FieldChange, Subject};
use lotse_domain::district::on_date;
use lotse_domain::entity::{EntityKind, Reference};
use lotse_domain::funding_period::FundingPeriodStatus;
use lotse_domain::id::{DistrictId, OrganisationId};
use lotse_domain::policy::Role;
use lotse_persistence::{district, district_gap};
use serde_json::{Value, json};

use crate::Writing;

/// In the periods that the caller may change records of, whoever's they are: the register is shared.
pub(crate) fn close(
    tx: &mut Writing,
    organisation: OrganisationId,
    before: Option<&Reference>,
    now: Option<&Reference>,
) -> Result<()> {
    let (None, Some(given)) = (before, now) else { return Ok(()) };
    let mut statuses = vec![FundingPeriodStatus::Open];
    if tx.actor.role == Role::Manager {
        statuses.push(FundingPeriodStatus::Closing);
    }
    let without = district_gap::consultations(tx.conn, organisation, &statuses)?;
    if without.is_empty() {
        return Ok(());
    }
    let districts = district::all(tx.conn)?;
    for consultation in without {
        let valid = on_date(&districts, DistrictId(given.id), consultation.held_on);
        let Some(valid) = valid.map(|district| Reference::new(district.id, &district.name)) else {
            continue;
        };
        let version = consultation.version + 1;
        district_gap::fill(tx.conn, consultation.id, DistrictId(valid.id), version, tx.now)?;
        let subject = Subject {
            kind: EntityKind::Consultation,
            id: consultation.id.0,
            carrier: Some(consultation.carrier),
        };
        let change =
            FieldChange { field: "district".to_owned(), old: Value::Null, new: json!(valid) };
        tx.note_changes(AuditAction::Changed, subject, Some(version), vec![change])?;
    }
    Ok(())
}
