//! The result of a check for a script: one object. The names are a contract.

use std::time::SystemTime;

use serde::Serialize;

use super::verdict::Verdict;
use crate::certificate::CertificateFacts;
use crate::cli::json::{bare, without_place};
use crate::cli::moment::rfc3339;
use crate::failure::Failure;
use crate::submit::probe::{Diagnosis, Login, Probe};

/// The object; `null` where something did not come to pass.
#[derive(Serialize)]
pub(super) struct Object<'d> {
    verdict: &'d str,
    exit: u8,
    advice: Option<&'d str>,
    r#use: Option<&'d str>,
    rungs: Vec<RungFields>,
}

#[derive(Serialize)]
struct RungFields {
    host: String,
    port: u16,
    security: &'static str,
    used: bool,
    addresses: Vec<String>,
    address: Option<String>,
    connect_ms: Option<u128>,
    greeting: Option<String>,
    tls: Option<String>,
    cipher: Option<String>,
    kx: Option<String>,
    certificate: Option<CertificateFields>,
    extensions: Vec<String>,
    size: Option<u64>,
    auth: Vec<String>,
    login: LoginFields,
    outcome: &'static str,
    failure: Option<String>,
    hint: Option<String>,
    instead: Option<Box<RungFields>>,
}

#[derive(Serialize)]
struct CertificateFields {
    subject: String,
    issuer: String,
    names: Vec<String>,
    not_before: Option<String>,
    not_after: Option<String>,
    days_left: i64,
    trusted: bool,
    pin: String,
    public_key_pin: Option<String>,
    chain_length: usize,
}

#[derive(Serialize)]
struct LoginFields {
    status: &'static str,
    mechanism: Option<&'static str>,
    detail: Option<String>,
}

impl<'d> Object<'d> {
    pub(super) fn of(diagnosis: &Diagnosis, verdict: &'d Verdict) -> Self {
        let probes = diagnosis.probes.iter().enumerate();
        Self {
            verdict: &verdict.sentence,
            exit: verdict.exit.code(),
            advice: verdict.advice.as_deref(),
            r#use: verdict.usage.as_deref(),
            rungs: probes
                .map(|(place, probe)| rung(probe, diagnosis.used == Some(place)))
                .collect(),
        }
    }
}

fn rung(probe: &Probe, used: bool) -> RungFields {
    let attempt = &probe.attempt;
    let found = probe.capabilities();
    let failure = probe.login.failure().or(attempt.failure.as_ref());
    let words = |failure: &Failure| without_place(failure, &attempt.rung);
    RungFields {
        host: bare(&attempt.rung.host),
        port: attempt.rung.port.number(),
        security: attempt.rung.security.name(),
        used,
        addresses: probe.addresses.iter().map(ToString::to_string).collect(),
        address: attempt.address.map(|address| address.ip().to_string()),
        connect_ms: probe.connected.map(|took| took.as_millis()),
        greeting: probe.greeting.as_ref().map(ToString::to_string),
        tls: probe.tls.as_ref().map(|tls| tls.version.clone()),
        cipher: probe.tls.as_ref().map(|tls| tls.cipher.clone()),
        kx: probe.tls.as_ref().map(|tls| tls.group.clone()),
        certificate: probe
            .certificate()
            .map(|facts| certificate(&facts, probe.tls.is_some())),
        extensions: probe.offers.as_ref().map_or_else(Vec::new, |offers| {
            offers.lines.iter().skip(1).cloned().collect()
        }),
        size: found.size.flatten(),
        auth: found.auth,
        login: login(&probe.login, &words),
        outcome: attempt.outcome.name(),
        failure: failure.map(words),
        hint: failure.and_then(|failure| failure.hint.clone()),
        instead: probe
            .instead
            .as_ref()
            .map(|instead| Box::new(rung(instead, false))),
    }
}

fn certificate(facts: &CertificateFacts, trusted: bool) -> CertificateFields {
    CertificateFields {
        subject: facts.subject.clone(),
        issuer: facts.issuer.clone(),
        names: facts.names.clone(),
        not_before: rfc3339(facts.not_before),
        not_after: rfc3339(facts.not_after),
        days_left: facts.days_left(SystemTime::now()),
        trusted,
        pin: facts.pin.to_string(),
        public_key_pin: facts.public_key_pin.map(|pin| pin.to_string()),
        chain_length: facts.chain_length,
    }
}

fn login(login: &Login, words: &dyn Fn(&Failure) -> String) -> LoginFields {
    let (status, mechanism, detail) = match login {
        Login::Nobody => ("no-user", None, None),
        Login::NotTried => ("not-tried", None, None),
        Login::Accepted(mechanism) => ("accepted", Some(*mechanism), None),
        Login::Refused(failure) => ("refused", None, Some(words(failure))),
    };
    LoginFields {
        status,
        mechanism,
        detail,
    }
}
