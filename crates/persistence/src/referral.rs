use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use lotse_domain::code::Code;
use lotse_domain::company::LegalForm;
use lotse_domain::consultation::ConsultationReference;
use lotse_domain::entity::Reference;
use lotse_domain::id::{ConsultationId, OrganisationId, ReferralId, UserId};
use lotse_domain::organisation::OrganisationReference;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::referral::{
    Referral, ReferralAnswer, ReferralAnswered, ReferralClosed, ReferralFilter, ReferralSort,
    ReferralStatus, ReferralWithdrawn, status,
};
use lotse_domain::task::ReassignInput;
use lotse_domain::worklist::{Whose, WorklistQuery};
use lotse_domain::{Error, Result};
use uuid::Uuid;

use crate::among::among;
use crate::connection::Conn;
use crate::convert::{carrier_of, code, optional_code};
use crate::error::{DbResult, all_rows, one_row};
use crate::merge;
use crate::names::Names;
use crate::page::first;
use crate::schema::{company_profiles, referral_rows, referrals};
use crate::sql_types::{At, Key};

/// As it is written.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = referrals, treat_none_as_null = true)]
struct Row {
    id: Key,
    carrier_id: Key,
    consultation_id: Option<Key>,
    organisation_id: Key,
    actor_id: Key,
    reason: String,
    consent_on: Option<NaiveDate>,
    note: Option<String>,
    referred_on: NaiveDate,
    answer_due_on: NaiveDate,
    owner_id: Key,
    answer: Option<String>,
    answered_on: Option<NaiveDate>,
    answered_by: Option<Key>,
    answer_note: Option<String>,
    closed_on: Option<NaiveDate>,
    closed_by: Option<Key>,
    result: Option<String>,
    withdrawn_at: Option<At>,
    withdrawn_by: Option<Key>,
    withdraw_reason: Option<String>,
    recorded_by: Key,
    version: i64,
    created_at: At,
    updated_at: At,
}

/// As it is read: with what it shows of organisations and of the consultation.
#[derive(Queryable, Selectable)]
#[diesel(table_name = referral_rows)]
struct Seen {
    id: Key,
    carrier_id: Key,
    consultation_id: Option<Key>,
    organisation_id: Key,
    actor_id: Key,
    reason: String,
    consent_on: Option<NaiveDate>,
    note: Option<String>,
    referred_on: NaiveDate,
    answer_due_on: NaiveDate,
    owner_id: Key,
    answer: Option<String>,
    answered_on: Option<NaiveDate>,
    answered_by: Option<Key>,
    answer_note: Option<String>,
    closed_on: Option<NaiveDate>,
    closed_by: Option<Key>,
    result: Option<String>,
    withdrawn_at: Option<At>,
    withdrawn_by: Option<Key>,
    withdraw_reason: Option<String>,
    recorded_by: Key,
    version: i64,
    created_at: At,
    updated_at: At,
    organisation_name: String,
    organisation_kind: String,
    actor_name: String,
    consultation_held_on: Option<NaiveDate>,
    consultation_organisation_id: Option<Key>,
    consultation_organisation_name: Option<String>,
    consultation_organisation_kind: Option<String>,
}

impl From<&Referral> for Row {
    fn from(r: &Referral) -> Self {
        let (answered, closed, withdrawn) =
            (r.answered.as_ref(), r.closed.as_ref(), r.withdrawn.as_ref());
        Self {
            id: Key(r.id.0),
            carrier_id: Key(r.carrier.id),
            consultation_id: r.consultation.as_ref().map(|consultation| Key(consultation.id.0)),
            organisation_id: Key(r.organisation.id.0),
            actor_id: Key(r.actor.id),
            reason: r.reason.clone(),
            consent_on: r.consent_on,
            note: r.note.clone(),
            referred_on: r.referred_on,
            answer_due_on: r.answer_due_on,
            owner_id: Key(r.owner.id),
            answer: answered.map(|answered| answered.answer.code().to_owned()),
            answered_on: answered.map(|answered| answered.on),
            answered_by: answered.map(|answered| Key(answered.by.id)),
            answer_note: answered.and_then(|answered| answered.note.clone()),
            closed_on: closed.map(|closed| closed.on),
            closed_by: closed.map(|closed| Key(closed.by.id)),
            result: closed.map(|closed| closed.result.clone()),
            withdrawn_at: withdrawn.map(|withdrawn| At(withdrawn.at)),
            withdrawn_by: withdrawn.map(|withdrawn| Key(withdrawn.by.id)),
            withdraw_reason: withdrawn.map(|withdrawn| withdrawn.reason.clone()),
            recorded_by: Key(r.recorded_by.id),
            version: r.version,
            created_at: At(r.created_at),
            updated_at: At(r.updated_at),
        }
    }
}

