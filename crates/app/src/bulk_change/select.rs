//! Which records a bulk change is of, with the versions that they have.

use std::collections::HashSet;

use lotse_domain::Result;
use lotse_domain::bulk_change::{BulkSelection, BulkTarget, SelectedRecord};
use lotse_domain::entity::Entity;
use lotse_domain::page::{Page, Paging};
use lotse_persistence::{actor, bulk_change, company, consultation, referral, task};

use crate::Writing;

/// What a filter matches is what its list shows.
pub(super) fn records(
    tx: &mut Writing,
    target: BulkTarget,
    selection: &BulkSelection,
) -> Result<Vec<SelectedRecord>> {
    let (scope, user, today) = (tx.scope(), tx.actor.user_id, tx.today());
    match selection {
        BulkSelection::Ids(ids) => bulk_change::with_versions(tx.conn, &scope, target, ids),
        BulkSelection::Companies(filter) => {
            all(|paging| company::list(tx.conn, &scope, filter, paging))
        }
        BulkSelection::Actors(filter) => all(|paging| actor::list(tx.conn, &scope, filter, paging)),
        BulkSelection::Consultations(filter) => {
            all(|paging| consultation::list(tx.conn, &tx.names, &scope, filter, paging))
        }
        BulkSelection::Tasks(filter) => {
            all(|paging| task::list(tx.conn, &tx.names, &scope, filter, user, today, paging))
        }
        BulkSelection::Referrals(filter) => {
            all(|paging| referral::list(tx.conn, &tx.names, &scope, filter, paging))
        }
    }
}

fn all<T: Entity>(
    mut page_of: impl FnMut(&Paging) -> Result<Page<T>>,
) -> Result<Vec<SelectedRecord>> {
    let mut paging = Paging::of_all(&"bulk change")?;
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    loop {
        let page = page_of(&paging)?;
        for item in &page.items {
            // One that is changed meanwhile may come again further below.
            if seen.insert(item.id()) {
                found.push(SelectedRecord { id: item.id(), version: Some(item.version()) });
            }
        }
        BulkSelection::check_number(found.len())?;
        match paging.following(&page)? {
            Some(next) => paging = next,
            None => return Ok(found),
        }
    }
}
