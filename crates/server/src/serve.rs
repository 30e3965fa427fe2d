//! Wiring: database, migrations, key, server.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use actix_web::HttpServer;
use actix_web::dev::Server;
use actix_web::web::Data;
use lotse_app::{App, Clock, Runner, duplicate_pair, housekeeping};
use lotse_domain::sso::GroupRoles;
use lotse_domain::{Error, Result};
use lotse_http::{
    Attachments, Keys, Limits, OidcSettings, Provider, RateLimits, SigningKey, Sso, State, Store,
};
use lotse_persistence::{Database, Options, migrations};

use crate::attachments;
use crate::config::Config;

const HOUSEKEEPING: Duration = Duration::from_mins(10);
/// How long it waits before it looks for organisations that were added or changed.
const BETWEEN_COMPARISONS: Duration = Duration::from_mins(1);
/// The store of attachments is looked through from one end to the other: once an hour.
const ROUNDS_BEFORE_SWEEPING: u64 = 6;

/// Opens the database as the settings say.
///
/// # Errors
/// When it cannot be reached.
pub fn database(config: &Config) -> Result<Database> {
    let replica = Some(&config.replica_url).filter(|url| !url.is_empty());
    Database::open(&Options {
        url: config.database_url.clone(),
        replica_url: replica.cloned(),
        pool_size: config.pool_size,
        wait: Duration::from_secs(10),
        most: Duration::from_secs(config.statement_seconds),
    })
}

/// Opens the database and applies missing migrations.
///
/// # Errors
/// When the database cannot be reached or a step fails.
pub fn migrated(config: &Config) -> Result<Database> {
    let database = database(config)?;
    for step in database.maintain(migrations::run)? {
        tracing::info!(step, "migrated");
    }
    Ok(database)
}

/// The use cases, as the settings want them.
///
/// # Errors
/// When a setting is wrong.
pub fn app(config: &Config, database: Database, clock: Clock) -> Result<App> {
    let roles = config.roles_with_second_factor().map_err(|error| Error::Internal(error.into()))?;
    Ok(App::new(database, clock)
        .with_second_factor_for(&roles)
        .with_referral_answer_days(config.referral_answer_days)
        .with_quiet_days(config.quiet_days))
}

/// Opens the store of attachments as the settings say.
///
/// # Errors
/// When there is no such place.
pub fn store(config: &Config) -> Result<Store> {
    Store::open(&config.attachments)
}

/// A server that listens but does not serve yet.
pub struct Listening {
    pub address: SocketAddr,
    pub server: Server,
}

/// Binds the address and builds the server.
///
/// # Errors
/// When the key cannot be read or the address is taken.
pub fn listen(config: &Config, app: App, store: Store, clock: Clock) -> Result<Listening> {
    let key = signing_key(config)?;
    let limits = RateLimits {
        per_address: config.requests_per_address,
        log_ins_per_address: config.log_ins_per_address,
        per_account: config.requests_per_account,
        per_api_key: config.requests_per_api_key,
        trusted_proxies: config.proxies().map_err(|error| Error::Internal(error.into()))?,
    };
    let limits = Limits::new(&limits, &clock);
    let keys = Keys::new(&key, &config.public_url, clock.clone())?;
    let state = Data::new(State {
        app,
        keys,
        limits,
        public_url: config.public_url.clone(),
        cors_origins: config.origins(),
        invitation_url: config.invitation_url.clone(),
        body_timeout: Duration::from_secs(config.body_seconds),
        attachments: Attachments {
            store,
            most_bytes: config.attachment_bytes,
            media_types: config.media_types().map_err(|error| Error::Internal(error.into()))?,
        },
        sso: sso(config, clock)?,
        local_login: config.local_login,
    });
    let listener = TcpListener::bind(&config.listen)
        .map_err(|error| Error::internal(format!("cannot listen on {}: {error}", config.listen)))?;
    let address = listener.local_addr().map_err(|error| Error::Internal(error.into()))?;

    let mut server = HttpServer::new(move || lotse_http::application(state.clone()))
        .keep_alive(Duration::from_secs(75))
        // Who closes a connection does not wait for the answer, and the work for it ends.
        .h1_allow_half_closed(false)
        // Who sends headers this slowly is broken or means harm.
        .client_request_timeout(Duration::from_secs(10))
        .shutdown_timeout(config.shutdown_seconds);
    if config.workers > 0 {
        server = server.workers(config.workers);
    }
    let server = server
        .listen(listener)
        .map_err(|error| Error::internal(format!("cannot listen on {address}: {error}")))?
        .run();
    Ok(Listening { address, server })
}