fn entity(seen: Seen, names: &Names) -> Result<Referral> {
    let answer: Option<ReferralAnswer> = optional_code(seen.answer.as_deref())?;
    let answered = match (answer, seen.answered_on, seen.answered_by) {
        (Some(answer), Some(on), Some(by)) => {
            Some(ReferralAnswered { answer, on, by: names.reference(by)?, note: seen.answer_note })
        }
        _ => None,
    };
    let closed = match (seen.closed_on, seen.closed_by, seen.result) {
        (Some(on), Some(by), Some(result)) => {
            Some(ReferralClosed { on, by: names.reference(by)?, result })
        }
        _ => None,
    };
    let withdrawn = match (seen.withdrawn_at, seen.withdrawn_by, seen.withdraw_reason) {
        (Some(at), Some(by), Some(reason)) => {
            Some(ReferralWithdrawn { at: at.0, by: names.reference(by)?, reason })
        }
        _ => None,
    };
    let of_consultation = match (
        seen.consultation_organisation_id,
        seen.consultation_organisation_name,
        seen.consultation_organisation_kind,
    ) {
        (Some(id), Some(name), Some(kind)) => {
            Some(OrganisationReference { id: OrganisationId(id.0), name, kind: code(&kind)? })
        }
        _ => None,
    };
    let consultation = match (seen.consultation_id, seen.consultation_held_on) {
        (Some(id), Some(held_on)) => Some(ConsultationReference {
            id: ConsultationId(id.0),
            held_on,
            organisation: of_consultation,
        }),
        _ => None,
    };
    Ok(Referral {
        id: ReferralId(seen.id.0),
        carrier: names.reference(seen.carrier_id)?,
        consultation,
        organisation: OrganisationReference {
            id: OrganisationId(seen.organisation_id.0),
            name: seen.organisation_name,
            kind: code(&seen.organisation_kind)?,
        },
        actor: Reference { id: seen.actor_id.0, name: seen.actor_name },
        reason: seen.reason,
        consent_on: seen.consent_on,
        note: seen.note,
        referred_on: seen.referred_on,
        answer_due_on: seen.answer_due_on,
        owner: names.reference(seen.owner_id)?,
        status: status(answer, closed.is_some(), withdrawn.is_some()),
        answered,
        closed,
        withdrawn,
        recorded_by: names.reference(seen.recorded_by)?,
        version: seen.version,
        created_at: seen.created_at.0,
        updated_at: seen.updated_at.0,
    })
}

/// # Errors
/// `NotFound` when there is no such referral in the scope.
pub fn find(conn: &mut Conn, names: &Names, scope: &Scope, id: ReferralId) -> Result<Referral> {
    let carrier = carrier_of(scope).ok_or(Error::NotFound("referral"))?;
    let found: Option<Seen> = referral_rows::table
        .filter(referral_rows::id.eq(Key(id.0)))
        .filter(referral_rows::carrier_id.eq(carrier))
        .select(Seen::as_select())
        .first(conn)
        .optional()
        .db()?;
    entity(found.ok_or(Error::NotFound("referral"))?, names)
}

/// Those that wait for an answer.
#[diesel::dsl::auto_type(no_type_alias)]
fn is_open() -> _ {
    referral_rows::answer
        .is_null()
        .and(referral_rows::closed_on.is_null())
        .and(referral_rows::withdrawn_at.is_null())
}

