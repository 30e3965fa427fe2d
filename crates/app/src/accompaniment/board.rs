//! The board. A plan takes longer than all else of a row, and what is derived of one follows from the version
//! of its run and the day alone: so it is derived once a day and version, and kept in memory.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use lotse_domain::Result;
use lotse_domain::accompaniment::{Board, BoardFilter, BoardMaker, BoardName, BoardPlace};
use lotse_domain::id::AccompanimentId;
use lotse_domain::policy::Action;
use lotse_persistence::accompaniment;
use quick_cache::sync::Cache;

use crate::{App, Caller, Reading};

/// Some 2 kB each.
const REMEMBERED: usize = 5_000;

/// Where runs stood on boards, each with the version and the day that this holds for.
#[derive(Clone, Debug)]
pub(crate) struct Places(Arc<Cache<AccompanimentId, Place>>);

#[derive(Clone, Debug)]
struct Place {
    version: i64,
    on: NaiveDate,
    place: Option<Arc<BoardPlace>>,
}

impl Default for Places {
    fn default() -> Self {
        Self(Arc::new(Cache::new(REMEMBERED)))
    }
}

impl Places {
    fn of(&self, name: &BoardName, on: NaiveDate) -> Option<Place> {
        self.0.get(&name.id).filter(|known| known.version == name.version && known.on == on)
    }
}

/// What is under way, by phase.
///
/// # Errors
/// What the policy says.
pub fn board(app: &App, caller: &Caller, filter: &BoardFilter) -> Result<Board> {
    app.read_whole(caller, Action::ReadAccompaniments, |tx| {
        let (scope, user, today) = (tx.scope(), tx.actor.user_id, tx.today());
        let runs = accompaniment::under_way(tx.conn, &tx.names, &scope, filter, user)?;
        let known: Vec<_> = runs.iter().map(|name| app.places.of(name, today)).collect();
        let unknown = runs.iter().zip(&known).filter(|(_, known)| known.is_none());
        let unknown: Vec<_> = unknown.map(|(name, _)| name.id).collect();
        let derived = derive(app, tx, &unknown)?;
        let mut maker = BoardMaker::new(today, filter.track);
        for (name, known) in runs.into_iter().zip(known) {
            let place = known.as_ref().or_else(|| derived.get(&name.id));
            if let Some(place) = place.and_then(|place| place.place.as_ref()) {
                maker.add(name, place);
            }
        }
        Ok(maker.board())
    })
}

fn derive(
    app: &App,
    tx: &mut Reading,
    ids: &[AccompanimentId],
) -> Result<HashMap<AccompanimentId, Place>> {
    let (scope, on) = (tx.scope(), tx.today());
    let mut derived = HashMap::new();
    accompaniment::each(tx.conn, &tx.names, &scope, ids, |run| {
        let place = run.board_place(on).map(Arc::new);
        let place = Place { version: run.version, on, place };
        app.places.0.insert(run.id, place.clone());
        derived.insert(run.id, place);
    })?;
    Ok(derived)
}
