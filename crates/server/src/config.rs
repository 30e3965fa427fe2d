//! Settings: the defaults, then `lotse.toml`, then the environment.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use figment::value::Value;
use ipnet::IpNet;
use lotse_domain::attachment::MediaType;
use lotse_domain::code::Code;
use lotse_domain::policy::Role;
use lotse_domain::sso::GroupRoles;
use lotse_http::is_safe_address;
use serde::{Deserialize, Serialize};

/// The one place where every setting is documented and has its default.
pub const DEFAULTS: &str = include_str!("../lotse.default.toml");

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub database_url: String,
    pub replica_url: String,
    pub pool_size: u32,
    pub listen: String,
    pub public_url: String,
    pub second_factor_roles: String,
    pub referral_answer_days: u32,
    pub quiet_days: u32,
    pub invitation_url: String,
    pub cors_origins: String,
    pub requests_per_address: u32,
    pub requests_per_account: u32,
    pub requests_per_api_key: u32,
    pub log_ins_per_address: u32,
    pub trusted_proxies: String,
    pub signing_key_file: PathBuf,
    pub signing_key: String,
    pub demo_password: String,
    pub local_login: bool,
    pub oidc_issuer: String,
    pub oidc_client_id: String,
    pub oidc_client_secret: String,
    pub oidc_redirect_url: String,
    pub oidc_scopes: String,
    pub oidc_groups_claim: String,
    pub oidc_roles: String,
    pub attachments: String,
    pub attachment_bytes: u64,
    pub attachment_types: String,
    pub workers: usize,
    pub body_seconds: u64,
    pub statement_seconds: u64,
    pub shutdown_seconds: u64,
    pub log: String,
    pub log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// What is wrong with the settings, in one line.
