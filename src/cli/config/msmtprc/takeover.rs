//! What one account of msmtp says, with our settings.
//!
//! Refuses port 25, as everywhere, and to trust anything that was not trusted: where msmtp checked less
//! than we do, a note says what to name instead. An account that speaks no SMTP is left out.

use std::path::Path;

use super::super::entry::Entry;
use super::accounts::{Account, Commands, Value, switch};
use super::left_out::LEFT_OUT;
use super::{Accepts, Note};
use crate::route::Host;

/// Commands that say what one of our settings says, with the same words; nothing said unsets.
const SAME: [(&str, &str); 3] = [
    ("tls_host_override", "tls-name"),
    ("source_ip", "bind"),
    ("user", "user"),
];

/// Commands that name a file; neither file is good for anything without what is in the other.
const FILES: [(&str, &str); 2] = [
    ("tls_cert_file", "client-cert"),
    ("tls_key_file", "client-key"),
];

/// An account on its way.
pub(super) struct Takeover<'a, 't> {
    account: &'a Account<'t>,
    commands: Commands<'t>,
    home: Option<&'a Path>,
    accepts: Accepts<'a>,
    notes: &'a mut Vec<Note>,
    entries: Vec<Entry>,
}

impl<'a, 't> Takeover<'a, 't> {
    /// The settings of this account; none if it cannot be one of ours.
    pub(super) fn of(
        account: &'a Account<'t>,
        home: Option<&'a Path>,
        accepts: Accepts<'a>,
        notes: &'a mut Vec<Note>,
    ) -> Option<Vec<Entry>> {
        let mut takeover = Self {
            commands: account.commands(),
            account,
            home,
            accepts,
            notes,
            entries: Vec::new(),
        };
        takeover.server()?;
        takeover.trust();
        takeover.same();
        takeover.network();
        takeover.login();
        takeover.sender();
        takeover.left_out();
        Some(takeover.entries)
    }

