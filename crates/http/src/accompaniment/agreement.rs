//! What was agreed with the company, and who leads.

use actix_web::post;
use actix_web::web::Data;
use lotse_app::accompaniment;
use lotse_domain::accompaniment::{Accompaniment, GoalsInput, HandOverInput, MeasureGoalsInput};
use lotse_domain::id::AccompanimentId;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{PathId, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, Nothing};
use crate::respond::{Answer, Fresh};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(set_goals)
        .service(measure_goals)
        .service(hand_over)
        .service(accept_hand_over)
        .service(decline_hand_over);
}

/// Replaces the goals that were agreed (Zielvereinbarung). One that stays as it is keeps its result.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "set_accompaniment_goals",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = GoalsInput,
    responses((status = 200, description = "The accompaniment as it is now", body = Accompaniment))
)]
#[post("/accompaniments/{id}/goals")]
async fn set_goals(
    state: Data<State>,
    PathId(id): PathId<AccompanimentId>,
    command: VersionedCommand<GoalsInput>,
) -> Answer<Fresh<Accompaniment>> {
    let changed = state
        .run(move |app| {
            accompaniment::set_goals(app, &command.caller, id, command.seen, &command.body)
        })
        .await?;
    Ok(Fresh(changed))
}

/// Records what was reached of the goals.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "measure_accompaniment_goals",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = MeasureGoalsInput,
    responses((status = 200, description = "The accompaniment as it is now", body = Accompaniment))
)]
#[post("/accompaniments/{id}/goals/measure")]
async fn measure_goals(
    state: Data<State>,
    PathId(id): PathId<AccompanimentId>,
    command: VersionedCommand<MeasureGoalsInput>,
) -> Answer<Fresh<Accompaniment>> {
    let changed = state
        .run(move |app| {
            accompaniment::measure_goals(app, &command.caller, id, command.seen, &command.body)
        })
        .await?;
    Ok(Fresh(changed))
}

/// Proposes that somebody else leads. It passes when that one accepts.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "hand_accompaniment_over",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = HandOverInput,
    responses((status = 200, description = "The accompaniment as it is now", body = Accompaniment))
)]
#[post("/accompaniments/{id}/hand-over")]
async fn hand_over(
    state: Data<State>,
    PathId(id): PathId<AccompanimentId>,
    command: VersionedCommand<HandOverInput>,
) -> Answer<Fresh<Accompaniment>> {
    let changed = state
        .run(move |app| {
            accompaniment::hand_over(app, &command.caller, id, command.seen, &command.body)
        })
        .await?;
    Ok(Fresh(changed))
}

/// Takes the lead that was proposed to the caller.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "accept_accompaniment_hand_over",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = Nothing,
    responses((status = 200, description = "The accompaniment as it is now", body = Accompaniment))
)]
#[post("/accompaniments/{id}/hand-over/accept")]
async fn accept_hand_over(
    state: Data<State>,
    PathId(id): PathId<AccompanimentId>,
    command: VersionedCommand<Nothing>,
) -> Answer<Fresh<Accompaniment>> {
    let changed = state
        .run(move |app| accompaniment::accept_hand_over(app, &command.caller, id, command.seen))
        .await?;
    Ok(Fresh(changed))
}

/// Declines a hand-over, or takes it back: whom it was proposed to, and who looks after the accompaniment.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "decline_accompaniment_hand_over",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = Nothing,
    responses((status = 200, description = "The accompaniment as it is now", body = Accompaniment))
)]
#[post("/accompaniments/{id}/hand-over/decline")]
async fn decline_hand_over(
    state: Data<State>,
    PathId(id): PathId<AccompanimentId>,
    command: VersionedCommand<Nothing>,
) -> Answer<Fresh<Accompaniment>> {
    let changed = state
        .run(move |app| accompaniment::decline_hand_over(app, &command.caller, id, command.seen))
        .await?;
    Ok(Fresh(changed))
}
