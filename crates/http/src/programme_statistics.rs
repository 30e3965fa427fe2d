//! `/statistics/programmes`: the figures of accompaniments and recruitment cases in a funding period, as JSON or
//! CSV.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use lotse_app::programme_statistics;
use lotse_domain::programme_statistics::{ProgrammeStatistics, ProgrammeStatisticsParams};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{LoggedIn, Parameters};
use crate::respond::Answer;
use crate::sheet::FileParams;
use crate::state::State;
use crate::statistics::{as_csv, as_json, table, wants_csv};

pub fn routes(config: &mut ServiceConfig) {
    config.service(get);
}

/// The figures of accompaniments and recruitment cases in a funding period, in the caller's scope, in total and
/// by up to three dimensions.
///
/// With `Accept: text/csv` as for consultations; counts by outcome, reason, phase or procedure have a column
/// each. `docs/counting.md` explains the rules.
#[utoipa::path(
    tag = "Figures", operation_id = "get_programme_statistics", params(ProgrammeStatisticsParams),
    responses((
        status = 200, description = "The figures",
        content((ProgrammeStatistics = "application/json"), (String = "text/csv"))
    ))
)]
#[get("/statistics/programmes")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    request: HttpRequest,
    Parameters(params): Parameters<ProgrammeStatisticsParams>,
) -> Answer<HttpResponse> {
    let figures = state.run(move |app| programme_statistics::get(app, &caller, &params)).await?;
    if !wants_csv(&request) {
        return Ok(as_json(&figures));
    }
    let phases = &figures.totals.phases;
    let groups = figures.groups.iter().map(|group| {
        let values = figures.group_by.iter().map(|dimension| group.key.get(dimension));
        (values.collect(), group.figures.columns(phases))
    });
    let csv =
        table(&figures.group_by, &figures.totals.columns(phases), groups, FileParams::default())?;
    Ok(as_csv("programme-statistics.csv", csv))
}
