//! The commands.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use lotse_app::Clock;
use lotse_app::operator::{self, NewUser};
use lotse_domain::code::Code;
use lotse_domain::policy::Role;
use lotse_domain::user::{User, UserStatus};
use lotse_domain::{Error, Result};
use lotse_persistence::migrations;

use crate::config::{Config, LogFormat};
use crate::{attachments, demo, serve};

/// The system of record for publicly funded employer consultation.
#[derive(Debug, Parser)]
#[command(name = "lotse", version, about)]
pub struct Cli {
    /// File with settings; `lotse.toml` if it exists.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Migrate the database and serve the API (what `lotse` alone does).
    Serve,
    /// Fill an empty database with made-up data, print the log-ins, and serve.
    Demo,
    /// Change the schema of the database, or show where it stands.
    #[command(subcommand)]
    Migrate(Migrate),
    /// Add and change users at the console, without a log-in.
    #[command(subcommand)]
    User(UserCommand),
    /// Compare the attachments with their store: each has its content, and nothing else is there.
    Check {
        /// Read every content and compare its SHA-256 too, not only its size.
        #[arg(long)]
        contents: bool,
    },
    /// Print the OpenAPI document.
    Openapi,
    /// Print the settings in effect, secrets masked.
    Config,
}

#[derive(Debug, Subcommand)]
enum Migrate {
    /// Apply every step that is missing.
    Run,
    /// Take the last step back and apply it again. What it created is empty afterwards.
    Redo,
    /// Show which steps are applied.
    Status,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Add a user; the password is asked for, or read from standard input.
    Add {
        /// E-mail address, which is the log-in name.
        #[arg(long)]
        email: String,
        #[arg(long)]
        name: String,
        #[arg(long, value_enum, default_value = "admin")]
        role: RoleName,
        /// Code of the carrier; for advisers and managers.
        #[arg(long)]
        carrier: Option<String>,
        /// Name of the home site.
        #[arg(long)]
        site: Option<String>,
        /// First day of the role, `YYYY-MM-DD`; today unless told. Consultations from before it
        /// cannot name the user as adviser.
        #[arg(long, value_name = "DATE")]
        valid_from: Option<chrono::NaiveDate>,
    },
    /// List all users.
    List,
    /// Set a user's password and end the user's sessions.
    Password {
        #[arg(long)]
        email: String,
    },
    /// Suspend a user; running sessions end at once.
    Suspend {
        #[arg(long)]
        email: String,
    },
    /// Remove the second factor of a user who lost it, and end the user's sessions.
    RemoveSecondFactor {
        #[arg(long)]
        email: String,
    },
    /// Let a suspended user in again.
    Activate {
        #[arg(long)]
        email: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleName {
    Adviser,
    Manager,
    Coordinator,
    Admin,
    DataProtection,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Adviser => Self::Adviser,
            RoleName::Manager => Self::Manager,
            RoleName::Coordinator => Self::Coordinator,
            RoleName::Admin => Self::Admin,
            RoleName::DataProtection => Self::DataProtection,
        }
    }
}

/// Does what was asked.
///
/// # Errors
/// One line for the console.
pub fn run(cli: Cli) -> Result<(), String> {
    let command = cli.command.unwrap_or(Command::Serve);
    if matches!(command, Command::Openapi) {
        let document = serde_json::to_string_pretty(lotse_http::document());
        println!("{}", document.map_err(|error| error.to_string())?);
        return Ok(());
    }
    let config =
        Config::load(cli.config.as_deref(), std::env::vars()).map_err(|error| error.to_string())?;
    if matches!(command, Command::Config) {
        print!("{}", config.masked());
        return Ok(());
    }
    start_log(&config);
    let done = match command {
        Command::Serve => serve_only(&config),
        Command::Demo => serve_demo(&config),
        Command::Migrate(step) => migrate(&config, &step),
        Command::User(command) => user(&config, command),
        Command::Check { contents } => check(&config, contents),
        Command::Openapi | Command::Config => Ok(()),
    };
    done.map_err(|error| explain(&error))
}

/// The error with its causes, and with every rule that was broken, in one line.
fn explain(error: &Error) -> String {
    match error {
        Error::Invalid(violations) => violations
            .iter()
            .map(|v| format!("{} {}", v.pointer.trim_start_matches('/'), v.message))
            .collect::<Vec<_>>()
            .join("; "),
        Error::Internal(cause) | Error::Busy(cause) | Error::StoreUnavailable(cause) => {
            cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
        }
        error => error.to_string(),
    }
}

