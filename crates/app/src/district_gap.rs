//! A company, an actor or an establishment that is given a district gives it to the consultations that have
//! none. What a record has it keeps (it is as of the service date), so a company that moves changes none.

use std::collections::BTreeMap;

use lotse_domain::Result;
use lotse_domain::audit::{AuditAction, FieldChange, Subject};
use lotse_domain::district::on_date;
use lotse_domain::entity::{EntityKind, Reference};
use lotse_domain::id::{ConsultationId, DistrictId, OrganisationId};
use lotse_persistence::{district, district_gap};
use serde_json::{Value, json};

use crate::Writing;

/// Fills what lies in periods that are not closed, whoever's it is and whoever asks: the register is shared,
/// and a district that comes from it is no change of what was said. `given` is that of the organisation;
/// a consultation at an establishment that has one takes that.
pub(crate) fn close(
    tx: &mut Writing,
    organisation: OrganisationId,
    given: Option<&Reference>,
) -> Result<()> {
    let without = district_gap::consultations(tx.conn, organisation)?;
    if without.is_empty() {
        return Ok(());
    }
    let districts = district::all(tx.conn)?;
    let mut filled: BTreeMap<DistrictId, Vec<ConsultationId>> = BTreeMap::new();
    for consultation in without {
        let place = consultation.of_establishment.or(given.map(|district| DistrictId(district.id)));
        let Some(valid) = place.and_then(|id| on_date(&districts, id, consultation.held_on)) else {
            continue;
        };
        filled.entry(valid.id).or_default().push(consultation.id);
        let subject = Subject {
            kind: EntityKind::Consultation,
            id: consultation.id.0,
            carrier: Some(consultation.carrier),
        };
        let new = json!(Reference::new(valid.id, &valid.name));
        let change = FieldChange { field: "district".to_owned(), old: Value::Null, new };
        let version = consultation.version + 1;
        tx.note_changes(AuditAction::Changed, subject, Some(version), vec![change]);
    }
    for (district, ids) in filled {
        district_gap::fill(tx.conn, &ids, district, tx.now)?;
    }
    Ok(())
}
