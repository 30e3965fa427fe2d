use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::check_version;
use lotse_domain::id::TopicId;
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_domain::topic::{Topic, TopicFilter, TopicInput};
use lotse_domain::{Error, Result};
use lotse_persistence::{Conn, audit, topic};

use crate::{App, Caller};

/// The longest chain of topics that replace one another; the view `current_topics` goes as far.
const MAX_REPLACED: usize = 50;

/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &TopicFilter,
    paging: &Paging,
) -> Result<Page<Topic>> {
    app.read(caller, Action::ReadNetwork, |tx| topic::list(tx.conn, filter, paging))
}

/// # Errors
/// `NotFound`.
pub fn get(app: &App, caller: &Caller, id: TopicId) -> Result<Topic> {
    app.read(caller, Action::ReadNetwork, |tx| topic::find(tx.conn, id))
}

/// # Errors
/// `NotFound`.
pub fn history(
    app: &App,
    caller: &Caller,
    id: TopicId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadNetwork, |tx| {
        topic::find(tx.conn, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `Invalid`; `Conflict` when the code is taken.
pub fn create(app: &App, caller: &Caller, input: &TopicInput) -> Result<Topic> {
    app.write(caller, Action::ChangeNetwork, |tx| {
        check_successor(tx.conn, None, input)?;
        let new = Topic::new(tx.new_id(), tx.now, input)?;
        topic::insert(tx.conn, &new)?;
        tx.created(&new)?;
        Ok(new)
    })
}

/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when the code is taken.
pub fn change(
    app: &App,
    caller: &Caller,
    id: TopicId,
    seen: i64,
    patch: &MergePatch,
) -> Result<Topic> {
    app.write(caller, Action::ChangeNetwork, |tx| {
        let old = topic::find(tx.conn, id)?;
        check_version(&old, seen)?;
        let input: TopicInput = patch.apply(&TopicInput::from(&old))?;
        check_successor(tx.conn, Some(id), &input)?;
        let new = old.changed(tx.now, &input)?;
        topic::update(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        Ok(new)
    })
}

/// The topic that an input names as the one that replaces it exists, and is not replaced by this one
/// in turn: whoever follows the chain must come to an end.
fn check_successor(conn: &mut Conn, topic: Option<TopicId>, input: &TopicInput) -> Result<()> {
    let Some(successor) = input.replaced_by_id else { return Ok(()) };
    topic::hold_chains(conn)?;
    let mut next = Some(successor);
    let mut steps = 0;
    while let Some(id) = next {
        if Some(id) == topic || steps == MAX_REPLACED {
            return Err(Error::invalid(
                "/replaced_by_id",
                "circle",
                "must not be replaced by this topic, and a chain has at most 50 topics",
            ));
        }
        next = match topic::find(conn, id) {
            Ok(found) => found.replaced_by_id,
            Err(Error::NotFound(_)) => {
                return Err(Error::invalid(
                    "/replaced_by_id",
                    "unknown",
                    "must be the id of a topic, see GET /api/v1/topics",
                ));
            }
            Err(error) => return Err(error),
        };
        steps += 1;
    }
    Ok(())
}
