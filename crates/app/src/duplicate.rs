use lotse_domain::policy::Action;
use lotse_domain::search::Found;
use lotse_domain::{Error, Result};
use lotse_persistence::{duplicate, duplicate_settings};

use crate::Writing;

/// Refuses what is perhaps there already. Who enters the same at once waits until the other is through.
///
/// # Errors
/// `PossibleDuplicate` with those that it may be; `Forbidden` for a key that may not read the register, since
/// the answer tells who is there.
pub(crate) fn guard(tx: &mut Writing, entered: &Found) -> Result<()> {
    tx.actor.may(Action::ReadRegister)?;
    duplicate::hold_all(tx.conn, entered)?;
    let ask_from = duplicate_settings::find(tx.conn)?.ask_from;
    let mut candidates = duplicate::same_as(tx.conn, entered)?;
    candidates.retain(|candidate| candidate.score >= ask_from);
    if candidates.is_empty() {
        return Ok(());
    }
    Err(Error::PossibleDuplicate {
        detail: "It may be there already. Take one of the candidates, or add another one with \
                 create_anyway=true."
            .to_owned(),
        candidates,
    })
}
