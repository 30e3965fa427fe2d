//! `/statistics`: the figures of a funding period, as JSON or CSV.

use actix_web::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, VARY};
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::NaiveDate;
use lotse_app::statistics;
use lotse_domain::code::Code;
use lotse_domain::entity::Reference;
use lotse_domain::id::FundingPeriodId;
use lotse_domain::page::PageParams;
use lotse_domain::sheet::Cell;
use lotse_domain::statistics::{
    Explanation, ExplanationParams, Figures, GroupValue, NONE, Pivot, PivotParams, Publication,
    PublicationParams, Statistics, StatisticsParams, TopicsAs,
};
use lotse_domain::{Error, Result};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{FileQuery, LoggedIn, PageQuery, Parameters};
use crate::openapi::IfNoneMatchHeader;
use crate::respond::{Answer, is_known};
use crate::sheet::{CSV, CsvForm, File, FileFormat, FileParams, csv_writer, plain, text};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(get).service(explain).service(pivot).service(publication);
}

/// The figures of a funding period in the caller's scope, in total and by up to three dimensions.
///
/// As CSV (`format=csv`, or `Accept: text/csv`) the groups come as one row a group, or the totals as one row
/// when nothing is grouped; XLSX and the page to print have the rules and the scope on a sheet of their own.
/// The same figures have the same `ETag`. `docs/counting.md` explains the rules.
#[utoipa::path(
    tag = "Figures", operation_id = "get_statistics",
    params(StatisticsParams, FileParams, IfNoneMatchHeader),
    responses((
        status = 200, description = "The figures",
        content(
            (Statistics = "application/json"), (String = "text/csv"), (String = "text/html"),
            (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
        )
    ))
)]
#[get("/statistics")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    request: HttpRequest,
    query: FileQuery<StatisticsParams>,
) -> Answer<HttpResponse> {
    let FileQuery { question, file } = query;
    let (asked, figures, now) = state
        .run(move |app| {
            statistics::get(app, &caller, &question).map(|figures| (question, figures, app.now()))
        })
        .await?;
    let figures = with_links(figures, &asked)?;
    Ok(match wanted(&request, file) {
        FileFormat::Json => tagged(&request, &figures)?,
        FileFormat::Csv => as_csv("statistics.csv", csv(&figures, file)?),
        FileFormat::Xlsx | FileFormat::Html => {
            let title = title(file, "Zahlen", "Figures", &figures.period);
            let sheets = figures.sheets(file.language);
            File { name: "statistics", title: &title, sheets: &sheets, at: now }.answer(file)?
        }
    })
}

/// One figure by two dimensions as rows and columns, in the caller's scope. Totals are counted by themselves:
/// of distinct organisations they are less than the sum of the cells.
///
/// In the same forms as the figures.
#[utoipa::path(
    tag = "Figures", operation_id = "get_pivot", params(PivotParams, FileParams, IfNoneMatchHeader),
    responses((
        status = 200, description = "The figures",
        content(
            (Pivot = "application/json"), (String = "text/csv"), (String = "text/html"),
            (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
        )
    ))
)]
#[get("/statistics/pivot")]
async fn pivot(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    request: HttpRequest,
    query: FileQuery<PivotParams>,
) -> Answer<HttpResponse> {
    let FileQuery { question, file } = query;
    let (figures, now) = state
        .run(move |app| statistics::pivot(app, &caller, &question).map(|it| (it, app.now())))
        .await?;
    Ok(match wanted(&request, file) {
        FileFormat::Json => tagged(&request, &figures)?,
        FileFormat::Csv => as_csv("pivot.csv", pivot_csv(&figures, file)?),
        FileFormat::Xlsx | FileFormat::Html => {
            let title = title(file, "Zahlen", "Figures", &figures.period);
            let sheets = figures.sheets(file.language);
            File { name: "pivot", title: &title, sheets: &sheets, at: now }.answer(file)?
        }
    })
}

