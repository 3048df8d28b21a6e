//! The result of a check for a person: a block of lines for each port, then the verdict.

use std::time::SystemTime;

use super::verdict::{Verdict, meaning};
use crate::certificate::CertificateFacts;
use crate::cli::json::without_place;
use crate::route::{Attempt, Security};
use crate::submit::probe::{Diagnosis, Login, Probe};

/// Columns of a line.
const WIDTH: usize = 100;
/// Columns before the facts.
const INDENT: usize = 15;

/// The whole text.
pub(super) fn text(diagnosis: &Diagnosis, verdict: &Verdict) -> String {
    let mut text = String::new();
    for (place, probe) in diagnosis.probes.iter().enumerate() {
        let mut block = Block::of(probe, "");
        block.login(probe, diagnosis, place);
        block.result(probe, diagnosis, place, verdict);
        text += &block.0;
        if let Some(instead) = &probe.instead {
            let mut block = Block::of(instead, ", which is what it speaks");
            block.failure(&instead.attempt, verdict);
            text += &block.0;
        }
        text.push('\n');
    }
    let mut end = Block(String::new());
    end.lines("verdict: ", 0, &verdict.sentence);
    if let Some(advice) = &verdict.advice {
        end.lines("hint: ", 0, advice);
    }
    if let Some(usage) = &verdict.usage {
        end.lines("use: ", 0, usage);
    }
    text + &end.0
}

/// The lines about one port.
struct Block(String);

impl Block {
    /// Its heading and what was found, as far as it goes.
    fn of(probe: &Probe, remark: &str) -> Self {
        let rung = &probe.attempt.rung;
        let security = match rung.security {
            Security::StartTls => "STARTTLS",
            Security::Implicit => "implicit TLS",
            Security::None => "in clear",
        };
        let mut block = Self(format!("{rung} ({security}){remark}\n"));
        let addresses: Vec<_> = probe.addresses.iter().map(ToString::to_string).collect();
        if !addresses.is_empty() {
            block.fact("addresses", &addresses.join(", "));
        }
        if let Some(took) = probe.connected {
            let to = probe
                .attempt
                .address
                .map(|address| format!("to {} ", address.ip()));
            let to = to.unwrap_or_default();
            block.fact("connected", &format!("{to}in {} ms", took.as_millis()));
        }
        if let Some(greeting) = &probe.greeting {
            block.fact("greeting", &greeting.to_string());
        }
        if let Some(tls) = &probe.tls {
            let agreed = format!("{}, {}, {}", tls.version, tls.cipher, tls.group);
            block.fact("TLS", &agreed);
        }
        if let Some(facts) = probe.certificate() {
            block.certificate(&facts, probe.tls.is_some());
        }
        if let Some(offers) = &probe.offers {
            let mut keywords = offers.lines.get(1..).unwrap_or_default().join(", ");
            if keywords.is_empty() {
                keywords.push_str("nothing");
            }
            // What counts is offered within TLS.
            let counts = probe.tls.is_some() || rung.security == Security::None;
            let when = if counts { "" } else { " (before TLS)" };
            block.fact("offers", &format!("{keywords}{when}"));
            if counts {
                block.capabilities(probe);
            }
        }
        block
    }

    fn certificate(&mut self, facts: &CertificateFacts, good: bool) {
        let CertificateFacts {
            subject, issuer, ..
        } = facts;
        let subject = if subject.is_empty() {
            "(no subject)"
        } else {
            subject
        };
        let by = if facts.is_self_signed() {
            "signed by itself".to_owned()
        } else {
            format!("issued by {issuer}")
        };
        self.fact("certificate", &format!("{subject}, {by}"));
        let names = facts.names.join(", ");
        self.fact(
            "",
            &format!("for {}", if names.is_empty() { "no name" } else { &names }),
        );
        let dates = match facts.days_left(SystemTime::now()) {
            left @ 0.. => format!("{left} days left"),
            over => format!("expired {} days ago", -over),
        };
        self.fact(
            "",
            &format!("{dates}, {}", if good { "trusted" } else { "NOT trusted" }),
        );
    }

    fn capabilities(&mut self, probe: &Probe) {
        let found = probe.capabilities();
        let size = match found.size {
            Some(Some(octets)) => format!("{octets} octets"),
            Some(None) => "no fixed limit".to_owned(),
            None => "not told".to_owned(),
        };
        self.fact("size limit", &size);
        let mechanisms = found.auth.join(", ");
        self.fact(
            "AUTH",
            if mechanisms.is_empty() {
                "not offered"
            } else {
                &mechanisms
            },
        );
    }

    fn login(&mut self, probe: &Probe, diagnosis: &Diagnosis, place: usize) {
        if !probe.is_usable() {
            return;
        }
        match &probe.login {
            Login::Accepted(mechanism) => self.fact("login", &format!("accepted by {mechanism}")),
            Login::Refused(failure) => {
                self.fact("login", &without_place(failure, &probe.attempt.rung))
            }
            Login::Nobody => self.fact("login", "not tried: no user is set"),
            Login::NotTried => {
                let words = "not tried: login is tried on the port that is used";
                match diagnosis.used.filter(|&used| used != place) {
                    Some(used) => {
                        let used = &diagnosis.probes[used].attempt.rung;
                        self.fact("login", &format!("{words}, {used}"));
                    }
                    None => self.fact("login", words),
                }
            }
        }
    }

    fn result(&mut self, probe: &Probe, diagnosis: &Diagnosis, place: usize, verdict: &Verdict) {
        if probe.attempt.failure.is_some() {
            self.failure(&probe.attempt, verdict);
        } else if diagnosis.used == Some(place) {
            let result = match diagnosis.failure {
                None => "this port is used",
                Some(_) => "this port is reached",
            };
            self.fact("result", result);
        } else {
            self.fact("result", "this port would do");
        }
    }

    fn failure(&mut self, attempt: &Attempt, verdict: &Verdict) {
        let Some(failure) = &attempt.failure else {
            return;
        };
        let meaning = meaning(attempt).unwrap_or_default();
        self.fact(
            "result",
            &format!("{}{meaning}", without_place(failure, &attempt.rung)),
        );
        let hint = failure
            .hint
            .as_ref()
            .filter(|_| failure.hint != verdict.advice);
        if let Some(hint) = hint {
            self.fact("hint", hint);
        }
    }

    fn fact(&mut self, label: &str, text: &str) {
        self.lines(&format!("  {label:<12} "), INDENT, text);
    }

    /// `text` behind `start`, broken at spaces; the further lines are indented.
    fn lines(&mut self, start: &str, indent: usize, text: &str) {
        let mut line = start.to_owned();
        let mut fresh = true;
        for word in text.split(' ') {
            let full = line.chars().count() + 1 + word.chars().count() > WIDTH;
            if !fresh && full && indent > 0 {
                self.0 += &line;
                self.0.push('\n');
                line = " ".repeat(indent);
                fresh = true;
            }
            if !fresh {
                line.push(' ');
            }
            line += word;
            fresh = false;
        }
        self.0 += line.trim_end();
        self.0.push('\n');
    }
}
