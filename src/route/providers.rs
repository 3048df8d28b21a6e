//! What is known of large providers: their servers, and what they want from who submits mail.
//!
//! Owns the table `providers.json`, which holds the facts and is read when it is first asked;
//! this file only knows their form. Refuses nothing and asks nobody. A fact is only there when the
//! provider's own pages say so.

use std::sync::LazyLock;

use serde::{Deserialize, Deserializer};

use super::policy::{PortList, Rung};
use super::server::{Host, Server};

static PROVIDERS: LazyLock<Vec<Provider>> = LazyLock::new(|| {
    // Part of the program, and read by a test: it cannot be malformed here.
    serde_json::from_str(include_str!("providers.json")).unwrap_or_default()
});

/// A provider of mail.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// What people call it.
    pub name: &'static str,
    /// Domains of addresses that are its own.
    domains: Vec<&'static str>,
    /// Its customers' domains have a mail exchanger at or below one of these names.
    mx: Vec<&'static str>,
    /// Its submission servers; the first is that of its domains. `*` stands for one label.
    servers: Vec<&'static str>,
    #[serde(deserialize_with = "ports")]
    ports: PortList,
    /// What it takes as the user's name.
    pub user: UserName,
    /// What it takes as the proof that goes with it: any of these.
    pub accepts: Vec<Proof>,
    /// Where an access token comes from, when [`Proof::OAuth`] is accepted.
    pub oauth: Option<OAuth>,
    /// What to do when it refuses to authenticate: one sentence, without a final stop.
    pub advice: &'static str,
    /// The title of its own page on that.
    pub help: &'static str,
}

/// What a provider takes as the user's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserName {
    /// The whole address.
    Address,
    /// This word, for everybody.
    Literal(&'static str),
    /// A name that was issued together with the password.
    Issued,
}

/// What a provider takes as proof of who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// The password of the account.
    Password,
    /// A password made for one program, in the account's settings.
    AppPassword,
    /// An OAuth 2 access token.
    #[serde(rename = "oauth")]
    OAuth,
    /// An API key.
    ApiKey,
    /// A password issued for SMTP alone.
    SmtpPassword,
}

/// Where an OAuth 2 access token comes from (RFC 6749 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth {
    /// What the token must be good for.
    pub scope: &'static str,
    /// The URL where the user agrees.
    pub authorize: &'static str,
    /// The URL that issues tokens.
    pub token: &'static str,
}

/// The provider that this submission server belongs to.
///
/// ```
/// use smtpsend::route::providers::{UserName, provider_of_host};
///
/// let sendgrid = provider_of_host(&"smtp.sendgrid.net".parse()?).expect("it is in the table");
/// assert_eq!(sendgrid.user, UserName::Literal("apikey"));
/// # Ok::<(), smtpsend::failure::Failure>(())
/// ```
pub fn provider_of_host(host: &Host) -> Option<&'static Provider> {
    let Host::Name(name) = host else { return None };
    PROVIDERS.iter().find(|provider| {
        let mut servers = provider.servers.iter();
        servers.any(|pattern| is_like(name, pattern))
    })
}

/// The provider whose own this domain of addresses is.
pub fn provider_of_domain(domain: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| {
        let mut own = provider.domains.iter();
        own.any(|own| own.eq_ignore_ascii_case(domain))
    })
}

/// The provider that this mail exchanger belongs to. Names of exchangers come from DNS, which can be
/// forged: this is a guess to be confirmed.
pub fn provider_of_mx(exchanger: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| {
        let mut suffixes = provider.mx.iter();
        suffixes.any(|suffix| is_within(exchanger, suffix))
    })
}

impl Provider {
    /// The rungs of the server of its domains; none when it has a server for each region.
    pub fn rungs(&self) -> Vec<Rung> {
        let first = self.servers.first().filter(|name| !name.contains('*'));
        first
            .and_then(|name| name.parse().ok())
            .map_or_else(Vec::new, |host| self.rungs_at(&host))
    }

    /// The rungs of one of its servers: the ports that it has, in the order of the policy.
    pub fn rungs_at(&self, host: &Host) -> Vec<Rung> {
        let server = Server {
            host: host.clone(),
            port: None,
            implicit: false,
            user: None,
        };
        server.rungs(Some(&self.ports), None).unwrap_or_default()
    }
}

/// Whether `name` is `domain` or below it; both in ASCII.
pub(super) fn is_within(name: &str, domain: &str) -> bool {
    let start = name.len().checked_sub(domain.len());
    start
        .and_then(|start| Some((name.get(..start)?, name.get(start..)?)))
        .is_some_and(|(before, end)| {
            end.eq_ignore_ascii_case(domain) && (before.is_empty() || before.ends_with('.'))
        })
}