/// A column for each code; the totals last, in a row without one.
fn pivot_csv(figures: &Pivot, file: FileParams) -> Result<Vec<u8>> {
    let in_total =
        GroupValue { code: None, label: "in total".to_owned(), label_de: "gesamt".to_owned() };
    let name = |value: &GroupValue| value.code.clone().unwrap_or_else(|| NONE.to_owned());
    let line = |cells: &mut dyn Iterator<Item = i64>, total: i64| -> Vec<(String, Cell)> {
        let named = figures.columns.iter().zip(cells);
        let mut line: Vec<(String, Cell)> =
            named.map(|(column, cell)| (name(&column.value), cell.into())).collect();
        line.push(("total".to_owned(), total.into()));
        line
    };
    let totals = line(&mut figures.columns.iter().map(|column| column.total), figures.total);
    let rows = figures.rows.iter();
    let mut lines: Vec<Line<'_>> = rows
        .map(|row| (vec![Some(&row.value)], line(&mut row.cells.iter().copied(), row.total)))
        .collect();
    lines.push((vec![Some(&in_total)], totals.clone()));
    table(&[figures.rows_by.code()], &totals, lines, file)
}

/// The figures, or 304 when the client has them.
pub(crate) fn tagged(request: &HttpRequest, figures: &impl Serialize) -> Result<HttpResponse> {
    let json = serde_json::to_vec(figures).map_err(|error| Error::Internal(error.into()))?;
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(&json)[..12]));
    if is_known(request, &tag) {
        let mut answer = HttpResponse::NotModified();
        answer.insert_header((VARY, "Accept")).insert_header((ETAG, tag));
        return Ok(answer.finish());
    }
    let mut answer = HttpResponse::Ok();
    answer.insert_header((VARY, "Accept")).insert_header((ETAG, tag));
    Ok(answer.content_type("application/json").body(json))
}

/// What stands behind a figure: the records that were counted, the rule in words, and with `total=true` the
/// figure itself and what was left out, by reason. With `left_out` the records that were left out for it.
#[utoipa::path(
    tag = "Figures", operation_id = "explain_figure", params(PageParams, ExplanationParams),
    responses((status = 200, description = "One page", body = Explanation))
)]
#[get("/statistics/explain")]
async fn explain(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: PageQuery<ExplanationParams>,
) -> Answer<Json<Explanation>> {
    let explanation =
        state.run(move |app| statistics::explain(app, &caller, &query.filter, &query.paging));
    Ok(Json(explanation.await?))
}

/// Figures that may be published: cells of 1 and 2 are suppressed, and others with them, so that none can be
/// computed back.
#[utoipa::path(
    tag = "Figures", operation_id = "get_publication_figures", params(PublicationParams),
    responses((status = 200, description = "The figures", body = Publication))
)]
#[get("/statistics/publication")]
async fn publication(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    Parameters(params): Parameters<PublicationParams>,
) -> Answer<Json<Publication>> {
    let figures = state.run(move |app| statistics::publication(app, &caller, &params)).await?;
    Ok(Json(figures))
}

/// The figures with the addresses of what stands behind them.
fn with_links(mut figures: Statistics, asked: &StatisticsParams) -> Result<Statistics> {
    let (from, to) = (asked.from, asked.to);
    figures.explanation = link(asked, asked.funding_period_id, from, to, None)?;
    for group in &mut figures.groups {
        let of_group = Some(group.conditions());
        group.explanation = link(asked, asked.funding_period_id, from, to, of_group)?;
    }
    if let Some(previous) = &mut figures.previous {
        let (from, to) = (Some(previous.window.from), Some(previous.window.to));
        for group in &mut previous.groups {
            let of_group = Some(group.conditions());
            group.explanation = link(asked, previous.period.id.into(), from, to, of_group)?;
        }
    }
    Ok(figures)
}

