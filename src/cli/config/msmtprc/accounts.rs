//! The accounts of msmtp's configuration, as msmtp puts them together: a line is a command and the
//! rest of the line, which may stand in double quotes; `defaults` fill accounts that start after them,
//! an account takes over from earlier ones what they set themselves (msmtp(1), "Configuration
//! files").
//!
//! Refuses what msmtp refuses for a whole file: a reference to an account that is not there yet, a
//! second account of a name. Nothing is evaluated.

use std::collections::BTreeMap;

use super::Note;
use crate::failure::{Failure, Kind, Result};

/// Longest file that is read, in octets.
const LIMIT: usize = 65_536;
/// Longest line that msmtp reads, in octets.
const LINE_LIMIT: usize = 500;

/// Every command but those that make accounts.
const COMMANDS: [&str; 41] = [
    "aliases",
    "allow_from_override",
    "auth",
    "auto_from",
    "domain",
    "dsn_notify",
    "dsn_return",
    "from",
    "from_full_name",
    "host",
    "logfile",
    "logfile_time_format",
    "maildomain",
    "ntlmdomain",
    "password",
    "passwordeval",
    "port",
    "protocol",
    "proxy_host",
    "proxy_port",
    "remove_bcc_headers",
    "set_date_header",
    "set_from_header",
    "set_msgid_header",
    "set_to_header",
    "socket",
    "source_ip",
    "syslog",
    "timeout",
    "tls",
    "tls_cert_file",
    "tls_certcheck",
    "tls_crl_file",
    "tls_fingerprint",
    "tls_host_override",
    "tls_key_file",
    "tls_min_dh_prime_bits",
    "tls_priorities",
    "tls_starttls",
    "tls_trust_file",
    "user",
];

/// What a command says, and where.
#[derive(Clone, Copy)]
pub(super) struct Value<'t> {
    pub(super) line: usize,
    /// The command as it was written; older names stand for newer ones.
    pub(super) written: &'t str,
    pub(super) text: &'t str,
}

/// Values by the name of their command.
pub(super) type Commands<'t> = BTreeMap<&'static str, Value<'t>>;

/// An account.
pub(super) struct Account<'t> {
    pub(super) name: &'t str,
    pub(super) line: usize,
    defaults: Commands<'t>,
    own: Commands<'t>,
    /// The only account it takes over from.
    pub(super) parent: Option<&'t str>,
}

impl<'t> Account<'t> {
    /// All that holds for it.
    pub(super) fn commands(&self) -> Commands<'t> {
        let mut commands = self.defaults.clone();
        commands.extend(&self.own);
        commands
    }
}

/// A file.
#[derive(Default)]
pub(super) struct Accounts<'t> {
    pub(super) accounts: Vec<Account<'t>>,
    /// What `defaults` say at the end.
    pub(super) defaults: Commands<'t>,
    pub(super) notes: Vec<Note>,
}

/// Whose commands are being read.
enum Place {
    /// Before any account.
    Start,
    Defaults,
    Account,
}

impl<'t> Accounts<'t> {
    /// Reads a file.
    ///
    /// # Errors
    /// `Config`, with the line, where msmtp would not read on.
    pub(super) fn read(text: &'t [u8]) -> Result<Self> {
        if text.len() > LIMIT {
            let words = format!("more than {} KiB: that is no msmtprc", LIMIT >> 10);
            return Err(Failure::new(Kind::Config, words));
        }
        let mut accounts = Self::default();
        let mut place = Place::Start;
        for (index, line) in text.split(|&octet| octet == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            accounts
                .line(index + 1, line, &mut place)
                .map_err(|failure| failure.at(format_args!("line {}", index + 1)))?;
        }
        Ok(accounts)
    }

