use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl::{exists, sql};
use diesel::prelude::*;
use diesel::sql_types::Date;
use lotse_domain::Result;
use lotse_domain::accompaniment::{
    Accompaniment, AccompanimentFilter, AccompanimentSort, AccompanimentStatus, BoardFilter,
    BoardName,
};
use lotse_domain::entity::Reference;
use lotse_domain::id::{AccompanimentId, FundingPeriodId, OrganisationId, UserId};
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::statistics::Window;
use lotse_domain::timeline::TimelineFilter;

use super::{Seen, parts};
use crate::among::among;
use crate::connection::Conn;
use crate::convert::carrier_of;
use crate::error::DbResult;
use crate::merge;
use crate::names::Names;
use crate::page::first;
use crate::schema::{
    accompaniment_pauses, accompaniment_steps, accompaniments, organisations, programme_templates,
};
use crate::sql_types::{At, Key};

/// The day that a run stands at on a timeline.
const STANDS_ON: &str = "coalesce(accompaniments.started_on, accompaniments.requested_on)";

#[diesel::dsl::auto_type(no_type_alias)]
fn of_carrier(carrier: Key) -> _ {
    accompaniments::table
        .inner_join(organisations::table)
        .filter(accompaniments::carrier_id.eq(carrier))
}

#[diesel::dsl::auto_type(no_type_alias)]
fn is_under_way() -> _ {
    accompaniments::started_on
        .is_not_null()
        .and(accompaniments::completed_on.is_null())
        .and(accompaniments::ended_on.is_null())
}

/// Whether somebody leads it or stands in.
#[diesel::dsl::auto_type(no_type_alias)]
fn is_of(user: Key) -> _ {
    accompaniments::lead_id.eq(user).or(accompaniments::deputy_id.assume_not_null().eq(user))
}

/// Whether a day lies in a pause of the run.
#[diesel::dsl::auto_type(no_type_alias)]
fn is_paused_on(day: NaiveDate) -> _ {
    exists(
        accompaniment_pauses::table
            .filter(accompaniment_pauses::accompaniment_id.eq(accompaniments::id))
            .filter(accompaniment_pauses::from_on.le(day))
            .filter(accompaniment_pauses::until_on.ge(day)),
    )
}