/// Label by label; `*` stands for any one.
fn is_like(name: &str, pattern: &str) -> bool {
    let labels = name.split('.').count() == pattern.split('.').count();
    labels
        && name
            .split('.')
            .zip(pattern.split('.'))
            .all(|(label, wanted)| wanted == "*" || wanted.eq_ignore_ascii_case(label))
}

fn ports<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PortList, D::Error> {
    let text = <&str>::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::address::domain_to_ascii;
    use crate::route::policy::Security;

    fn host(name: &str) -> Host {
        name.parse().unwrap()
    }

    fn name_of(host_name: &str) -> Option<&'static str> {
        provider_of_host(&host(host_name)).map(|provider| provider.name)
    }

    #[test]
    fn the_table_is_well_formed_and_names_nothing_twice() {
        let table: Vec<Provider> = serde_json::from_str(include_str!("providers.json")).unwrap();
        assert_eq!(table.len(), 10);
        let mut names = HashSet::new();
        for provider in &table {
            let lists = [&provider.domains, &provider.mx, &provider.servers];
            for (list, name) in lists
                .into_iter()
                .zip(0..)
                .flat_map(|(l, i)| l.iter().map(move |n| (i, n)))
            {
                assert!(names.insert((list, *name)), "{name} stands twice");
                let plain = name.replace('*', "x");
                assert_eq!(domain_to_ascii(&plain).unwrap(), plain);
            }
            let found_by_address = !provider.domains.is_empty() || !provider.mx.is_empty();
            assert!(
                !found_by_address || !provider.rungs().is_empty(),
                "{}",
                provider.name
            );
            assert!(!provider.servers.is_empty() && !provider.accepts.is_empty());
            assert_eq!(
                provider.oauth.is_some(),
                provider.accepts.contains(&Proof::OAuth)
            );
            for url in provider
                .oauth
                .iter()
                .flat_map(|o| [o.scope, o.authorize, o.token])
            {
                assert!(url.starts_with("https://"), "{url}");
            }
            for text in [provider.name, provider.advice, provider.help] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{text}");
            }
        }
    }

    #[test]
    fn ports_are_in_the_order_of_the_policy() {
        for provider in PROVIDERS.iter() {
            let rungs = provider.rungs_at(&host("smtp.example.com"));
            assert!(!rungs.is_empty());
            let starttls = |rung: &Rung| rung.security == Security::StartTls;
            assert!(
                rungs
                    .iter()
                    .all(|rung| starttls(rung) || rung.security == Security::Implicit)
            );
            assert!(
                rungs.is_sorted_by_key(|rung| !starttls(rung)),
                "{}",
                provider.name
            );
        }
    }

    #[test]
    fn port_25_cannot_stand_in_the_table() {
        let with = |ports: &str| {
            let text = include_str!("providers.json").replace("587/starttls", ports);
            serde_json::from_str::<Vec<Provider>>(text.leak()).is_ok()
        };
        assert!(with("587"));
        assert!(!with("25/starttls"));
    }

    #[test]
    fn a_server_leads_to_its_provider() {
        assert_eq!(
            name_of("SMTP.gmail.com"),
            Some("Gmail and Google Workspace")
        );
        assert_eq!(name_of("smtp.eu.mailgun.org"), Some("Mailgun"));
        assert_eq!(
            name_of("email-smtp.eu-central-1.amazonaws.com"),
            Some("Amazon SES")
        );
        for other in [
            "smtp.gmail.com.example.com",
            "email-smtp.amazonaws.com",
            "email-smtp.a.b.amazonaws.com",
            "gmail.com",
            "192.0.2.1",
        ] {
            assert_eq!(name_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_domain_or_an_exchanger_leads_to_its_provider() {
        let of_domain = |domain| provider_of_domain(domain).map(|provider| provider.name);
        assert_eq!(of_domain("GMail.com"), Some("Gmail and Google Workspace"));
        assert_eq!(of_domain("mac.com"), Some("iCloud Mail"));
        assert_eq!(of_domain("mail.gmail.com"), None);
        let of_mx = |name| provider_of_mx(name).map(|provider| provider.name);
        assert_eq!(
            of_mx("alt1.aspmx.l.google.com"),
            Some("Gmail and Google Workspace")
        );
        assert_eq!(
            of_mx("contoso-com.mail.protection.outlook.com"),
            Some("Microsoft 365")
        );
        assert_eq!(of_mx("in1-smtp.messagingengine.com"), Some("Fastmail"));
        assert_eq!(of_mx("evilgoogle.com"), None);
        assert_eq!(of_mx("mail.sendgrid.net"), None);
    }

    #[test]
    fn a_domain_holds_itself_and_what_is_below() {
        assert!(is_within("example.com", "Example.com"));
        assert!(is_within("mail.example.com", "example.com"));
        for (name, domain) in [
            ("notexample.com", "example.com"),
            ("example.com.net", "example.com"),
            ("com", "example.com"),
            ("", "example.com"),
        ] {
            assert!(!is_within(name, domain), "{name}");
        }
    }
}
