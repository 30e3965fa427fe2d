//! `/statistics/programmes`: the figures of accompaniments and recruitment cases in a funding period, as JSON or files.

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, get};
use lotse_app::programme_statistics;
use lotse_domain::Result;
use lotse_domain::code::Code;
use lotse_domain::page::PageParams;
use lotse_domain::programme_statistics::{
    ProgrammeExplanation, ProgrammeExplanationParams, ProgrammeFigures, ProgrammeStatistics,
    ProgrammeStatisticsParams,
};
use lotse_domain::sheet::Cell;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{FileQuery, LoggedIn, PageQuery};
use crate::openapi::IfNoneMatchHeader;
use crate::respond::Answer;
use crate::sheet::{File, FileFormat, FileParams};
use crate::state::State;
use crate::statistics::{as_csv, table, tagged, title, uri_template, wanted};

pub fn routes(config: &mut ServiceConfig) {
    config.service(get).service(explain);
}

/// The figures of accompaniments and recruitment cases in a funding period, in the caller's scope, in total and
/// by up to three dimensions.
///
/// In the same forms as for consultations; in tables, counts by outcome, reason, phase or procedure have a column
/// each. `docs/counting.md` explains the rules.
#[utoipa::path(
    tag = "Figures", operation_id = "get_programme_statistics",
    params(ProgrammeStatisticsParams, FileParams, IfNoneMatchHeader),
    responses((
        status = 200, description = "The figures",
        content(
            (ProgrammeStatistics = "application/json"), (String = "text/csv"), (String = "text/html"),
            (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
        )
    ))
)]
#[get("/statistics/programmes")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    request: HttpRequest,
    query: FileQuery<ProgrammeStatisticsParams>,
) -> Answer<HttpResponse> {
    let FileQuery { question, file } = query;
    let (figures, now) = state
        .run(move |app| {
            let figures = programme_statistics::get(app, &caller, &question)?;
            Ok((with_links(figures, &question)?, app.now()))
        })
        .await?;
    Ok(match wanted(&request, file) {
        FileFormat::Json => tagged(&request, &figures)?,
        FileFormat::Csv => as_csv("programme-statistics.csv", csv(&figures, file)?),
        FileFormat::Xlsx | FileFormat::Html => {
            let title = title(file, "Begleitungen", "Accompaniments", &figures.period);
            let sheets = figures.sheets(file.language);
            File { name: "programme-statistics", title: &title, sheets: &sheets, at: now }
                .answer(file)?
        }
    })
}

/// What stands behind a figure: the accompaniments or cases that were counted, the rule in words, and with
/// `total=true` the figure itself and what was left out, by reason. With `left_out` the records that were left
/// out for it.
#[utoipa::path(
    tag = "Figures", operation_id = "explain_programme_figure",
    params(PageParams, ProgrammeExplanationParams),
    responses((status = 200, description = "One page", body = ProgrammeExplanation))
)]
#[get("/statistics/programmes/explain")]
async fn explain(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: PageQuery<ProgrammeExplanationParams>,
) -> Answer<Json<ProgrammeExplanation>> {
    let explanation = state
        .run(move |app| programme_statistics::explain(app, &caller, &query.filter, &query.paging));
    Ok(Json(explanation.await?))
}

/// The figures with the addresses of what stands behind them. They name the day, which is another one
/// tomorrow where none was asked for.
fn with_links(
    mut figures: ProgrammeStatistics,
    asked: &ProgrammeStatisticsParams,
) -> Result<ProgrammeStatistics> {
    let mut question = vec![("funding_period_id", asked.funding_period_id.to_string())];
    question.extend(asked.from.map(|from| ("from", from.to_string())));
    question.extend(asked.to.map(|to| ("to", to.to_string())));
    question.push(("on", figures.on.to_string()));
    question.extend(asked.filter.clone().map(|filter| ("filter", filter)));
    let path = "/statistics/programmes/explain";
    figures.explanation = uri_template(path, &question, "figure,of")?;
    for group in &mut figures.groups {
        let of_group = [question.clone(), vec![("group", group.conditions())]].concat();
        group.explanation = uri_template(path, &of_group, "figure,of")?;
    }
    Ok(figures)
}

fn csv(statistics: &ProgrammeStatistics, file: FileParams) -> Result<Vec<u8>> {
    let columns = |figures: &ProgrammeFigures| -> Vec<(String, Cell)> {
        let columns = figures.columns(&statistics.totals.phases).into_iter();
        columns.map(|column| (column.name, column.value)).collect()
    };
    let groups = statistics.groups.iter().map(|group| {
        let values = statistics.group_by.iter().map(|dimension| group.key.get(dimension));
        (values.collect(), columns(&group.figures))
    });
    let by: Vec<&str> = statistics.group_by.iter().map(|dimension| dimension.code()).collect();
    table(&by, &columns(&statistics.totals), groups.collect(), file)
}