    /// The value of a command.
    fn get(&self, name: &str) -> Option<Value<'t>> {
        self.commands.get(name).copied()
    }

    /// The value of a command, unless it unsets.
    fn set(&self, name: &str) -> Option<Value<'t>> {
        self.get(name).filter(|value| !value.text.is_empty())
    }

    /// Whether a command is on or off, if it says so.
    fn switch(&mut self, name: &str) -> Option<bool> {
        let value = self.get(name)?;
        let on = switch(value.text);
        if on.is_none() {
            self.note(value, "neither on nor off");
        }
        on
    }

    fn note(&mut self, value: Value<'_>, what: &str) {
        self.notes.push(Note::of(value, what));
    }

    fn note_account(&mut self, what: &str) {
        let subject = format!("account {}", self.account.name);
        self.notes
            .push(Note::new(self.account.line, &subject, what));
    }

    /// Sets a setting as the command says.
    fn put(&mut self, key: &'static str, text: &str, command: &'static str) {
        self.put_all(vec![Entry::text(key, text, self.said(command))]);
    }

    /// Sets all of these settings, or none of them.
    fn put_all(&mut self, entries: Vec<Entry>) {
        let Err(why) = (self.accepts)(&entries) else {
            self.entries.extend(entries);
            return;
        };
        // What nobody said stays as it is by default.
        for command in entries.iter().filter_map(|entry| entry.command) {
            if let Some(value) = self.get(command) {
                self.note(value, &why);
            }
        }
    }

    /// The command, if it is there to be named.
    fn said(&self, command: &'static str) -> Option<&'static str> {
        self.get(command).map(|_| command)
    }

    /// `server` and `tls`, or none where there is no SMTP server to talk to.
    fn server(&mut self) -> Option<()> {
        if let Some(value) = self.get("protocol").filter(|value| value.text != "smtp") {
            self.note(value, "only SMTP is spoken: the account is left out");
            return None;
        }
        if let Some(value) = self.set("socket") {
            self.note(
                value,
                "sockets are not connected to: the account is left out",
            );
            return None;
        }
        let Some(host) = self.set("host") else {
            self.note_account("has no host and is left out");
            return None;
        };
        let Ok(name) = host.text.parse::<Host>() else {
            self.note(host, "not a host name: the account is left out");
            return None;
        };
        let tls = self.switch("tls");
        let wrapped = self.switch("tls_starttls") == Some(false);
        let port = match self.port(tls == Some(true) && wrapped) {
            Some(port) => {
                self.put("server", &format!("{name}:{port}"), "host");
                true
            }
            None => {
                self.put("server", &name.to_string(), "host");
                false
            }
        };
        match tls {
            Some(true) if wrapped => self.put("tls", "implicit", "tls"),
            Some(true) if port => self.put("tls", "starttls", "tls"),
            Some(true) => {}
            Some(false) => {
                self.put("tls", "none", "tls");
                if let Some(value) = self.get("tls") {
                    self.note(value, "mail goes in clear, as it did; leave tls out to encrypt it");
                }
            }
            None => self.note(
                host,
                "mail went in clear and is encrypted now; for a server that cannot, set tls = \"none\"",
            ),
        }
        Some(())
    }

    /// The port that is named, or was meant.
    fn port(&mut self, wrapped: bool) -> Option<u16> {
        let Some(value) = self.get("port") else {
            return wrapped.then_some(465);
        };
        match value.text.parse() {
            Ok(25) => {
                self.note(
                    value,
                    "smtpsend never uses port 25: this works only if the server takes mail on 587, 2525 or 465",
                );
                None
            }
            Ok(port) if port > 0 => Some(port),
            _ => {
                self.note(value, "not a port number; the ports of the policy are used");
                None
            }
        }
    }

    fn trust(&mut self) {
        if self.get("tls").is_some_and(|value| value.text == "off") {
            return;
        }
        match self.get("tls_trust_file") {
            None => self.put("trust", "system", "tls_trust_file"),
            Some(value) if value.text == "system" => {
                self.put("trust", "system", "tls_trust_file");
            }
            Some(value) if value.text.is_empty() => {}
            Some(value) => self.put("ca-file", &self.file(value), "tls_trust_file"),
        }
        let Some(value) = self.set("tls_fingerprint") else {
            return;
        };
        match sha256(value.text) {
            Some(pin) => self.put("tls-pin", &pin, "tls_fingerprint"),
            None => self.note(
                value,
                "not a SHA-256 fingerprint; openssl x509 -noout -fingerprint -sha256 -in CERTIFICATE tells it",
            ),
        }
    }

    /// What differs in its name only.
    fn same(&mut self) {
        for (command, key) in SAME {
            if let Some(value) = self.set(command) {
                self.put(key, value.text, command);
            }
        }
        let mut files = Vec::new();
        for (command, key) in FILES {
            match self.set(command) {
                Some(value) if value.text.starts_with("pkcs11:") => {
                    self.note(value, "keys on devices are not used");
                }
                Some(value) => files.push(Entry::text(key, &self.file(value), Some(command))),
                None => {}
            }
        }
        self.put_all(files);
        if let Some(value) = self.set("aliases") {
            let file = self.file(value);
            self.put("sendmail-aliases", &file, "aliases");
        }
    }

    fn network(&mut self) {
        match self.set("domain") {
            Some(value) if value.text.contains('%') => {
                self.note(
                    value,
                    "patterns are not replaced; the full name of this host is used",
                );
            }
            Some(value) => self.put("ehlo", value.text, "domain"),
            None => {}
        }
        if let Some(value) = self.set("timeout").filter(|value| value.text != "off") {
            match value.text.parse() {
                Ok(seconds) => {
                    self.put_all(vec![Entry::number("timeout", seconds, Some("timeout"))]);
                }
                Err(_) => self.note(value, "not a number of seconds"),
            }
        }
        for (command, key) in [("dsn_notify", "dsn-notify"), ("dsn_return", "dsn-return")] {
            if let Some(value) = self.set(command).filter(|value| value.text != "off") {
                self.put(key, value.text, command);
            }
        }
        self.log();
        if let Some(value) = self.set("proxy_host") {
            let port = self.set("proxy_port").map_or("1080", |port| port.text);
            match value.text.parse::<Host>() {
                Ok(host) => self.put("proxy", &format!("socks5://{host}:{port}"), "proxy_host"),
                Err(_) => self.note(value, "not a host name"),
            }
        }
    }

    /// How to authenticate, and the password.
    fn login(&mut self) {
        let auth = self.get("auth").filter(|value| value.text != "off");
        let Some(auth) = auth else {
            // A user alone would be reason to authenticate.
            if self.set("user").is_some() {
                self.put("auth", "none", "auth");
            }
            for command in ["password", "passwordeval"] {
                if let Some(value) = self.set(command) {
                    self.note(value, "not used, because auth is off");
                }
            }
            return;
        };
        let token = matches!(auth.text, "oauthbearer" | "xoauth2");
        match auth.text {
            "" | "on" => {}
            method => self.put("auth", &method.to_ascii_uppercase(), "auth"),
        }
        match (self.set("password"), self.set("passwordeval")) {
            (Some(value), _) if token => self.note(
                value,
                "a token is soon out of date; name a command that prints one as token-command",
            ),
            (Some(value), unused) => {
                self.put("password", value.text, "password");
                self.note(
                    value,
                    "taken over; password-command can keep it out of the file",
                );
                if let Some(value) = unused {
                    let account = self.account.name;
                    self.note(
                        value,
                        &format!("not used in account {account}, which has a password"),
                    );
                }
            }
            (None, Some(value)) => {
                let key = if token {
                    "token-command"
                } else {
                    "password-command"
                };
                self.put(key, value.text, "passwordeval");
            }
            (None, None) if auth.text != "external" => self.note_keyring(),
            (None, None) => {}
        }
    }

    /// msmtp asks the keyring without being told.
    fn note_keyring(&mut self) {
        if let (Some(host), Some(user)) = (self.set("host"), self.set("user")) {
            self.note_account(&format!(
                "has no password; where the keyring holds it, set password-command = \
                 \"secret-tool lookup host {} service smtp user {}\"",
                host.text, user.text
            ));
        }
    }

    /// The address that mail is from, or that an account is chosen for.
    fn sender(&mut self) {
        let name = self.set("from_full_name");
        let Some(from) = self.set("from") else {
            if let Some(name) = name {
                self.note(
                    name,
                    "a name without an address; set from = \"Name <address>\"",
                );
            }
            return;
        };
        if from.text.contains('%') {
            self.note(from, "patterns are not replaced; write the address");
            return;
        }
        let is_pattern = from.text.contains(['*', '?', '[']);
        match name {
            Some(name) if !is_pattern => {
                let quoted = name.text.replace('\\', "\\\\").replace('"', "\\\"");
                self.put("from", &format!("\"{quoted}\" <{}>", from.text), "from");
            }
            _ => self.put("from", from.text, "from"),
        }
        if is_pattern {
            self.note(
                from,
                "chooses the account; mail that names no sender is from user@host: set from to an address and \
                 addresses to this",
            );
        }
        let fixed = self.get("allow_from_override");
        if let Some(value) = fixed.filter(|value| value.text == "off" && !is_pattern) {
            self.put("envelope-from", from.text, "from");
            self.note(
                value,
                "a sender named on the command line still goes before the setting",
            );
        }
    }

    fn left_out(&mut self) {
        for (command, harmless, what) in LEFT_OUT {
            if let Some(value) = self
                .get(command)
                .filter(|value| !harmless.contains(&value.text))
            {
                self.note(value, what);
            }
        }
    }

    /// A path; msmtp knows `~` at its start.
    fn log(&mut self) {
        let file = self.set("logfile");
        match file {
            Some(value) if value.text == "-" => {
                self.note(value, "the log does not go to standard output");
            }
            Some(value) => self.put("log", &self.file(value), "logfile"),
            None => {}
        }
        let Some(value) = self.get("syslog").filter(|value| value.text != "off") else {
            return;
        };
        match (file, value.text) {
            (Some(_), _) => self.note(value, "there is one log, and logfile says which"),
            (None, "" | "on" | "LOG_MAIL") => self.put("log", "syslog", "syslog"),
            (None, _) => {
                self.put("log", "syslog", "syslog");
                self.note(value, "the facility is mail");
            }
        }
    }

    fn file(&self, value: Value<'_>) -> String {
        let home = self.home.and_then(Path::to_str);
        match (value.text.strip_prefix('~'), home) {
            (Some(rest), Some(home)) => format!("{home}{rest}"),
            _ => value.text.to_owned(),
        }
    }
}

/// `sha256:` and the digits of `01:23:…`.
fn sha256(text: &str) -> Option<String> {
    let pairs: Vec<&str> = text.split([':', ' ']).collect();
    let is_pair =
        |pair: &&str| pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
    (pairs.len() == 32 && pairs.iter().all(is_pair))
        .then(|| format!("sha256:{}", pairs.concat().to_ascii_lowercase()))
}
