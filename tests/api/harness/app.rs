//! The server under test.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use chrono::{DateTime, TimeDelta, Utc};
use lotse_app::operator::{NewUser, add_user};
use lotse_app::{App, Clock};
use lotse_domain::policy::Role;
use lotse_http::Store;
use lotse_persistence::{Conn, Database, Options, migrations};
use lotse_server::config::Config;
use lotse_server::serve;

use super::client::Session;
use super::{Backend, postgres};

pub const PASSWORD: &str = "correct horse battery staple";

/// Carrier and site.
type Place = Option<(&'static str, &'static str)>;

/// E-mail, role and place of the users that every test finds.
const USERS: [(&str, Role, Place); 9] = [
    ("adviser", Role::Adviser, Some(("BWHW", "Frankfurt am Main"))),
    ("colleague", Role::Adviser, Some(("BWHW", "Wetzlar"))),
    ("manager", Role::Manager, Some(("BWHW", "Frankfurt am Main"))),
    ("other", Role::Adviser, Some(("VSB", "Kassel"))),
    ("other.manager", Role::Manager, Some(("VSB", "Kassel"))),
    ("coordinator", Role::Coordinator, None),
    ("admin", Role::Admin, None),
    ("admin.2", Role::Admin, None),
    ("data.protection", Role::DataProtection, None),
];

pub struct TestApp {
    pub backend: Backend,
    pub base: String,
    pub app: App,
    pub clock: Clock,
    pub database_url: String,
    /// As the server has it: it knows what the server began.
    pub store: Store,
    client: reqwest::Client,
    server: Option<(ServerHandle, JoinHandle<()>)>,
    folder: tempfile::TempDir,
}

impl TestApp {
    /// A server on a free port with a database of its own. It is Monday, 16 March 2026, 10:00.
    pub fn start(backend: Backend) -> Self {
        Self::start_with(backend, |_| ())
    }

    /// The same with other settings.
    pub fn start_with(backend: Backend, change: impl Fn(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database_url = new_database(backend, &folder.path().join("lotse.db"));
        let now: DateTime<Utc> = "2026-03-16T09:00:00Z".parse().unwrap();
        let clock = Clock::mock(now);
        let mut config = config(&database_url, folder.path().join("key.pem"));
        change(&mut config);
        let app = serve::app(&config, serve::database(&config).unwrap(), clock.clone()).unwrap();
        let store = serve::store(&config).unwrap();
        let (base, server) = start_server(&config, &app, store.clone(), &clock);
        Self {
            backend,
            base,
            app,
            clock,
            database_url,
            store,
            client: client(),
            server: Some(server),
            folder,
        }
    }

    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// The private key that the server signs access tokens with.
    pub fn key_pem(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("key.pem")).unwrap()
    }

    /// The folder that attachments are in.
    pub fn attachments(&self) -> PathBuf {
        self.folder.path().join("attachments")
    }

    pub fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    /// Logs in as one of the users that every test finds.
    pub async fn log_in(&self, user: &str) -> Session {
        let answer = self
            .anonymous()
            .post(
                "/auth/login",
                &serde_json::json!({
                    "email": format!("{user}@test.example"), "password": PASSWORD,
                }),
            )
            .await
            .expect(200);
        let token = answer.body["access_token"].as_str().unwrap().to_owned();
        Session::new(self.client.clone(), self.base.clone(), Some(token))
    }

    pub fn anonymous(&self) -> Session {
        Session::new(self.client.clone(), self.base.clone(), None)
    }

    pub fn with_token(&self, token: &str) -> Session {
        Session::new(self.client.clone(), self.base.clone(), Some(token.to_owned()))
    }

    /// A connection to look at the database behind the server's back.
    pub fn connect(&self) -> Conn {
        use diesel::Connection;
        use diesel::connection::SimpleConnection;
        match self.backend {
            Backend::Sqlite => {
                let path = self.database_url.trim_start_matches("sqlite://");
                let mut conn = diesel::SqliteConnection::establish(path).unwrap();
                // The server writes by itself too: what was read.
                conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
                Conn::Sqlite(conn)
            }
            Backend::Postgres => {
                Conn::Postgres(diesel::PgConnection::establish(&self.database_url).unwrap())
            }
        }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some((handle, thread)) = self.server.take() {
            // Told to stop without waiting for idle connections; the thread ends with its server.
            drop(handle.stop(false));
            let _ = thread.join();
        }
    }
}