/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    filter: &ReferralFilter,
    paging: &Paging,
) -> Result<Page<Referral>> {
    let sort = filter.sort.unwrap_or_default();
    let key = |referral: &Referral| (sort.key(referral), referral.id.0);
    let Some(carrier) = carrier_of(scope) else { return paging.page(Vec::new(), None, key) };
    let organisation = merge::current(conn, filter.organisation_id)?;
    let actor = merge::current(conn, filter.actor_id)?;
    let matching = || {
        let mut query =
            referral_rows::table.filter(referral_rows::carrier_id.eq(carrier)).into_boxed();
        if let Some(consultation) = filter.consultation_id {
            query = query.filter(referral_rows::consultation_id.eq(Some(Key(consultation.0))));
        }
        if let Some(organisation) = organisation {
            query = query.filter(referral_rows::organisation_id.eq(Key(organisation.0)));
        }
        if let Some(actor) = actor {
            query = query.filter(referral_rows::actor_id.eq(Key(actor.0)));
        }
        if let Some(owner) = filter.owner_id {
            query = query.filter(referral_rows::owner_id.eq(Key(owner.0)));
        }
        match filter.status {
            None => {}
            Some(ReferralStatus::Open) => query = query.filter(is_open()),
            Some(answered @ (ReferralStatus::Accepted | ReferralStatus::Declined)) => {
                query = query
                    .filter(referral_rows::answer.eq(Some(answered.code())))
                    .filter(referral_rows::closed_on.is_null())
                    .filter(referral_rows::withdrawn_at.is_null());
            }
            Some(ReferralStatus::Closed) => {
                query = query.filter(referral_rows::closed_on.is_not_null());
            }
            Some(ReferralStatus::Withdrawn) => {
                query = query.filter(referral_rows::withdrawn_at.is_not_null());
            }
        }
        if let Some(on) = filter.unanswered_on {
            query = query.filter(is_open()).filter(referral_rows::answer_due_on.le(on));
        }
        if let Some(from) = filter.from {
            query = query.filter(referral_rows::referred_on.ge(from));
        }
        if let Some(to) = filter.to {
            query = query.filter(referral_rows::referred_on.le(to));
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        // `sort value ≥ key` lets the index find the place; the second part settles ties.
        let (on, id): (NaiveDate, Key) = (after.parse()?, Key(after.id));
        page = match sort {
            ReferralSort::ReferredOn => page
                .filter(referral_rows::referred_on.ge(on))
                .filter(referral_rows::referred_on.gt(on).or(referral_rows::id.gt(id))),
            ReferralSort::ReferredOnDescending => page
                .filter(referral_rows::referred_on.le(on))
                .filter(referral_rows::referred_on.lt(on).or(referral_rows::id.lt(id))),
            ReferralSort::AnswerDueOn => page
                .filter(referral_rows::answer_due_on.ge(on))
                .filter(referral_rows::answer_due_on.gt(on).or(referral_rows::id.gt(id))),
        };
    }
    page = match sort {
        ReferralSort::ReferredOn => page.order((referral_rows::referred_on, referral_rows::id)),
        ReferralSort::ReferredOnDescending => {
            page.order((referral_rows::referred_on.desc(), referral_rows::id.desc()))
        }
        ReferralSort::AnswerDueOn => page.order((referral_rows::answer_due_on, referral_rows::id)),
    };
    let rows: Vec<Seen> = first(paging, page.select(Seen::as_select())).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let referrals = rows.into_iter().map(|row| entity(row, names)).collect::<Result<_>>()?;
    paging.page(referrals, total, key)
}

/// Open ones that a user looks after and whose answer is due from a date on, the first ones first.
///
/// # Errors
/// When the database cannot be read.
pub fn waiting(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    owner: UserId,
    from: NaiveDate,
    most: i64,
) -> Result<Vec<Referral>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let rows: Vec<Seen> = referral_rows::table
        .filter(referral_rows::carrier_id.eq(carrier))
        .filter(is_open())
        .filter(referral_rows::owner_id.eq(Key(owner.0)))
        .filter(referral_rows::answer_due_on.ge(from))
        .order((referral_rows::answer_due_on, referral_rows::id))
        .limit(most)
        .select(Seen::as_select())
        .load(conn)
        .db()?;
    rows.into_iter().map(|row| entity(row, names)).collect()
}

/// Open ones whose answer should have come, the first ones first, after one of them.
///
/// # Errors
/// When the database cannot be read.
pub fn on_worklist(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    query: &WorklistQuery,
    after: Option<(NaiveDate, Uuid)>,
    most: i64,
) -> Result<Vec<Referral>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let mut unanswered = unanswered(carrier, query);
    if let Some((on, id)) = after {
        unanswered = unanswered
            .filter(referral_rows::answer_due_on.ge(on))
            .filter(referral_rows::answer_due_on.gt(on).or(referral_rows::id.gt(Key(id))));
    }
    let rows: Vec<Seen> = unanswered
        .order((referral_rows::answer_due_on, referral_rows::id))
        .limit(most)
        .select(Seen::as_select())
        .load(conn)
        .db()?;
    rows.into_iter().map(|row| entity(row, names)).collect()
}

