//! `/statistics`: the figures of a funding period, as JSON or CSV.

use actix_web::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, VARY};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use lotse_app::statistics;
use lotse_domain::code::Code;
use lotse_domain::statistics::{GroupValue, Statistics, StatisticsParams};
use lotse_domain::{Error, Result};
use serde::Serialize;
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
    if wants_csv(&request) {
        Ok(as_csv("statistics.csv", csv(&figures)?))
    } else {
        Ok(as_json(&figures))
    }
}

pub(crate) fn wants_csv(request: &HttpRequest) -> bool {
    request
        .headers()
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/csv"))
}

pub(crate) fn as_csv(name: &str, csv: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((VARY, "Accept"))
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8; header=present"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .body(csv)
}

pub(crate) fn as_json(figures: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((VARY, "Accept")).json(figures)
}

/// A code and a label column for each dimension, then the figures.
fn csv(statistics: &Statistics) -> Result<Vec<u8>> {
    let groups = statistics.groups.iter().map(|group| {
        let values = statistics.group_by.iter().map(|dimension| group.key.get(dimension));
        (values.collect(), group.figures.columns())
    });
    table(&statistics.group_by, &statistics.totals.columns(), groups)
}

/// The rows of `groups`, each its values and figures; the totals when nothing is grouped.
pub(crate) fn table<'a, D: Code, C: AsRef<[(N, V)]>, N: AsRef<str>, V: ToString>(
    group_by: &[D],
    totals: &C,
    groups: impl Iterator<Item = (Vec<Option<&'a GroupValue>>, C)>,
) -> Result<Vec<u8>> {
    let internal = |error: csv::Error| Error::Internal(error.into());
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let mut header = Vec::new();
    for dimension in group_by {
        header.push(dimension.code().to_owned());
        header.push(format!("{}_label", dimension.code()));
    }
    header.extend(totals.as_ref().iter().map(|(name, _)| name.as_ref().to_owned()));
    writer.write_record(&header).map_err(internal)?;
    let values = |columns: &C| -> Vec<String> {
        columns.as_ref().iter().map(|(_, value)| value.to_string()).collect()
    };
    if group_by.is_empty() {
        writer.write_record(values(totals)).map_err(internal)?;
    }
    for (dimensions, figures) in groups {
        let mut row = Vec::new();
        for value in dimensions {
            row.push(plain(value.and_then(|value| value.code.as_deref()).unwrap_or_default()));
            row.push(plain(value.map(|value| value.label.as_str()).unwrap_or_default()));
        }
        row.extend(values(&figures));
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
