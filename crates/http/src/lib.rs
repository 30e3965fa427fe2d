//! The REST API: routes, extractors, problem details, OpenAPI. Handlers extract, call, respond;
//! the work is done in `lotse-app` on the blocking pool.

mod cookie;
mod cors;
mod duplicate_pair;
mod duplicate_settings;
mod edge;
mod export;
mod extract;
mod oidc;
mod openapi;
mod problem;
mod rate_limit;
mod report;
mod respond;
mod state;
mod store;
mod token;
mod written;

mod accompaniment;
mod actor;
mod api_key;
mod attachment;
mod audit;
mod audit_pack;
mod bulk_change;
mod calendar_feed;
mod carrier;
mod code_list;
mod company;
mod consultation;
mod contact;
mod correction;
mod district;
mod establishment;
mod event;
mod event_series;
mod event_statistics;
mod funding_period;
mod health;
mod import;
mod import_profile;
mod indicator;
mod invitation;
mod job;
mod merge;
mod organisation;
mod participation;
mod programme_statistics;
mod programme_template;
mod quick_log;
mod readiness;
mod recruitment_case;
mod referral;
mod referral_statistics;
mod saved_view;
mod search;
mod second_factor;
mod session;
mod sheet;
mod site;
mod sso;
mod statistics;
mod tag;
mod target;
mod task;
mod topic;
mod user;
mod worklist;

use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, Error, web};
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

pub use attachment::Attachments;
pub use oidc::{OidcSettings, Provider, is_safe_address};
pub use openapi::document;
pub use rate_limit::{Limits, Settings as RateLimits};
pub use sso::Sso;
pub use state::State;
pub use store::{Store, Stored, Upload};
pub use token::{Keys, SigningKey};

/// The actix application of one worker.
pub fn application(
    state: web::Data<State>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl actix_web::body::MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let cors = cors::of(&state.cors_origins);
    let (app, _) = App::new()
        .app_data(state)
        .into_utoipa_app()
        .service(utoipa_actix_web::scope("/api/v1").configure(routes))
        .configure(health::routes)
        .split_for_parts();
    app.configure(openapi::viewer)
        .default_service(web::to(edge::no_such_route))
        .wrap(from_fn(edge::finish))
        .wrap(cors)
        .wrap(Compress::default())
}

/// Every route under `/api/v1`, each registered once: the router and the OpenAPI document both come
/// from here.
fn routes(config: &mut ServiceConfig) {
    config
        .configure(session::routes)
        .configure(second_factor::routes)
        .configure(sso::routes)
        .configure(carrier::routes)
        .configure(site::routes)
        .configure(district::routes)
        .configure(funding_period::routes)
        .configure(bulk_change::routes)
        .configure(import::routes)
        .configure(import_profile::routes)
        .configure(job::routes)
        .configure(indicator::routes)
        .configure(invitation::routes)
        .configure(topic::routes)
        .configure(code_list::routes)
        .configure(user::routes)
        .configure(search::routes)
        .configure(organisation::routes)
        .configure(merge::routes)
        .configure(duplicate_pair::routes)
        .configure(duplicate_settings::routes)
        .configure(company::routes)
        .configure(establishment::routes)
        .configure(actor::routes)
        .configure(contact::routes)
        .configure(consultation::routes)
        .configure(quick_log::routes)
        .configure(correction::routes)
        .configure(event_series::routes)
        .configure(event::routes)
        .configure(participation::routes)
        .configure(programme_template::routes)
        .configure(accompaniment::routes)
        .configure(readiness::routes)
        .configure(recruitment_case::routes)
        .configure(target::routes)
        .configure(task::routes)
        .configure(referral::routes)
        .configure(calendar_feed::routes)
        .configure(worklist::routes)
        .configure(tag::routes)
        .configure(report::routes)
        .configure(saved_view::routes)
        .configure(attachment::routes)
        .configure(statistics::routes)
        .configure(event_statistics::routes)
        .configure(programme_statistics::routes)
        .configure(referral_statistics::routes)
        .configure(audit::routes)
        .configure(audit_pack::routes)
        .configure(api_key::routes)
        .configure(openapi::routes);
}
