//! The lead passes to somebody else when that one accepts.

use lotse_domain::Result;
use lotse_domain::accompaniment::{Accompaniment, HandOverInput};
use lotse_domain::id::AccompanimentId;
use lotse_domain::policy::Action;
use lotse_persistence::user;

use super::{as_seen, changed_by, keep};
use crate::{App, Caller};

/// Proposes it.
///
/// # Errors
/// As [`super::change`].
pub fn hand_over(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    seen: i64,
    input: &HandOverInput,
) -> Result<Accompaniment> {
    changed_by(app, caller, id, seen, |tx, old| {
        let (carrier, today) = (tx.actor.own_carrier()?.id, tx.today());
        let people = user::available_on(tx.conn, &[input.to_id], carrier, today)?;
        old.handed_over(tx.now, today, &tx.actor, input, &people)
    })
}

/// By whom it is to pass to.
///
/// # Errors
/// `NotFound`, also for another carrier's; `Stale`; `Forbidden` for others; `Conflict` when nothing was
/// proposed.
pub fn accept_hand_over(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    seen: i64,
) -> Result<Accompaniment> {
    app.write(caller, Action::ChangeAccompaniments, |tx| {
        let old = as_seen(tx, id, seen)?;
        let new = old.hand_over_accepted(tx.now, tx.today(), &tx.actor)?;
        keep(tx, &old, &new)
    })
}

/// By whom it was to pass to, or taken back by those who look after the accompaniment.
///
/// # Errors
/// As [`accept_hand_over`].
pub fn decline_hand_over(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    seen: i64,
) -> Result<Accompaniment> {
    app.write(caller, Action::ChangeAccompaniments, |tx| {
        let old = as_seen(tx, id, seen)?;
        let new = old.hand_over_declined(tx.now, tx.today(), &tx.actor)?;
        keep(tx, &old, &new)
    })
}