/// A URI template (RFC 6570): the figure is left to be named.
fn link(
    asked: &StatisticsParams,
    period: FundingPeriodId,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    group: Option<String>,
) -> Result<String> {
    let mut question = vec![("funding_period_id", period.to_string())];
    question.extend(from.map(|from| ("from", from.to_string())));
    question.extend(to.map(|to| ("to", to.to_string())));
    question.extend(asked.filter.clone().map(|filter| ("filter", filter)));
    if asked.topics != TopicsAs::default() {
        question.push(("topics", asked.topics.code().to_owned()));
    }
    question.extend(group.map(|group| ("group", group)));
    uri_template("/statistics/explain", &question, "figure")
}

/// A URI template (RFC 6570) that wants some parameters more.
pub(crate) fn uri_template(
    path: &str,
    question: &[(&str, String)],
    wanted: &str,
) -> Result<String> {
    let question =
        serde_html_form::to_string(question).map_err(|error| Error::Internal(error.into()))?;
    Ok(format!("/api/v1{path}?{question}{{&{wanted}}}"))
}

/// The form that figures are asked for in: by name, or CSV by `Accept`.
pub(crate) fn wanted(request: &HttpRequest, file: FileParams) -> FileFormat {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    let csv = accept.is_some_and(|accept| accept.contains("text/csv"));
    file.format.unwrap_or(if csv { FileFormat::Csv } else { FileFormat::Json })
}

/// What a file of figures is called above its sheets.
pub(crate) fn title(file: FileParams, de: &str, en: &str, period: &Reference) -> String {
    format!("{} {}", file.language.of(de, en), period.name)
}

pub(crate) fn as_csv(name: &str, csv: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((VARY, "Accept"))
        .insert_header((CONTENT_TYPE, CSV))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .body(csv)
}

/// A code and a label column for each dimension, then the figures.
fn csv(statistics: &Statistics, file: FileParams) -> Result<Vec<u8>> {
    let columns = |figures: &Figures| -> Vec<(String, Cell)> {
        figures.columns().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
    };
    let groups = statistics.groups.iter().map(|group| {
        let values = statistics.group_by.iter().map(|dimension| group.key.get(dimension));
        (values.collect(), columns(&group.figures))
    });
    let by: Vec<&str> = statistics.group_by.iter().map(|dimension| dimension.code()).collect();
    table(&by, &columns(&statistics.totals), groups.collect(), file)
}

/// A row of a table: the values that it is grouped by, then its figures with their names.
pub(crate) type Line<'a> = (Vec<Option<&'a GroupValue>>, Vec<(String, Cell)>);

/// The rows of `groups`; the totals when nothing is grouped.
pub(crate) fn table(
    group_by: &[&str],
    totals: &[(String, Cell)],
    groups: Vec<Line<'_>>,
    file: FileParams,
) -> Result<Vec<u8>> {
    let internal = |error: csv::Error| Error::Internal(error.into());
    let german = file.form == CsvForm::German;
    let mut writer = csv_writer(file.form, file.bom, Vec::new())?;
    let mut header = Vec::new();
    for dimension in group_by {
        header.push((*dimension).to_owned());
        header.push(format!("{dimension}_label"));
    }
    header.extend(totals.iter().map(|(name, _)| name.clone()));
    writer.write_record(&header).map_err(internal)?;
    let values = |columns: &[(String, Cell)]| -> Vec<String> {
        columns.iter().map(|(_, value)| text(value, german)).collect()
    };
    if group_by.is_empty() {
        writer.write_record(values(totals)).map_err(internal)?;
    }
    for (dimensions, figures) in groups {
        let mut row = Vec::new();
        for value in dimensions {
            row.push(plain(value.and_then(|value| value.code.as_deref()).unwrap_or_default()));
            row.push(plain(value.map(|value| value.label_in(file.language)).unwrap_or_default()));
        }
        row.extend(values(&figures));
        writer.write_record(&row).map_err(internal)?;
    }
    writer.into_inner().map_err(|error| Error::internal(error.to_string()))
}
