//! From the domain of an address to its submission server: built-in facts first, then DNS.
//!
//! Owns the order of the sources, and that what DNS alone says is not enough; `target` draws the
//! line. Refuses to connect, to guess, and to ask anew for each connection: what is found is for
//! keeping (RFC 8314 §5.1). RFC 6186, RFC 8314 §5.1.

mod dns;
mod exchange;
mod order;
mod question;
mod target;
#[cfg(test)]
mod tests;

use std::time::Instant;

use self::dns::Answer;
pub use self::dns::Dns;
use self::order::{Service, in_order};
use self::question::Srv;
use self::target::host_name;
pub use self::target::{Foreign, ForeignServers, Target};
use super::policy::Rung;
use super::providers::{self, Provider};
use super::server::Host;
use crate::address::domain_to_ascii;
use crate::failure::{Failure, Kind, Result};

/// Records taken from what a domain publishes, the first in order: each may cost a connection, or
/// a note.
const RECORDS_MAX: usize = 16;

/// What came of looking for the submission server of a domain.
#[derive(Debug)]
pub struct Discovery {
    /// The domain, as A-labels.
    pub domain: String,
    /// What was found.
    pub found: Found,
    /// What is published and not used, and why: a line for a person each, free of control
    /// characters.
    pub notes: Vec<String>,
}

/// What is known of a domain's way to submit mail.
#[derive(Debug)]
pub enum Found {
    /// Its servers.
    Servers(Servers),
    /// The domain says in DNS that it offers no submission (a target of `.`, RFC 2782).
    NotOffered,
    /// Nothing: only [`guesses`] are left.
    Nothing,
}

/// Where mail of a domain is submitted.
#[derive(Debug)]
pub struct Servers {
    /// Who says so.
    pub source: Source,
    /// Whose servers they are, when that is known: what it wants as user and password.
    pub provider: Option<&'static Provider>,
    /// The servers in the order in which they are to be tried; at least one.
    pub targets: Vec<Target>,
}

/// Who named the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The table of providers in this program: it needs no DNS, and no confirmation.
    BuiltIn,
    /// SRV records of the domain (RFC 6186, RFC 8314 §5.1).
    Srv,
    /// A provider in the table, recognised by who takes the domain's mail (its MX records).
    Mx,
}

/// Looks for the submission servers of `domain`, the part of an address after the `@`.
///
/// Asks nobody when the domain is a large provider's own. Otherwise SRV records are asked for, then,
/// when there are none, MX records, which may lead to a provider in the table. An address literal has
/// nothing to look up.
///
/// # Errors
/// `Temporary` when DNS cannot tell now, or not until `deadline`; `Host` when there is no such
/// domain; `Config` when aliases in DNS have no end; `Message` when `domain` is no host name.
///
/// ```
/// use smtpsend::route::discover::{Dns, discover};
/// use std::time::{Duration, Instant};
///
/// let deadline = Instant::now() + Duration::from_secs(10);
/// let discovery = discover("gmail.com", &Dns::of_this_system(), deadline)?;
/// assert_eq!(discovery.rungs(None)?[0].to_string(), "smtp.gmail.com:587");
/// # Ok::<(), smtpsend::failure::Failure>(())
/// ```
pub fn discover(domain: &str, dns: &Dns, deadline: Instant) -> Result<Discovery> {
    let mut discovery = Discovery {
        domain: domain.to_owned(),
        found: Found::Nothing,
        notes: Vec::new(),
    };
    if domain.starts_with('[') {
        return Ok(discovery);
    }
    discovery.domain = domain_to_ascii(domain)?;
    if let Some(provider) = providers::provider_of_domain(&discovery.domain) {
        discovery.found = of_provider(provider, Source::BuiltIn, Target::Own);
        return Ok(discovery);
    }
    discovery.ask_for_services(dns, deadline)?;
    if matches!(discovery.found, Found::Nothing) {
        discovery.ask_for_exchangers(dns, deadline)?;
    }
    Ok(discovery)
}

/// Names under which many domains have their submission server, to be tried where nothing is
/// known; whether they exist has to be asked.
pub fn guesses(domain: &str) -> Vec<Host> {
    ["smtp.", "mail.", "submission.", ""]
        .iter()
        .filter_map(|label| host_name(&format!("{label}{domain}")))
        .map(Host::Name)
        .collect()
}

