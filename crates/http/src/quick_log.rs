//! `/quick-log`: the call that has just ended, in one request (Schnellerfassung).

use actix_web::body::BoxBody;
use actix_web::http::header::LOCATION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder, post};
use lotse_app::quick_log;
use lotse_domain::quick_log::{QuickLogInput, QuickLogged};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::Command;
use crate::openapi::IdempotencyHeader;
use crate::respond::Answer;
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(log);
}

/// 201 with what was logged; 200 when it had been before.
struct Logged(QuickLogged);

impl Responder for Logged {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut answer = if self.0.repeated { HttpResponse::Ok() } else { HttpResponse::Created() };
        let path = format!("/api/v1/consultations/{}", self.0.consultation.id.0);
        answer.insert_header((LOCATION, path)).json(self.0)
    }
}

/// Logs a consultation with whatever it needs, in one request and one transaction.
///
/// The organisation and the contacts are found by name or added. A name that may be another
/// organisation's is refused with the candidates, unless the client insists. Sent again with the same
/// `id`, it is answered as it is and counted once.
///
/// An API key needs `read_register` to name an organisation by its name, `read_contacts` to name a contact
/// so, and what it takes to add what is not there.
#[utoipa::path(
    tag = "Consultations", operation_id = "quick_log", params(IdempotencyHeader), request_body = QuickLogInput,
    responses(
        (status = 201, description = "Logged", body = QuickLogged),
        (status = 200, description = "Logged before under this id; nothing was changed", body = QuickLogged)
    )
)]
#[post("/quick-log")]
async fn log(state: Data<State>, command: Command<QuickLogInput>) -> Answer<Logged> {
    let logged = state.run(move |app| quick_log::log(app, &command.caller, &command.body)).await?;
    Ok(Logged(logged))
}
