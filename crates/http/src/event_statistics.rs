//! `/statistics/events`: the figures of events in a funding period, as JSON or files.

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, get};
use lotse_app::event_statistics;
use lotse_domain::Result;
use lotse_domain::code::Code;
use lotse_domain::event_statistics::{
    EventExplanation, EventExplanationParams, EventFigures, EventStatistics, EventStatisticsParams,
};
use lotse_domain::page::PageParams;
use lotse_domain::sheet::Cell;
use lotse_domain::statistics::TopicsAs;
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

/// The figures of events in a funding period, in the caller's scope, in total and
/// by up to three dimensions.
///
/// In the same forms as for consultations. `docs/counting.md` explains the rules.
#[utoipa::path(
    tag = "Figures", operation_id = "get_event_statistics",
    params(EventStatisticsParams, FileParams, IfNoneMatchHeader),
    responses((
        status = 200, description = "The figures",
        content(
            (EventStatistics = "application/json"), (String = "text/csv"), (String = "text/html"),
            (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
        )
    ))
)]
#[get("/statistics/events")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    request: HttpRequest,
    query: FileQuery<EventStatisticsParams>,
) -> Answer<HttpResponse> {
    let FileQuery { question, file } = query;
    let (figures, now) = state
        .run(move |app| {
            let figures = event_statistics::get(app, &caller, &question)?;
            Ok((with_links(figures, &question)?, app.now()))
        })
        .await?;
    Ok(match wanted(&request, file) {
        FileFormat::Json => tagged(&request, &figures)?,
        FileFormat::Csv => as_csv("event-statistics.csv", csv(&figures, file)?),
        FileFormat::Xlsx | FileFormat::Html => {
            let title = title(file, "Veranstaltungen", "Events", &figures.period);
            let sheets = figures.sheets(file.language);
            File { name: "event-statistics", title: &title, sheets: &sheets, at: now }
                .answer(file)?
        }
    })
}

/// What stands behind a figure: the events, participations or organisations that were counted, the rule in
/// words, and with `total=true` the figure itself and what was left out, by reason. With `left_out` the records
/// that were left out for it.
#[utoipa::path(
    tag = "Figures", operation_id = "explain_event_figure",
    params(PageParams, EventExplanationParams),
    responses((status = 200, description = "One page", body = EventExplanation))
)]
#[get("/statistics/events/explain")]
async fn explain(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: PageQuery<EventExplanationParams>,
) -> Answer<Json<EventExplanation>> {
    let explanation =
        state.run(move |app| event_statistics::explain(app, &caller, &query.filter, &query.paging));
    Ok(Json(explanation.await?))
}

/// The figures with the addresses of what stands behind them.
fn with_links(
    mut figures: EventStatistics,
    asked: &EventStatisticsParams,
) -> Result<EventStatistics> {
    let mut question = vec![("funding_period_id", asked.funding_period_id.to_string())];
    question.extend(asked.from.map(|from| ("from", from.to_string())));
    question.extend(asked.to.map(|to| ("to", to.to_string())));
    question.extend(asked.filter.clone().map(|filter| ("filter", filter)));
    if asked.topics != TopicsAs::default() {
        question.push(("topics", asked.topics.code().to_owned()));
    }
    let path = "/statistics/events/explain";
    figures.explanation = uri_template(path, &question, "figure")?;
    for group in &mut figures.groups {
        let of_group = [question.clone(), vec![("group", group.conditions())]].concat();
        group.explanation = uri_template(path, &of_group, "figure")?;
    }
    Ok(figures)
}

fn csv(statistics: &EventStatistics, file: FileParams) -> Result<Vec<u8>> {
    let columns = |figures: &EventFigures| -> Vec<(String, Cell)> {
        figures.columns().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
    };
    let groups = statistics.groups.iter().map(|group| {
        let values = statistics.group_by.iter().map(|dimension| group.key.get(dimension));
        (values.collect(), columns(&group.figures))
    });
    let by: Vec<&str> = statistics.group_by.iter().map(|dimension| dimension.code()).collect();
    table(&by, &columns(&statistics.totals), groups.collect(), file)
}