impl Discovery {
    /// The rungs of the servers found, in order; foreign ones only with the word for it.
    ///
    /// # Errors
    /// `Config` when there is none: nothing was found, the domain offers no submission, or the
    /// servers are foreign and `foreign` is not given.
    pub fn rungs(&self, foreign: Option<ForeignServers>) -> Result<Vec<Rung>> {
        let domain = &self.domain;
        let servers = match &self.found {
            Found::Servers(servers) => servers,
            Found::NotOffered => {
                let text = format!("{domain} says in DNS that mail cannot be submitted there");
                return Err(name_a_server(text));
            }
            Found::Nothing => {
                let text = format!("no submission server is known for {domain}");
                return Err(name_a_server(text));
            }
        };
        let rungs: Vec<_> = servers
            .targets
            .iter()
            .filter_map(|target| match (target, foreign) {
                (Target::Own(rung), _) => Some(rung.clone()),
                (Target::Foreign(server), Some(word)) => Some(server.confirmed(word)),
                (Target::Foreign(_), None) => None,
            })
            .collect();
        match servers.targets.first() {
            Some(Target::Foreign(server)) if rungs.is_empty() => {
                Err(unconfirmed(domain, servers, server))
            }
            _ => Ok(rungs),
        }
    }

    fn ask_for_services(&mut self, dns: &Dns, deadline: Instant) -> Result<()> {
        let (mut records, mut refused, mut trouble) = (Vec::new(), false, None);
        for service in Service::ALL {
            match dns.srv(&format!("{}.{}", service.labels(), self.domain), deadline) {
                Ok(Answer::Records(found)) => {
                    refused |= found.iter().all(|srv| srv.target.is_empty());
                    let offered = found.into_iter().filter(|srv| !srv.target.is_empty());
                    records.extend(offered.map(|srv| (service, srv)));
                }
                Ok(Answer::NoRecord | Answer::NoName) => {}
                Err(failure) => {
                    self.notes.push(failure.message.clone());
                    trouble = Some(failure);
                }
            }
        }
        let published = !records.is_empty();
        let targets = self.targets(in_order(records, chance));
        match (targets.first(), trouble) {
            (Some(first), _) => {
                self.found = Found::Servers(Servers {
                    source: Source::Srv,
                    provider: providers::provider_of_host(first.host()),
                    targets,
                });
            }
            // The service that could not be asked for may be the one that is offered.
            (None, Some(failure)) => return Err(failure),
            (None, None) if refused && !published => self.found = Found::NotOffered,
            (None, None) => {}
        }
        Ok(())
    }

    /// The servers that can be used, each once; the others become notes.
    fn targets(&mut self, mut records: Vec<(Service, Srv)>) -> Vec<Target> {
        if records.len() > RECORDS_MAX {
            let text = format!(
                "of {} SRV records the first {RECORDS_MAX} are used",
                records.len()
            );
            self.notes.push(text);
            records.truncate(RECORDS_MAX);
        }
        let mut targets = Vec::new();
        for (service, srv) in records {
            match Target::published(&self.domain, service, &srv) {
                Ok(target) if targets.contains(&target) => {}
                Ok(target) => targets.push(target),
                Err(failure) => self.notes.push(failure.message),
            }
        }
        targets
    }

    fn ask_for_exchangers(&mut self, dns: &Dns, deadline: Instant) -> Result<()> {
        match dns.mx(&self.domain, deadline)? {
            Answer::Records(records) => {
                let best = records.iter().min_by_key(|mx| mx.preference);
                let provider = best.and_then(|mx| providers::provider_of_mx(&mx.exchange));
                if let Some(provider) = provider {
                    self.found = of_provider(provider, Source::Mx, Target::foreign);
                }
                Ok(())
            }
            Answer::NoRecord => Ok(()),
            Answer::NoName => {
                let text = format!("there is no domain {}", self.domain);
                Err(Failure::new(Kind::Host, text)
                    .with_hint("check the sender's address for a typing error"))
            }
        }
    }
}

fn of_provider(
    provider: &'static Provider,
    source: Source,
    target: impl Fn(Rung) -> Target,
) -> Found {
    Found::Servers(Servers {
        source,
        provider: Some(provider),
        targets: provider.rungs().into_iter().map(target).collect(),
    })
}

fn unconfirmed(domain: &str, servers: &Servers, first: &Foreign) -> Failure {
    let what = match (servers.source, servers.provider) {
        (Source::Mx, Some(provider)) => format!("mail of {domain} goes to {}", provider.name),
        _ => format!("mail of {domain} is submitted at {first}, outside of {domain}"),
    };
    let text = format!("DNS says that {what}, and DNS can be forged");
    Failure::new(Kind::Config, text).with_hint(format!(
        "if that is your provider, say so with --server {first}"
    ))
}

fn name_a_server(text: String) -> Failure {
    Failure::new(Kind::Config, text).with_hint("name your provider's server with --server")
}

/// A random number from 0 to `most`. Without chance the first server is used, which is no reason
/// to fail.
fn chance(most: u32) -> u32 {
    let drawn = getrandom::u64().unwrap_or_default() % (u64::from(most) + 1);
    u32::try_from(drawn).unwrap_or(most)
}