/// # Errors
/// When the database cannot be read.
pub fn count_on_worklist(conn: &mut Conn, scope: &Scope, query: &WorklistQuery) -> Result<i64> {
    let Some(carrier) = carrier_of(scope) else { return Ok(0) };
    unanswered(carrier, query).count().get_result(conn).db()
}

fn unanswered(
    carrier: Key,
    query: &WorklistQuery,
) -> referral_rows::BoxedQuery<'static, <Conn as diesel::Connection>::Backend> {
    let unanswered = referral_rows::table
        .filter(referral_rows::carrier_id.eq(carrier))
        .filter(is_open())
        .filter(referral_rows::answer_due_on.le(query.today))
        .into_boxed();
    match query.whose {
        Whose::Everybody => unanswered,
        Whose::User(user) => unanswered.filter(referral_rows::owner_id.eq(Key(user.0))),
    }
}

/// The next open ones of a user that an input speaks of, in the order of their ids, after one of them.
///
/// # Errors
/// When the database cannot be read.
pub fn next_open_of(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    input: &ReassignInput,
    after: Option<ReferralId>,
    most: i64,
) -> Result<Vec<Referral>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let mut query = referral_rows::table
        .filter(referral_rows::carrier_id.eq(carrier))
        .filter(is_open())
        .filter(referral_rows::owner_id.eq(Key(input.from_user_id.0)))
        .into_boxed();
    if let Some(from) = input.due_from {
        query = query.filter(referral_rows::answer_due_on.ge(from));
    }
    if let Some(to) = input.due_to {
        query = query.filter(referral_rows::answer_due_on.le(to));
    }
    if let Some(organisation) = input.organisation_id {
        query = query.filter(referral_rows::organisation_id.eq(Key(organisation.0)));
    }
    if let Some(after) = after {
        query = query.filter(referral_rows::id.gt(Key(after.0)));
    }
    let rows: Vec<Seen> =
        query.order(referral_rows::id).limit(most).select(Seen::as_select()).load(conn).db()?;
    rows.into_iter().map(|row| entity(row, names)).collect()
}

/// Whether an organisation is a person, so that what is said of it is personal data.
///
/// # Errors
/// When the database cannot be read.
pub fn is_a_person(conn: &mut Conn, id: OrganisationId) -> Result<bool> {
    let legal_form: Option<Option<String>> = company_profiles::table
        .find(Key(id.0))
        .select(company_profiles::legal_form)
        .first(conn)
        .optional()
        .db()?;
    let legal_form: Option<LegalForm> = optional_code(legal_form.flatten().as_deref())?;
    Ok(legal_form.is_some_and(LegalForm::is_a_person))
}

/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn, referral: &Referral) -> Result<()> {
    diesel::insert_into(referrals::table).values(Row::from(referral)).execute(conn).db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, referral: &Referral) -> Result<()> {
    let changed = diesel::update(referrals::table.find(Key(referral.id.0)))
        .filter(referrals::version.eq(referral.version - 1))
        .set(Row::from(referral))
        .execute(conn)
        .db()?;
    one_row(changed, referral.version)
}

/// Writes the owner of several, in a statement for all that are alike.
///
/// # Errors
/// `Stale` when somebody else changed one of them first.
pub fn update_owners(conn: &mut Conn, referrals: &[Referral]) -> Result<()> {
    let mut alike: BTreeMap<_, Vec<Key>> = BTreeMap::new();
    for referral in referrals {
        let owner = (referral.owner.id, referral.version, referral.updated_at);
        alike.entry(owner).or_default().push(Key(referral.id.0));
    }
    for ((owner, version, updated_at), ids) in alike {
        let changed = on_backend!(conn, c => diesel::update(referrals::table)
            .filter(among(referrals::id, &ids))
            .filter(referrals::version.eq(version - 1))
            .set((
                referrals::owner_id.eq(Key(owner)),
                referrals::version.eq(version),
                referrals::updated_at.eq(At(updated_at)),
            ))
            .execute(c))
        .db()?;
        all_rows(changed, ids.len(), version)?;
    }
    Ok(())
}
