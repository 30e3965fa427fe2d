//! One private PostgreSQL cluster for the run: of `TEST_POSTGRES_URL`, or made with `initdb`.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

pub struct Cluster {
    /// Address up to the database's name.
    base: String,
    /// Its standard input is the life line: when this process ends, however it ends, the watchdog
    /// stops the server and removes its data.
    _watchdog: Option<Child>,
}

static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The cluster, started on first use. None when there is no PostgreSQL.
pub fn cluster() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    CLUSTER
        .get_or_init(|| {
            let cluster = find();
            if cluster.is_none() {
                let message = "NO POSTGRESQL: neither TEST_POSTGRES_URL nor initdb was found; \
                               the tests run on SQLite only";
                assert!(std::env::var("CI").as_deref() != Ok("true"), "{message}");
                eprintln!("\n*** {message} ***\n");
            }
            cluster
        })
        .as_ref()
}

fn find() -> Option<Cluster> {
    if let Ok(url) = std::env::var("TEST_POSTGRES_URL") {
        let (base, _) = url.rsplit_once('/').expect("TEST_POSTGRES_URL ends with a database");
        return Some(Cluster { base: base.to_owned(), _watchdog: None });
    }
    let programs = programs()?;
    Some(start(&programs))
}

/// The folder that holds `initdb` and `postgres`.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    folders.sort();
    folders.extend(std::env::split_paths(&path));
    let whole =
        |folder: &&PathBuf| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    folders.iter().rev().find(whole).cloned()
}

/// PostgreSQL refuses to run as root, so root runs it as somebody else.
fn unprivileged() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> Option<u32> {
        let output = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    if id(&["-u"]) != Some(0) {
        return None;
    }
    ["postgres", "nobody"].iter().find_map(|user| Some((id(&["-u", user])?, id(&["-g", user])?)))
}

fn start(programs: &Path) -> Cluster {
    let folder = tempfile::Builder::new().prefix("lotse-pg-").tempdir().unwrap().keep();
    let owner = unprivileged();
    let command = |program: &str| {
        let mut command = Command::new(program);
        command.current_dir(&folder).env_remove("PGDATA");
        if let Some((user, group)) = owner {
            command.uid(user).gid(group);
        }
        command
    };
    if let Some((user, group)) = owner {
        chown(&folder, Some(user), Some(group)).unwrap();
    }
    let initdb = command(programs.join("initdb").to_str().unwrap())
        .args(["-D", "data", "-U", "lotse", "-A", "trust", "-E", "UTF8", "--no-sync"])
        .args(["--locale", "C.UTF-8"])
        .output()
        .unwrap();
    assert!(initdb.status.success(), "initdb: {}", String::from_utf8_lossy(&initdb.stderr));

    // Nothing is kept, so nothing is synced; many small databases, so many connections.
    let script = format!(
        "'{postgres}' -D data -k '{folder}' -c listen_addresses= -c fsync=off \
         -c synchronous_commit=off -c full_page_writes=off -c max_connections=300 \
         -c autovacuum=off > log 2>&1 < /dev/null & server=$!
         cat > /dev/null
         kill -INT $server; wait $server; cd /; rm -rf '{folder}'",
        postgres = programs.join("postgres").display(),
        folder = folder.display(),
    );
    let watchdog = command("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // A Ctrl-C at the terminal is for the tests; the watchdog follows when they end.
        .process_group(0)
        .spawn()
        .unwrap();

    let host = folder.display().to_string().replace('/', "%2F");
    let cluster = Cluster { base: format!("postgres://lotse@{host}"), _watchdog: Some(watchdog) };
    let started = Instant::now();
    while PgConnection::establish(&cluster.url("postgres")).is_err() {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "PostgreSQL did not start: {}",
            std::fs::read_to_string(folder.join("log")).unwrap_or_default()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    cluster
}

impl Cluster {
    pub fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.base)
    }

    /// A new database, a copy of `template`. Copying is one at a time: it wants the template alone.
    pub fn create(&self, template: &str) -> String {
        static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let number = DATABASES.fetch_add(1, Ordering::SeqCst);
        let name = format!("lotse_{}_{number}", std::process::id());
        let mut conn = PgConnection::establish(&self.url("postgres")).unwrap();
        conn.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).unwrap();
        self.url(&name)
    }
}
