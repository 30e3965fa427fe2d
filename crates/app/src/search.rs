use lotse_domain::Result;
use lotse_domain::policy::Action;
use lotse_domain::search::{FEW, SearchHits, SearchKind, SearchParams, rated};
use lotse_persistence::search::{self, Search};

use crate::{App, Caller};

/// Organisations and the own carrier's contacts, by whatever is known of them. Who may not read contacts or
/// tags finds without them.
///
/// # Errors
/// `Malformed` when nothing or too much was typed; `Forbidden` for a key that asks for contacts and may not
/// read them.
pub fn search(app: &App, caller: &Caller, params: &SearchParams) -> Result<SearchHits> {
    let (query, most) = (params.query()?, params.most()?);
    app.read_whole(caller, Action::ReadRegister, |tx| {
        if params.kind == Some(SearchKind::Contact) {
            tx.actor.may(Action::ReadContacts)?;
        }
        let scope = tx.scope();
        let search = Search {
            scope: &scope,
            query: &query,
            kind: params.kind,
            contacts: tx.actor.may(Action::ReadContacts).is_ok(),
            tags: tx.actor.may(Action::ReadTags).is_ok(),
            archived: params.archived.unwrap_or(false),
        };
        let mut found = search::containing(tx.conn, &search)?;
        let mut items = rated(&query, &found);
        if items.len() < FEW {
            let mut similar = search::similar(tx.conn, &search)?;
            similar.retain(|one| !found.iter().any(|known| known.id == one.id));
            found.extend(similar);
            items = rated(&query, &found);
        }
        items.truncate(most);
        if items.iter().any(|hit| hit.kind == SearchKind::Contact) {
            tx.shows(Action::ReadContacts);
        }
        Ok(SearchHits { items })
    })
}
