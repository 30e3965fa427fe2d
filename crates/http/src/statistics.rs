//! `/statistics`: the figures of a funding period, as JSON or CSV.

use actix_web::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, VARY};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use lotse_app::statistics;
use lotse_domain::code::Code;
use lotse_domain::statistics::{Figures, Statistics, StatisticsParams};
use lotse_domain::{Error, Result};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{LoggedIn, Parameters};
use crate::respond::Answer;
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(get);
}

/// The figures of a funding period in the caller's scope, in total and by up to two dimensions.
///
/// With `Accept: text/csv` the groups come as CSV (RFC 4180, UTF-8), one row a group, or the totals
/// as one row when nothing is grouped. `docs/counting.md` explains the rules.
#[utoipa::path(
    tag = "Figures", operation_id = "get_statistics", params(StatisticsParams),
    responses((
        status = 200, description = "The figures",
        content((Statistics = "application/json"), (String = "text/csv"))
    ))
)]
#[get("/statistics")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    request: HttpRequest,
    Parameters(params): Parameters<StatisticsParams>,
) -> Answer<HttpResponse> {
    let figures = state.run(move |app| statistics::get(app, &caller, &params)).await?;
    let wants_csv = request
        .headers()
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/csv"));
    let mut response = HttpResponse::Ok();
    response.insert_header((VARY, "Accept"));
    if wants_csv {
        Ok(response
            .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8; header=present"))
            .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"statistics.csv\""))
            .body(csv(&figures)?))
    } else {
        Ok(response.json(figures))
    }
}

/// A code and a label column for each dimension, then the figures.
fn csv(statistics: &Statistics) -> Result<Vec<u8>> {
    let internal = |error: csv::Error| Error::Internal(error.into());
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let mut header = Vec::new();
    for dimension in &statistics.group_by {
        header.push(dimension.code().to_owned());
        header.push(format!("{}_label", dimension.code()));
    }
    header.extend(Figures::default().columns().map(|(name, _)| name.to_owned()));
    writer.write_record(&header).map_err(internal)?;
    let values = |figures: &Figures| figures.columns().map(|(_, value)| value.to_string());
    if statistics.group_by.is_empty() {
        writer.write_record(values(&statistics.totals)).map_err(internal)?;
    }
    for group in &statistics.groups {
        let mut row = Vec::new();
        for dimension in &statistics.group_by {
            let value = group.key.get(dimension);
            row.push(plain(value.and_then(|value| value.code.as_deref()).unwrap_or_default()));
            row.push(plain(value.map(|value| value.label.as_str()).unwrap_or_default()));
        }
        row.extend(values(&group.figures));
        writer.write_record(&row).map_err(internal)?;
    }
    writer.into_inner().map_err(|error| Error::internal(error.to_string()))
}

/// Text that a spreadsheet would take for a formula is led by an apostrophe (OWASP, CSV injection).
fn plain(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}