/// It speaks HTTP only, so it need not read the system's certificates. It gives a connection up before
/// the server does (10 s when nothing was ever sent on it), so that none is closed while it is taken up.
fn client() -> reqwest::Client {
    let kept = Duration::from_secs(5);
    reqwest::Client::builder().tls_certs_only([]).pool_idle_timeout(kept).build().unwrap()
}

pub fn config(database_url: &str, key: PathBuf) -> Config {
    Config {
        database_url: database_url.to_owned(),
        replica_url: String::new(),
        pool_size: 4,
        listen: "127.0.0.1:0".to_owned(),
        public_url: "http://lotse.test".to_owned(),
        second_factor_roles: String::new(),
        referral_answer_days: 14,
        quiet_days: 180,
        invitation_url: "http://lotse.test/invitation#".to_owned(),
        cors_origins: String::new(),
        // The clock of a test stands still, and so would what comes back evenly.
        requests_per_address: 0,
        requests_per_account: 0,
        requests_per_api_key: 0,
        log_ins_per_address: 0,
        trusted_proxies: String::new(),
        signing_key: String::new(),
        demo_password: String::new(),
        local_login: true,
        oidc_issuer: String::new(),
        oidc_client_id: String::new(),
        oidc_client_secret: String::new(),
        oidc_redirect_url: String::new(),
        oidc_scopes: "openid email profile".to_owned(),
        oidc_groups_claim: "groups".to_owned(),
        oidc_roles: String::new(),
        attachments: key.with_file_name("attachments").display().to_string(),
        attachment_bytes: 20 * 1024 * 1024,
        attachment_types: "pdf, png, jpeg, docx, xlsx, pptx, odt, ods, odp, txt, csv".to_owned(),
        signing_key_file: key,
        workers: 1,
        // Short, so that a test can wait for it.
        body_seconds: 5,
        statement_seconds: 30,
        shutdown_seconds: 5,
        log: "error".to_owned(),
        log_format: lotse_server::config::LogFormat::Text,
    }
}

fn start_server(
    config: &Config,
    app: &App,
    store: Store,
    clock: &Clock,
) -> (String, (ServerHandle, JoinHandle<()>)) {
    let (config, app, clock) = (config.clone(), app.clone(), clock.clone());
    let (send, receive) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let listening = serve::listen(&config, app, store, clock).unwrap();
            send.send((listening.address, listening.server.handle())).unwrap();
            listening.server.await.unwrap();
        });
    });
    let (address, handle) = receive.recv_timeout(Duration::from_secs(10)).unwrap();
    (format!("http://{address}"), (handle, thread))
}

fn open(url: &str) -> Database {
    let options = Options {
        url: url.to_owned(),
        replica_url: None,
        pool_size: 1,
        wait: Duration::from_secs(10),
        most: Duration::from_secs(30),
    };
    Database::open(&options).unwrap()
}

/// A copy of a database that was migrated and given its users once.
pub fn new_database(backend: Backend, path: &Path) -> String {
    static SQLITE: OnceLock<PathBuf> = OnceLock::new();
    static POSTGRES: OnceLock<&str> = OnceLock::new();
    match backend {
        Backend::Sqlite => {
            let template = SQLITE.get_or_init(|| {
                let folder = tempfile::tempdir().unwrap().keep();
                let path = folder.join("template.db");
                // Closing the last connection brings everything into the one file.
                prepare(&format!("sqlite://{}", path.display()));
                path
            });
            std::fs::copy(template, path).unwrap();
            format!("sqlite://{}", path.display())
        }
        Backend::Postgres => {
            let cluster = postgres::cluster().unwrap();
            let template = POSTGRES.get_or_init(|| {
                let url = cluster.create("template1");
                prepare(&url);
                url.rsplit_once('/').unwrap().1.to_owned().leak()
            });
            cluster.create(template)
        }
    }
}

fn prepare(url: &str) {
    let database = open(url);
    database.maintain(migrations::run).unwrap();
    // The users have been here since the first funding period.
    let app = App::new(database, Clock::mock("2019-01-01T08:00:00Z".parse().unwrap()));
    for (name, role, place) in USERS {
        let new = NewUser {
            email: format!("{name}@test.example"),
            name: format!("Test {name}"),
            password: PASSWORD.to_owned(),
            role,
            carrier: place.map(|(carrier, _)| carrier.to_owned()),
            site: place.map(|(_, site)| site.to_owned()),
            valid_from: None,
        };
        add_user(&app, &new).unwrap();
    }
}