#[derive(Debug)]
pub struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// `file` is the one that was asked for; without it `lotse.toml` is read if it exists.
    ///
    /// # Errors
    /// When a setting is unknown or wrong, or the file cannot be read.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        figment = match file {
            Some(file) if !file.is_file() => {
                return Err(ConfigError(format!("there is no file {}", file.display())));
            }
            Some(file) => figment.merge(Toml::file_exact(file)),
            None if Path::new("lotse.toml").is_file() => {
                figment.merge(Toml::file_exact("lotse.toml"))
            }
            None => figment,
        };
        for (name, value) in environment {
            let setting = match name.strip_prefix("LOTSE_") {
                Some(setting) => setting.to_lowercase(),
                None if name == "DATABASE_URL" => "database_url".to_owned(),
                None => continue,
            };
            // Text stays text even when it looks like a number: a password may.
            let default = Figment::from(Toml::string(DEFAULTS)).find_value(&setting);
            figment = match default {
                Ok(Value::Num(..)) => {
                    let number: u64 = value.trim().parse().map_err(|_| {
                        ConfigError(format!("{name} must be a whole number, is {value:?}"))
                    })?;
                    figment.merge(Serialized::default(&setting, number))
                }
                Ok(Value::Bool(..)) => {
                    let switch: bool = value.trim().parse().map_err(|_| {
                        ConfigError(format!("{name} must be true or false, is {value:?}"))
                    })?;
                    figment.merge(Serialized::default(&setting, switch))
                }
                Ok(_) => figment.merge(Serialized::default(&setting, value)),
                Err(_) => {
                    return Err(ConfigError(format!(
                        "{name} is no setting; `lotse config` lists them"
                    )));
                }
            };
        }
        let config: Self = figment.extract().map_err(|error| {
            ConfigError(format!("settings: {}", error.to_string().replace('\n', " ")))
        })?;
        config.checked()
    }

    fn checked(mut self) -> Result<Self, ConfigError> {
        let wrong = |message: &str| Err(ConfigError(message.to_owned()));
        if !["sqlite://", "postgres://", "postgresql://"]
            .iter()
            .any(|scheme| self.database_url.starts_with(scheme))
        {
            return wrong("DATABASE_URL must be sqlite://path or postgres://…");
        }
        if self.listen.parse::<std::net::SocketAddr>().is_err() {
            return wrong("LOTSE_LISTEN must be an address and a port, such as 127.0.0.1:8080");
        }
        if self.public_url.is_empty() {
            self.public_url = format!("http://{}", self.listen);
        }
        self.public_url = self.public_url.trim_end_matches('/').to_owned();
        if !self.public_url.starts_with("http://") && !self.public_url.starts_with("https://") {
            return wrong("LOTSE_PUBLIC_URL must begin with http:// or https://");
        }
        if !(1..=365).contains(&self.referral_answer_days) {
            return wrong("LOTSE_REFERRAL_ANSWER_DAYS must be between 1 and 365");
        }
        if !(1..=200).contains(&self.pool_size) {
            return wrong("LOTSE_POOL_SIZE must be between 1 and 200");
        }
        if !(1..=3600).contains(&self.statement_seconds) {
            return wrong("LOTSE_STATEMENT_SECONDS must be between 1 and 3600");
        }
        if !self.demo_password.is_empty() && self.demo_password.chars().count() < 12 {
            return wrong("LOTSE_DEMO_PASSWORD must have at least 12 characters");
        }
        if self.attachments.is_empty() || self.attachments == "s3://" {
            return wrong("LOTSE_ATTACHMENTS must be a folder or s3://bucket/prefix");
        }
        if self.attachment_bytes == 0 {
            return wrong("LOTSE_ATTACHMENT_BYTES must not be 0");
        }
        self.media_types()?;
        self.proxies()?;
        self.roles_with_second_factor()?;
        if !self.origins().iter().all(|origin| is_origin(origin)) {
            return wrong(
                "LOTSE_CORS_ORIGINS must be origins such as https://app.lotse.example, without a path",
            );
        }
        self.check_single_sign_on()?;
        if tracing_subscriber::EnvFilter::try_new(&self.log).is_err() {
            return wrong("LOTSE_LOG must be a level such as info, or a filter");
        }
        Ok(self)
    }

    /// # Errors
    /// When one of the roles is none that people have.
    pub fn roles_with_second_factor(&self) -> Result<Vec<Role>, ConfigError> {
        let role = |name: &str| {
            Role::from_code(name).filter(|role| role.is_of_people()).ok_or_else(|| {
                ConfigError(format!(
                    "LOTSE_SECOND_FACTOR_ROLES must be roles such as admin, has {name}"
                ))
            })
        };
        listed(&self.second_factor_roles).map(role).collect()
    }

    /// # Errors
    /// When one of the types of attachments is none that can be attached.
    pub fn media_types(&self) -> Result<Vec<MediaType>, ConfigError> {
        let media_type = |name: &str| {
            let found = MediaType::ALL.into_iter().find(|known| known.endings()[0] == name);
            found.ok_or_else(|| {
                ConfigError(format!("LOTSE_ATTACHMENT_TYPES must be types such as pdf, has {name}"))
            })
        };
        listed(&self.attachment_types).map(media_type).collect()
    }

    #[must_use]
    pub fn origins(&self) -> Vec<String> {
        listed(&self.cors_origins).map(str::to_owned).collect()
    }

    /// # Errors
    /// When one of the trusted proxies is neither an address nor a network.
    pub fn proxies(&self) -> Result<Vec<IpNet>, ConfigError> {
        let parse = |name: &str| {
            let network = name.parse::<IpAddr>().map(IpNet::from).or_else(|_| name.parse());
            network.map_err(|_| {
                ConfigError(format!(
                    "LOTSE_TRUSTED_PROXIES must be addresses or networks such as 10.1.0.0/16, has {name}"
                ))
            })
        };
        listed(&self.trusted_proxies).map(parse).collect()
    }

    fn check_single_sign_on(&self) -> Result<(), ConfigError> {
        let wrong = |message: &str| Err(ConfigError(message.to_owned()));
        if self.oidc_issuer.is_empty() {
            return if self.local_login {
                Ok(())
            } else {
                wrong("LOTSE_LOCAL_LOGIN is false and LOTSE_OIDC_ISSUER empty: nobody could log in")
            };
        }
        if !is_safe_address(&self.oidc_issuer) {
            return wrong("LOTSE_OIDC_ISSUER must begin with https:// (or http:// and localhost)");
        }
        if self.oidc_client_id.is_empty() {
            return wrong("LOTSE_OIDC_CLIENT_ID must not be empty when LOTSE_OIDC_ISSUER is set");
        }
        if !is_safe_address(&self.oidc_redirect_url) {
            return wrong(
                "LOTSE_OIDC_REDIRECT_URL must begin with https:// (or http:// and localhost)",
            );
        }
        if !self.oidc_scopes.split_whitespace().any(|scope| scope == "openid") {
            return wrong("LOTSE_OIDC_SCOPES must have openid among them");
        }
        let roles = GroupRoles::parse(&self.oidc_roles)
            .map_err(|error| ConfigError(format!("LOTSE_OIDC_ROLES: {error}")))?;
        if !roles.is_empty() && self.oidc_groups_claim.is_empty() {
            return wrong("LOTSE_OIDC_GROUPS_CLAIM must not be empty when LOTSE_OIDC_ROLES is set");
        }
        Ok(())
    }

    /// As TOML-like lines with secrets masked.
    #[must_use]
    pub fn masked(&self) -> String {
        let mask = |text: &str| if text.is_empty() { String::new() } else { "***".to_owned() };
        let shown = Self {
            database_url: without_password(&self.database_url),
            replica_url: without_password(&self.replica_url),
            signing_key: mask(&self.signing_key),
            demo_password: mask(&self.demo_password),
            oidc_client_secret: mask(&self.oidc_client_secret),
            ..self.clone()
        };
        let json = serde_json::to_value(&shown).unwrap_or_default();
        let mut lines: Vec<String> = json
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        lines.push(String::new());
        lines.join("\n")
    }
}

fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', '@', '?', '#', ' ', '"']))
}

/// `postgres://user:***@host/…`
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let rest = match rest.split_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((name, _)) => format!("{name}:***@{host}"),
            None => rest.to_owned(),
        },
        None => rest.to_owned(),
    };
    // libpq also takes it as a parameter.
    let rest = match rest.split_once("password=") {
        Some((before, after)) => {
            let after = after.split_once('&').map_or(String::new(), |(_, more)| format!("&{more}"));
            format!("{before}password=***{after}")
        }
        None => rest,
    };
    format!("{scheme}://{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/lotse.default.toml"));
        let environment = environment.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        Config::load(Some(file), environment)
    }

    #[test]
    fn the_defaults_are_complete_and_the_environment_wins() {
        let config = load(&[
            ("LOTSE_LISTEN", "0.0.0.0:9"),
            ("LOTSE_DEMO_PASSWORD", "123456789012"),
            ("LOTSE_POOL_SIZE", "3"),
            ("DATABASE_URL", "postgres://u:hidden@h/d?sslmode=require"),
            ("HOME", "/nowhere"),
        ])
        .unwrap();
        assert_eq!(config.public_url, "http://0.0.0.0:9");
        assert_eq!((config.demo_password.as_str(), config.pool_size), ("123456789012", 3));
        let shown = config.masked();
        assert!(shown.contains("postgres://u:***@h/d?sslmode=require"), "{shown}");
        assert!(!shown.contains("hidden") && !shown.contains("123456789012"), "{shown}");
    }

    #[test]
    fn single_sign_on_is_set_up_as_a_whole() {
        const RIGHT: [(&str, &str); 6] = [
            ("LOTSE_LOCAL_LOGIN", "false"),
            ("LOTSE_OIDC_ISSUER", "https://login.example/realms/lotse"),
            ("LOTSE_OIDC_CLIENT_ID", "lotse"),
            ("LOTSE_OIDC_CLIENT_SECRET", "12345"),
            ("LOTSE_OIDC_REDIRECT_URL", "http://localhost:5173/sso"),
            ("LOTSE_OIDC_ROLES", "lotse-advisers=adviser@BWHW; lotse-admins=admin"),
        ];
        let config = load(&RIGHT).unwrap();
        assert!(!config.local_login);
        let shown = config.masked();
        assert!(shown.contains("local_login = false") && !shown.contains("12345"), "{shown}");
        for (name, value) in [
            ("LOTSE_OIDC_CLIENT_ID", ""),
            ("LOTSE_OIDC_REDIRECT_URL", ""),
            ("LOTSE_OIDC_SCOPES", "email"),
            ("LOTSE_OIDC_GROUPS_CLAIM", ""),
            ("LOTSE_OIDC_ROLES", "lotse-advisers=adviser"),
        ] {
            let wrong: Vec<_> = RIGHT.into_iter().chain([(name, value)]).collect();
            let error = load(&wrong).unwrap_err().to_string();
            assert!(error.contains(name), "{name}: {error}");
        }
    }

    #[test]
    fn wrong_settings_are_named_in_one_line() {
        for (name, value) in [
            ("LOTSE_LISTENN", "x"),
            ("LOTSE_LISTEN", "nowhere"),
            ("LOTSE_POOL_SIZE", "many"),
            ("LOTSE_POOL_SIZE", "0"),
            ("LOTSE_REFERRAL_ANSWER_DAYS", "0"),
            ("LOTSE_PUBLIC_URL", "lotse.example"),
            ("LOTSE_DEMO_PASSWORD", "short"),
            ("LOTSE_LOG_FORMAT", "xml"),
            ("LOTSE_REQUESTS_PER_ACCOUNT", "-1"),
            ("LOTSE_SECOND_FACTOR_ROLES", "admin, integration"),
            ("LOTSE_CORS_ORIGINS", "*"),
            ("LOTSE_CORS_ORIGINS", "https://a.example, https://b.example/"),
            ("LOTSE_TRUSTED_PROXIES", "10.0.0.0/8, nginx"),
            ("LOTSE_LOCAL_LOGIN", "no"),
            ("LOTSE_LOCAL_LOGIN", "false"),
            ("LOTSE_OIDC_ISSUER", "http://login.example"),
            ("LOTSE_ATTACHMENTS", ""),
            ("LOTSE_ATTACHMENT_BYTES", "0"),
            ("LOTSE_ATTACHMENT_TYPES", "pdf, html"),
            ("DATABASE_URL", "mysql://h"),
        ] {
            let error = load(&[(name, value)]).unwrap_err().to_string();
            assert!(!error.contains('\n'), "{error}");
            let setting = name.trim_start_matches("LOTSE_");
            assert!(error.to_uppercase().contains(setting), "{name}: {error}");
        }
    }
}
