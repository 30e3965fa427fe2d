//! `/users`: who works here, and their roles over time.

use actix_web::http::header::LOCATION;
use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get, patch, post};
use lotse_app::user;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::id::UserId;
use lotse_domain::page::{Page, PageParams};
use lotse_domain::user::{Assignment, AssignmentInput, NewUserInput, User, UserFilter, UserInput};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, Command, ListQuery, LoggedIn, PathId};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, NoFilter};
use crate::respond::{Answer, Created, Found, Fresh, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list)
        .service(create)
        .service(get)
        .service(change)
        .service(history)
        .service(assignments)
        .service(assign)
        .service(end_sessions);
}

/// Users with what they are today, by name.
#[utoipa::path(
    tag = "Network", operation_id = "list_users", params(PageParams, UserFilter),
    responses((status = 200, description = "One page", body = Page<User>))
)]
#[get("/users")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<UserFilter>,
) -> Answer<Listed<User>> {
    state
        .list(query, move |app, query| user::list(app, &caller, &query.filter, &query.paging))
        .await
}

/// Adds a user with a first password and assignment.
#[utoipa::path(
    tag = "Network", operation_id = "create_user", params(IdempotencyHeader),
    request_body = NewUserInput,
    responses((status = 201, description = "Created", body = User))
)]
#[post("/users")]
async fn create(state: Data<State>, command: Command<NewUserInput>) -> Answer<Created<User>> {
    let new = state.run(move |app| user::create(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// One user with what it is today.
#[utoipa::path(
    tag = "Network", operation_id = "get_user", params(IdPath),
    responses((status = 200, description = "The user", body = User))
)]
#[get("/users/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<UserId>,
) -> Answer<Fresh<User>> {
    let found = state.run(move |app| user::get(app, &caller, id)).await?;
    Ok(Fresh(found))
}

/// Changes a user (JSON Merge Patch). Suspending ends the user's sessions at once.
#[utoipa::path(
    tag = "Network", operation_id = "change_user", params(IdPath, IfMatchHeader),
    request_body(content = UserInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The user as it is now", body = User))
)]
#[patch("/users/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<UserId>,
    request: Change,
) -> Answer<Found<User>> {
    let changed = state
        .run(move |app| user::change(app, &request.caller, id, request.seen, &request.patch))
        .await?;
    Ok(Found(changed))
}

/// Who changed the user, when, from what to what.
#[utoipa::path(
    tag = "Network", operation_id = "list_user_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/users/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<UserId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| user::history(app, &caller, id, &query.paging)).await
}

/// Role, carrier and site of a user over time, the latest first.
#[utoipa::path(
    tag = "Network", operation_id = "list_user_assignments", params(IdPath, PageParams),
    responses((status = 200, description = "One page", body = Page<Assignment>))
)]
#[get("/users/{id}/assignments")]
async fn assignments(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<UserId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<Assignment>> {
    state.list(query, move |app, query| user::assignments(app, &caller, id, &query.paging)).await
}

/// Gives a user another role, carrier or site from a date on; the assignment before ends the day
/// before.
#[utoipa::path(
    tag = "Network", operation_id = "assign_user", params(IdPath, IdempotencyHeader),
    request_body = AssignmentInput,
    responses((status = 201, description = "Assigned", body = Assignment))
)]
#[post("/users/{id}/assignments")]
async fn assign(
    state: Data<State>,
    PathId(id): PathId<UserId>,
    command: Command<AssignmentInput>,
) -> Answer<HttpResponse> {
    let new = state.run(move |app| user::assign(app, &command.caller, id, &command.body)).await?;
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("/api/v1/users/{id}/assignments")))
        .json(new))
}

/// Logs a user out everywhere. The user can log in again; to prevent that, suspend.
#[utoipa::path(
    tag = "Network", operation_id = "end_user_sessions", params(IdPath),
    responses((status = 204, description = "Over"))
)]
#[delete("/users/{id}/sessions")]
async fn end_sessions(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<UserId>,
) -> Answer<HttpResponse> {
    state.run(move |app| user::end_sessions(app, &caller, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
