//! Single sign-on: what an OpenID Connect provider says of a person, and what its groups mean here.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::check::Checks;
use crate::code::Code;
use crate::policy::Role;

/// How long a log-in may take at the provider.
pub const FLOW_MINUTES: i64 = 10;

/// The one answer for a log-in that does not hold; the reason is in the server's log.
pub const REFUSED: &str = "The log-in with single sign-on was refused.";

/// How to log in at this installation.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogInMethods {
    /// With e-mail address and password, at `/auth/login`.
    pub password: bool,
    /// With single sign-on, at `/auth/sso`.
    pub sso: bool,
}

/// A log-in that has begun and goes on at the provider.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SsoFlow {
    /// Where the browser goes now.
    #[schema(
        example = "https://login.example/realms/lotse/protocol/openid-connect/auth?response_type=code&…"
    )]
    pub authorization_url: String,
    /// Stays in the browser that began, and goes into `POST /auth/sso/callback`: whoever was led to
    /// the page of the answer by somebody else does not have it.
    pub flow: String,
}

/// What the provider sent the browser back with.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "state": "Tm90IGEgcmVhbCBzdGF0ZSwganVzdCBhbiBleGFtcGxl", "code": "a8f1c2e0-5f0e",
    "flow": "Tm90IGEgcmVhbCBmbG93LCBqdXN0IGFuIGV4YW1wbGU"
}))]
pub struct SsoCallbackInput {
    /// The parameter `state` of the page's address.
    pub state: String,
    /// The parameter `code` of the page's address.
    pub code: String,
    /// What `POST /auth/sso` answered in this browser.
    pub flow: String,
    /// The parameter `iss` of the page's address, where the provider sends it (RFC 9207).
    pub iss: Option<String>,
    /// Whether the tokens come in cookies that scripts cannot read, instead of in the body.
    #[serde(default)]
    #[schema(default = false)]
    pub cookies: bool,
}

/// A person as the provider vouches for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub issuer: String,
    /// Who it is at the provider, for ever.
    pub subject: String,
    /// None unless the provider says that it was verified: anybody can claim an address.
    pub verified_email: Option<String>,
    pub name: Option<String>,
    pub groups: Vec<String>,
}

impl Identity {
    /// In the form that users have: trimmed, lower case, and such that it can be stored. None where
    /// the subject is none that OpenID Connect allows.
    #[must_use]
    pub fn new(
        issuer: &str,
        subject: &str,
        verified_email: Option<&str>,
        name: Option<&str>,
        groups: Vec<String>,
    ) -> Option<Self> {
        let fits = (1..=255).contains(&subject.len()) && !subject.chars().any(char::is_control);
        let email = verified_email.and_then(|email| {
            let mut checks = Checks::new();
            let email = checks.email("", email);
            checks.finish().ok().map(|()| email)
        });
        let name: Option<String> = name.map(|name| {
            let name: String = name.chars().filter(|c| !c.is_control()).take(200).collect();
            name.trim().to_owned()
        });
        fits.then(|| Self {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            verified_email: email,
            name: name.filter(|name| !name.is_empty()),
            groups,
        })
    }
}

/// What a group of the provider is in Lotse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRole {
    pub group: String,
    pub role: Role,
    /// Code of the carrier, for roles that have one.
    pub carrier: Option<String>,
}

/// What the groups of the provider are in Lotse, the weightiest first. Empty: roles are given in Lotse
/// alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupRoles(Vec<GroupRole>);

impl GroupRoles {
    /// `group=role` or `group=role@CARRIER`, separated by semicolons. A group may have `=` and `@` in
    /// its name, so what follows the last `=` counts.
    ///
    /// # Errors
    /// What is wrong, in one line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries = text.split(';').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(group_role).collect::<Result<_, _>>().map(Self)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What a member of these groups is. Of several roles the first in the setting's order.
    #[must_use]
    pub fn of(&self, groups: &[String]) -> Option<&GroupRole> {
        self.0.iter().find(|entry| groups.contains(&entry.group))
    }
}

fn group_role(entry: &str) -> Result<GroupRole, String> {
    let (group, meant) =
        entry.rsplit_once('=').ok_or_else(|| format!("{entry:?} is not group=role"))?;
    let (role, carrier) = match meant.split_once('@') {
        Some((role, carrier)) => (role.trim(), Some(carrier.trim().to_owned())),
        None => (meant.trim(), None),
    };
    let group = group.trim().to_owned();
    let role = Role::from_code(role)
        .filter(|role| role.is_of_people())
        .ok_or_else(|| format!("{role:?} is no role"))?;
    if group.is_empty() || carrier.as_ref().is_some_and(String::is_empty) {
        return Err(format!("{entry:?} is not group=role@CARRIER"));
    }
    if role.has_carrier() != carrier.is_some() {
        let code = role.code();
        return Err(if role.has_carrier() {
            format!("{code} needs a carrier: {group}={code}@CARRIER")
        } else {
            format!("{code} has no carrier: {group}={code}")
        });
    }
    Ok(GroupRole { group, role, carrier })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_group_in_the_order_of_the_setting_wins() {
        let roles = GroupRoles::parse(
            "lotse-managers=manager@BWHW; cn=advisers,dc=bwhw = adviser @ BWHW ;lotse-admins=admin;",
        )
        .unwrap();
        let of = |groups: &[&str]| {
            let groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
            roles.of(&groups).map(|found| (found.role, found.carrier.clone()))
        };
        let bwhw = || Some("BWHW".to_owned());
        assert_eq!(of(&["cn=advisers,dc=bwhw"]), Some((Role::Adviser, bwhw())));
        assert_eq!(of(&["lotse-admins", "lotse-managers"]), Some((Role::Manager, bwhw())));
        assert_eq!(of(&["lotse-admins"]), Some((Role::Admin, None)));
        // Names are compared as they are.
        assert_eq!(of(&["/lotse-admins", "Lotse-Admins", ""]), None);
        assert!(GroupRoles::parse(" ; ").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_with_the_setting_is_named() {
        for (text, named) in [
            ("lotse-admins", "lotse-admins"),
            ("lotse-admins=boss", "boss"),
            ("=admin", "=admin"),
            ("keys=integration@BWHW", "integration"),
            ("a=adviser", "needs a carrier"),
            ("a=adviser@", "group=role@CARRIER"),
            ("a=admin@BWHW", "has no carrier"),
        ] {
            let error = GroupRoles::parse(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn an_identity_is_in_the_form_that_users_have() {
        let new = |subject: &str, email, name| {
            Identity::new("https://login.example", subject, email, name, Vec::new())
        };
        let ada = new("a", Some(" Ada@Demo.Example "), Some("Ada\u{0} Neufeld")).unwrap();
        assert_eq!(ada.verified_email.as_deref(), Some("ada@demo.example"));
        assert_eq!(ada.name.as_deref(), Some("Ada Neufeld"));
        let odd = new("a", Some("a\u{0}@demo.example"), Some(" \n")).unwrap();
        assert_eq!((odd.verified_email, odd.name), (None, None));
        assert!(new("", None, None).is_none());
        assert!(new("a\u{0}", None, None).is_none());
        assert!(new(&"a".repeat(256), None, None).is_none());
    }
}
