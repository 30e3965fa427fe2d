//! What the handlers of all workers share.

use lotse_app::App;
use lotse_domain::{Error, Result};

use crate::problem::Problem;
use crate::token::Keys;

pub struct State {
    pub app: App,
    pub keys: Keys,
    /// Base address of the installation as clients see it, without a slash at the end.
    pub public_url: String,
}

impl State {
    /// Runs a use case on the blocking pool.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&App) -> Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let app = self.app.clone();
        match actix_web::web::block(move || work(&app)).await {
            Ok(result) => result.map_err(Problem::from),
            Err(panicked) => Err(Error::Internal(panicked.into()).into()),
        }
    }
}