/// Serves until told to stop (SIGINT, SIGTERM), finishing what is under way.
///
/// # Errors
/// When the server fails.
pub fn serve(config: &Config, app: &App, ready: impl FnOnce(SocketAddr)) -> Result<()> {
    let internal = |error: std::io::Error| Error::Internal(error.into());
    actix_web::rt::System::new().block_on(async {
        let store = store(config)?;
        let listening = listen(config, app.clone(), store.clone(), Clock::System)?;
        let housekeeper = actix_web::rt::spawn(keep_house(app.clone(), store));
        let comparer = actix_web::rt::spawn(compare(app.clone()));
        let runner = Runner::start(app.clone());
        ready(listening.address);
        let served = listening.server.await.map_err(internal);
        housekeeper.abort();
        comparer.abort();
        // Waits for the piece of work under way; another server, or the next start, does the rest.
        drop(runner);
        app.flush_access_log();
        tracing::info!("stopped");
        served
    })
}

async fn keep_house(app: App, store: Store) {
    for round in 0_u64.. {
        let worker = app.clone();
        match actix_web::rt::task::spawn_blocking(move || housekeeping::run(&worker)).await {
            Ok(Ok(deleted)) => tracing::debug!(deleted, "kept house"),
            Ok(Err(error)) => tracing::warn!(%error, "housekeeping failed"),
            Err(error) => tracing::warn!(%error, "housekeeping failed"),
        }
        if round % ROUNDS_BEFORE_SWEEPING == 0 {
            match attachments::sweep(&app, &store, app.now() - attachments::GRACE).await {
                Ok(removed) => tracing::debug!(removed, "swept the store of attachments"),
                Err(error) => tracing::warn!(%error, "the store of attachments was not swept"),
            }
        }
        actix_web::rt::time::sleep(HOUSEKEEPING).await;
    }
}

/// Compares organisations that may be the same, of those that were added or changed. In the minutes that it takes for
/// a register that was never compared, it rests as long as it works, so that requests find a core free.
async fn compare(app: App) {
    let mut after = None;
    loop {
        let worker = app.clone();
        let begun = Instant::now();
        let compared = actix_web::rt::task::spawn_blocking(move || {
            duplicate_pair::compare_next(&worker, after)
        });
        let pause = match compared.await {
            Ok(Ok(Some(compared))) => {
                tracing::debug!(compared.organisations, "compared organisations");
                after = Some(compared.last);
                begun.elapsed()
            }
            Ok(Ok(None)) => {
                after = None;
                BETWEEN_COMPARISONS
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "organisations were not compared");
                BETWEEN_COMPARISONS
            }
            Err(error) => {
                tracing::warn!(%error, "organisations were not compared");
                BETWEEN_COMPARISONS
            }
        };
        actix_web::rt::time::sleep(pause).await;
    }
}

/// Single sign-on, where the settings name a provider.
fn sso(config: &Config, clock: Clock) -> Result<Option<Sso>> {
    if config.oidc_issuer.is_empty() {
        return Ok(None);
    }
    let roles = GroupRoles::parse(&config.oidc_roles).map_err(Error::internal)?;
    let settings = OidcSettings {
        issuer: config.oidc_issuer.clone(),
        client_id: config.oidc_client_id.clone(),
        client_secret: config.oidc_client_secret.clone(),
        scopes: config.oidc_scopes.clone(),
        redirect_url: config.oidc_redirect_url.clone(),
        groups_claim: (!roles.is_empty()).then(|| config.oidc_groups_claim.clone()),
    };
    Ok(Some(Sso { provider: Provider::new(settings, clock)?, roles }))
}

/// The key of the settings, or the one in the file, which is made at the first start.
fn signing_key(config: &Config) -> Result<SigningKey> {
    if !config.signing_key.is_empty() {
        return Ok(SigningKey::from_pem(config.signing_key.clone()));
    }
    let path = &config.signing_key_file;
    let failed = |doing: &str, error: std::io::Error| {
        Error::internal(format!("cannot {doing} the signing key {}: {error}", path.display()))
    };
    match std::fs::read_to_string(path) {
        Ok(pem) => Ok(SigningKey::from_pem(pem)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = SigningKey::generate()?;
            write_secret(path, key.pem()).map_err(|error| failed("write", error))?;
            tracing::info!(path = %path.display(), "made a signing key");
            Ok(key)
        }
        Err(error) => Err(failed("read", error)),
    }
}

/// Readable by the owner only, and never over an existing file.
fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}