/// `user` is the caller, and `today` the day, that a filter may speak of.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    filter: &AccompanimentFilter,
    user: UserId,
    today: NaiveDate,
    paging: &Paging,
) -> Result<Page<Accompaniment>> {
    let sort = filter.sort.unwrap_or_default();
    let key = |run: &Accompaniment| (sort.key(run), run.id.0);
    let Some(carrier) = carrier_of(scope) else { return paging.page(Vec::new(), None, key) };
    let company = merge::current(conn, filter.company_id)?;
    let matching = || {
        let mut query = of_carrier(carrier).into_boxed();
        if let Some(company) = company {
            query = query.filter(accompaniments::company_id.eq(Key(company.0)));
        }
        if let Some(site) = filter.site_id {
            query = query.filter(accompaniments::site_id.eq(Key(site.0)));
        }
        if let Some(lead) = filter.lead_id {
            query = query.filter(accompaniments::lead_id.eq(Key(lead.0)));
        }
        if filter.mine == Some(true) {
            query = query.filter(is_of(Key(user.0)));
        }
        query = match filter.status {
            None => query,
            Some(AccompanimentStatus::Requested) => query
                .filter(accompaniments::agreed_on.is_null())
                .filter(accompaniments::rejected_on.is_null()),
            Some(AccompanimentStatus::Agreed) => query
                .filter(accompaniments::agreed_on.is_not_null())
                .filter(accompaniments::started_on.is_null())
                .filter(accompaniments::ended_on.is_null()),
            Some(AccompanimentStatus::Rejected) => {
                query.filter(accompaniments::rejected_on.is_not_null())
            }
            Some(AccompanimentStatus::Active) => {
                query.filter(is_under_way()).filter(diesel::dsl::not(is_paused_on(today)))
            }
            Some(AccompanimentStatus::Paused) => {
                query.filter(is_under_way()).filter(is_paused_on(today))
            }
            Some(AccompanimentStatus::Completed) => {
                query.filter(accompaniments::completed_on.is_not_null())
            }
            Some(AccompanimentStatus::EndedEarly) => {
                query.filter(accompaniments::ended_on.is_not_null())
            }
        };
        if let Some(template) = &filter.template {
            let versions = programme_templates::table
                .filter(programme_templates::code.eq(template))
                .select(programme_templates::id);
            query = query.filter(accompaniments::template_id.eq_any(versions));
        }
        if let Some(period) = filter.funding_period_id {
            query = query.filter(accompaniments::funding_period_id.eq(Some(Key(period.0))));
        }
        if let Some(from) = filter.started_from {
            query = query.filter(accompaniments::started_on.ge(from));
        }
        if let Some(to) = filter.started_to {
            query = query.filter(accompaniments::started_on.le(to));
        }
        if let Some(on) = filter.active_on {
            query = query
                .filter(accompaniments::started_on.le(on))
                .filter(
                    accompaniments::completed_on.is_null().or(accompaniments::completed_on.ge(on)),
                )
                .filter(accompaniments::ended_on.is_null().or(accompaniments::ended_on.ge(on)));
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        // `sort value ≥ key` lets the index find the place; the second part settles ties.
        let id = Key(after.id);
        page = match sort {
            AccompanimentSort::RequestedOn => {
                let on: NaiveDate = after.parse()?;
                page.filter(accompaniments::requested_on.ge(on))
                    .filter(accompaniments::requested_on.gt(on).or(accompaniments::id.gt(id)))
            }
            AccompanimentSort::RequestedOnDescending => {
                let on: NaiveDate = after.parse()?;
                page.filter(accompaniments::requested_on.le(on))
                    .filter(accompaniments::requested_on.lt(on).or(accompaniments::id.lt(id)))
            }
            AccompanimentSort::CreatedAt => {
                let at = At(after.parse::<DateTime<Utc>>()?);
                page.filter(accompaniments::created_at.ge(at))
                    .filter(accompaniments::created_at.gt(at).or(accompaniments::id.gt(id)))
            }
            AccompanimentSort::CreatedAtDescending => {
                let at = At(after.parse::<DateTime<Utc>>()?);
                page.filter(accompaniments::created_at.le(at))
                    .filter(accompaniments::created_at.lt(at).or(accompaniments::id.lt(id)))
            }
        };
    }
    page = match sort {
        AccompanimentSort::RequestedOn => {
            page.order((accompaniments::requested_on, accompaniments::id))
        }
        AccompanimentSort::RequestedOnDescending => {
            page.order((accompaniments::requested_on.desc(), accompaniments::id.desc()))
        }
        AccompanimentSort::CreatedAt => {
            page.order((accompaniments::created_at, accompaniments::id))
        }
        AccompanimentSort::CreatedAtDescending => {
            page.order((accompaniments::created_at.desc(), accompaniments::id.desc()))
        }
    };
    let page = page.select((accompaniments::all_columns, organisations::name));
    let rows: Vec<Seen> = first(paging, page).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    paging.page(parts::entities(conn, names, rows)?, total, key)
}

/// Those of an organisation by the day of their start or else of the request, the latest first.
///
/// # Errors
/// When the database cannot be read.
pub fn of_organisation(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    organisation: OrganisationId,
    filter: &TimelineFilter,
    paging: &Paging,
) -> Result<Page<Accompaniment>> {
    let key = |run: &Accompaniment| (run.stands_on().to_string(), run.id.0);
    let Some(carrier) = carrier_of(scope) else { return paging.page(Vec::new(), None, key) };
    let matching = || {
        let mut query = of_carrier(carrier)
            .filter(accompaniments::company_id.eq(Key(organisation.0)))
            .into_boxed();
        if let Some(from) = filter.from {
            query = query.filter(sql::<Date>(STANDS_ON).ge(from));
        }
        if let Some(to) = filter.to {
            query = query.filter(sql::<Date>(STANDS_ON).le(to));
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        let (on, id): (NaiveDate, Key) = (after.parse()?, Key(after.id));
        page = page
            .filter(sql::<Date>(STANDS_ON).le(on))
            .filter(sql::<Date>(STANDS_ON).lt(on).or(accompaniments::id.lt(id)));
    }
    let page = page
        .order((sql::<Date>(STANDS_ON).desc(), accompaniments::id.desc()))
        .select((accompaniments::all_columns, organisations::name));
    let rows: Vec<Seen> = first(paging, page).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    paging.page(parts::entities(conn, names, rows)?, total, key)
}

/// Those that are under way, paused or not, as a board names them.
///
/// # Errors
/// When the database cannot be read.
pub fn under_way(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    filter: &BoardFilter,
    user: UserId,
) -> Result<Vec<BoardName>> {
    type Named = (Key, i64, Key, String, Key, Key, Option<Key>);
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let mut query = of_carrier(carrier).filter(is_under_way()).into_boxed();
    if let Some(site) = filter.site_id {
        query = query.filter(accompaniments::site_id.eq(Key(site.0)));
    }
    if let Some(lead) = filter.lead_id {
        query = query.filter(accompaniments::lead_id.eq(Key(lead.0)));
    }
    if filter.mine == Some(true) {
        query = query.filter(is_of(Key(user.0)));
    }
    let named: Vec<Named> = query
        .select((
            accompaniments::id,
            accompaniments::version,
            accompaniments::company_id,
            organisations::name,
            accompaniments::site_id,
            accompaniments::lead_id,
            accompaniments::deputy_id,
        ))
        .load(conn)
        .db()?;
    let named = named.into_iter().map(|(id, version, company, name, site, lead, deputy)| {
        Ok(BoardName {
            id: AccompanimentId(id.0),
            version,
            company: Reference { id: company.0, name },
            site: names.reference(site)?,
            lead: names.reference(lead)?,
            deputy: deputy.map(|id| names.reference(id)).transpose()?,
        })
    });
    named.collect()
}

/// Shows some of those in the scope, one after the other.
///
/// # Errors
/// When the database cannot be read.
pub fn each(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    ids: &[AccompanimentId],
    mut each: impl FnMut(&Accompaniment),
) -> Result<()> {
    // With all that belongs to them, thousands of runs would be much to hold at once, and fresh memory costs
    // more than a few more statements.
    const AT_ONCE: usize = 200;
    let Some(carrier) = carrier_of(scope) else { return Ok(()) };
    for ids in ids.chunks(AT_ONCE) {
        let ids: Vec<Key> = ids.iter().map(|id| Key(id.0)).collect();
        let rows: Vec<Seen> = on_backend!(conn, c => of_carrier(carrier)
            .filter(among(accompaniments::id, &ids))
            .select((accompaniments::all_columns, organisations::name))
            .load(c))
        .db()?;
        parts::entities(conn, names, rows)?.iter().for_each(&mut each);
    }
    Ok(())
}

/// Those that a user leads or stands in for and in which something is to be done.
///
/// # Errors
/// When the database cannot be read.
pub fn of_user(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    user: UserId,
) -> Result<Vec<Accompaniment>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let awaited = accompaniment_steps::table
        .filter(accompaniment_steps::accompaniment_id.eq(accompaniments::id))
        .filter(accompaniment_steps::awaited_on.is_not_null());
    let rows: Vec<Seen> = of_carrier(carrier)
        .filter(is_of(Key(user.0)))
        .filter(is_under_way().or(exists(awaited)))
        .order(accompaniments::id)
        .select((accompaniments::all_columns, organisations::name))
        .load(conn)
        .db()?;
    parts::entities(conn, names, rows)
}

/// Those that started in the window, for figures: also over the network.
pub(crate) fn started_in(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    period: FundingPeriodId,
    window: Window,
) -> Result<Vec<Accompaniment>> {
    let mut query = accompaniments::table
        .inner_join(organisations::table)
        .filter(accompaniments::funding_period_id.eq(Some(Key(period.0))))
        .filter(accompaniments::started_on.between(window.from, window.to))
        .into_boxed();
    match scope {
        Scope::Nothing => return Ok(Vec::new()),
        Scope::Network => (),
        Scope::Carrier(carrier) => {
            query = query.filter(accompaniments::carrier_id.eq(Key(carrier.0)));
        }
    }
    let query = query.select((accompaniments::all_columns, organisations::name));
    let rows: Vec<Seen> = query.load(conn).db()?;
    parts::entities(conn, names, rows)
}