fn start_log(config: &Config) {
    let filter = tracing_subscriber::EnvFilter::new(&config.log);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

fn serve_only(config: &Config) -> Result<()> {
    let app = serve::app(config, serve::migrated(config)?, Clock::System)?;
    let has_users = operator::has_users(&app)?;
    serve::serve(config, &app, |address| {
        println!("Lotse listens on http://{address}; the documentation is at /docs.");
        if !has_users {
            println!(
                "There are no users yet. Add the first administrator with:\n  \
                 lotse user add --email you@example.org --name \"Your Name\" --role admin"
            );
        }
    })
}

fn serve_demo(config: &Config) -> Result<()> {
    let app = serve::app(config, serve::migrated(config)?, Clock::System)?;
    demo::fill_if_empty(&app)?;
    let password = if config.demo_password.is_empty() {
        demo::random_password()
    } else {
        config.demo_password.clone()
    };
    lotse_app::demo::set_passwords(&app, &demo::LOG_INS, &password)?;
    serve::serve(config, &app, |address| {
        println!("Lotse listens on http://{address}; the documentation is at /docs.");
        println!(
            "All data is made up; nobody in it exists. Log in with the password {password} as"
        );
        for email in demo::LOG_INS {
            println!("  {email}");
        }
    })
}

fn migrate(config: &Config, step: &Migrate) -> Result<()> {
    let database = serve::database(config)?;
    match step {
        Migrate::Run => {
            let steps = database.maintain(migrations::run)?;
            for step in &steps {
                println!("applied {step}");
            }
            if steps.is_empty() {
                println!("nothing to do");
            }
        }
        Migrate::Redo => println!("redone {}", database.maintain(migrations::redo)?),
        Migrate::Status => {
            for step in database.maintain(migrations::status)? {
                println!("{} {}", if step.applied { "applied" } else { "missing" }, step.name);
            }
        }
    }
    Ok(())
}

fn user(config: &Config, command: UserCommand) -> Result<()> {
    let app = serve::app(config, serve::migrated(config)?, Clock::System)?;
    match command {
        UserCommand::Add { email, name, role, carrier, site, valid_from } => {
            let password = ask_password()?;
            let role = role.into();
            let new = NewUser { email, name, password, role, carrier, site, valid_from };
            let added = operator::add_user(&app, &new)?;
            println!("added {}", line(&added));
        }
        UserCommand::List => {
            for user in operator::users(&app)? {
                println!("{}", line(&user));
            }
        }
        UserCommand::Password { email } => {
            let password = ask_password()?;
            println!(
                "new password for {}",
                line(&operator::set_password(&app, &email, &password)?)
            );
        }
        UserCommand::Suspend { email } => {
            let user = operator::set_status(&app, &email, UserStatus::Suspended)?;
            println!("suspended {}", line(&user));
        }
        UserCommand::RemoveSecondFactor { email } => {
            let user = operator::remove_second_factor(&app, &email)?;
            println!("no second factor any more for {}", line(&user));
        }
        UserCommand::Activate { email } => {
            let user = operator::set_status(&app, &email, UserStatus::Active)?;
            println!("activated {}", line(&user));
        }
    }
    Ok(())
}

fn check(config: &Config, contents: bool) -> Result<()> {
    // Nothing is changed, also not the schema.
    let app = serve::app(config, serve::database(config)?, Clock::System)?;
    let store = serve::store(config)?;
    let report = actix_web::rt::System::new().block_on(attachments::check(
        &app,
        &store,
        contents,
        &mut |fault| println!("{fault}"),
    ))?;
    println!("{} attachments, {} faults", report.attachments, report.faults);
    if report.faults == 0 {
        Ok(())
    } else {
        Err(Error::internal("the store of attachments is not as the database says"))
    }
}

fn line(user: &User) -> String {
    let assignment = match &user.assignment {
        None => "no role today".to_owned(),
        Some(assignment) => match &assignment.carrier {
            None => assignment.role.code().to_owned(),
            Some(carrier) => format!("{} at {}", assignment.role.code(), carrier.name),
        },
    };
    format!("{} ({}), {assignment}, {}", user.email, user.name, user.status.code())
}

/// Typed without echo at a terminal, else the first line of standard input: a password on the command
/// line would stand in the shell's history.
fn ask_password() -> Result<String> {
    let failed = |error: std::io::Error| Error::internal(format!("no password: {error}"));
    if std::io::stdin().is_terminal() {
        let password = rpassword::prompt_password("Password: ").map_err(failed)?;
        let again = rpassword::prompt_password("Again: ").map_err(failed)?;
        if password != again {
            return Err(Error::internal("the two passwords differ"));
        }
        return Ok(password);
    }
    let mut password = String::new();
    std::io::stdin().read_line(&mut password).map_err(failed)?;
    Ok(password.trim_end_matches(['\r', '\n']).to_owned())
}