    fn line(&mut self, number: usize, line: &'t [u8], place: &mut Place) -> Result<()> {
        let line = line.trim_ascii_start();
        if line.is_empty() || line.starts_with(b"#") {
            return Ok(());
        }
        if line.len() > LINE_LIMIT {
            return Err(wrong("longer than 500 octets"));
        }
        let line = std::str::from_utf8(line).map_err(|_| wrong("not valid UTF-8"))?;
        if line.chars().any(|c| c.is_control() && c != '\t') {
            return Err(wrong("a control character stands in it"));
        }
        let (written, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let text = unquoted(rest);
        match written {
            "account" => {
                self.start_account(number, text)?;
                *place = Place::Account;
            }
            "defaults" if text.is_empty() => *place = Place::Defaults,
            "defaults" => return Err(wrong("defaults take no argument")),
            _ => {
                if matches!(place, Place::Start) {
                    self.start_account(number, "default")?;
                    *place = Place::Account;
                }
                let value = Value {
                    line: number,
                    written,
                    text,
                };
                let commands = match (&*place, self.accounts.last_mut()) {
                    (Place::Account, Some(account)) => &mut account.own,
                    _ => &mut self.defaults,
                };
                match today(value) {
                    Ok(Some((name, value))) => {
                        commands.insert(name, value);
                    }
                    Ok(None) => {}
                    Err(what) => self.notes.push(Note::of(value, what)),
                }
            }
        }
        Ok(())
    }

    /// `NAME` or `NAME : EARLIER, EARLIER`.
    fn start_account(&mut self, line: usize, text: &'t str) -> Result<()> {
        let (name, earlier) = match text.split_once(':') {
            Some((name, earlier)) => (unquoted(name), Some(earlier)),
            None => (text, None),
        };
        if name.is_empty() {
            return Err(wrong("the account has no name"));
        }
        if name.contains([',', ':']) {
            return Err(wrong("a comma or colon stands in the name of the account"));
        }
        if self.find(name).is_some() {
            return Err(wrong(&format!("the account {name} is already there")));
        }
        let mut own = Commands::new();
        let earlier: Vec<&str> = earlier
            .map(|names| names.split(',').map(unquoted).collect())
            .unwrap_or_default();
        for name in &earlier {
            match self.find(name) {
                Some(account) => own.extend(&account.own),
                None => return Err(wrong(&format!("there is no account {name} before it"))),
            }
        }
        self.accounts.push(Account {
            name,
            line,
            defaults: self.defaults.clone(),
            own,
            parent: match earlier[..] {
                [only] => Some(only),
                _ => None,
            },
        });
        Ok(())
    }

    pub(super) fn find(&self, name: &str) -> Option<&Account<'t>> {
        self.accounts.iter().find(|account| account.name == name)
    }
}

/// A command by the name that msmtp has for it today, or what is to be said about it.
fn today(value: Value<'_>) -> std::result::Result<Option<(&'static str, Value<'_>)>, &'static str> {
    let renamed = |name, text| Ok(Some((name, Value { text, ..value })));
    let switched = |name, on, off| match switch(value.text) {
        Some(true) => renamed(name, on),
        Some(false) => renamed(name, off),
        None => Err("neither on nor off"),
    };
    match value.written {
        "eval" => Err(
            "not run; write here what it prints, or name it as password-command where it prints the password",
        ),
        "connect_timeout" => renamed("timeout", value.text),
        "tls_nocertcheck" => renamed("tls_certcheck", "off"),
        "tls_nostarttls" => renamed("tls_starttls", "off"),
        "tls_force_sslv3" => Ok(None),
        "keepbcc" => switched("remove_bcc_headers", "off", "on"),
        "add_missing_from_header" => switched("set_from_header", "auto", "off"),
        "add_missing_date_header" => switched("set_date_header", "auto", "off"),
        "undisclosed_recipients" => switched("set_to_header", "undisclosed_recipients", "off"),
        written => match COMMANDS.iter().find(|name| **name == written) {
            Some(name) => renamed(name, value.text),
            None => Err("not a command that is known"),
        },
    }
}

/// `on`, also by saying nothing, or `off`.
pub(super) fn switch(text: &str) -> Option<bool> {
    match text {
        "" | "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

/// Without blanks around it, and without the double quotes around all of it.
fn unquoted(text: &str) -> &str {
    let text = text.trim_matches([' ', '\t']);
    text.strip_prefix('"')
        .and_then(|inner| inner.strip_suffix('"'))
        .unwrap_or(text)
}

fn wrong(what: &str) -> Failure {
    Failure::new(Kind::Config, what)
}
