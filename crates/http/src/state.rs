//! What the handlers of all workers share.

use std::time::Duration;

use lotse_app::{App, Request};
use lotse_domain::page::Page;
use lotse_domain::{Error, Result};
use serde::Serialize;

use crate::attachment::Attachments;
use crate::problem::Problem;
use crate::rate_limit::Limits;
use crate::respond::{Answer, Listed};
use crate::sso::Sso;
use crate::token::Keys;

pub struct State {
    pub app: App,
    pub keys: Keys,
    pub limits: Limits,
    /// Base address of the installation as clients see it, without a slash at the end.
    pub public_url: String,
    /// Origins of web clients that are served from elsewhere.
    pub cors_origins: Vec<String>,
    /// What comes before the token in the link of an invitation; empty when there is no such page.
    pub invitation_url: String,
    /// How long the body of a request may take to arrive; of an attachment, how long a silence may be.
    pub body_timeout: Duration,
    pub attachments: Attachments,
    /// None where it is not set up.
    pub sso: Option<Sso>,
    /// Whether passwords open a session.
    pub local_login: bool,
}

impl State {
    /// Runs a use case on the blocking pool. When the client goes, this is dropped, and the database is told
    /// that nobody waits.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&App) -> Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let request = Request::default();
        let _waiting = request.while_waiting();
        let app = self.app.for_request(request.clone());
        let work = move || {
            let result = work(&app);
            if let Err(Error::Internal(error)) = &result
                && request.is_given_up()
            {
                // Nobody is left to whom it is told, and by whom it would be logged.
                tracing::error!(%error, "failed after the client had gone");
            }
            result
        };
        match actix_web::web::block(work).await {
            Ok(result) => result.map_err(Problem::from),
            Err(panicked) => Err(Error::Internal(panicked.into()).into()),
        }
    }

    /// Runs the use case behind a list on the blocking pool.
    pub(crate) async fn list<T: Serialize + Send + 'static>(
        &self,
        work: impl FnOnce(&App) -> Result<Page<T>> + Send + 'static,
    ) -> Answer<Listed<T>> {
        self.run(move |app| Listed::new(&work(app)?)).await
    }
}
