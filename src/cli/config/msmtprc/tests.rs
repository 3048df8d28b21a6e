//! What becomes of a msmtprc: what is written for it, what is told, and what is refused.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::failure::Kind;

/// Takes everything.
fn all(_: &[Entry]) -> std::result::Result<(), String> {
    Ok(())
}

fn taken(text: &str) -> Imported {
    import(text.as_bytes(), Some(Path::new("/home/bob")), &all).unwrap()
}

fn toml(text: &str) -> String {
    taken(text).to_toml().to_string()
}

fn notes(text: &str) -> Vec<String> {
    taken(text).notes.iter().map(Note::to_string).collect()
}

/// A value in the table of a profile, read back.
fn read(written: &str, profile: &str, key: &str) -> Option<String> {
    use toml::de::{DeTable, DeValue};
    let table = DeTable::parse(written).unwrap();
    let profiles = table.get_ref()["profile"].get_ref();
    let value = profiles.get(profile)?.get_ref().get(key)?;
    Some(match value.get_ref() {
        DeValue::Integer(number) => number.as_str().to_owned(),
        value => value.as_str()?.to_owned(),
    })
}

/// The settings of one account; `lines` follow a host and TLS.
fn account(lines: &str) -> String {
    let whole = toml(&format!("account a\nhost h.example\ntls on\n{lines}"));
    let rest = whole.strip_prefix("[profile.a]\nserver = \"h.example\"\n");
    rest.unwrap_or(&whole).replace("trust = \"system\"\n", "")
}

/// What is said about one account; `lines` start in line 1.
fn said(lines: &str) -> Vec<String> {
    notes(&format!("{lines}\nhost h.example\ntls on"))
}

const EXAMPLE: &str = "
# Defaults
defaults
port 587
tls on
timeout 30
tls_trust_file /etc/ca.pem

account freemail
host smtp.freemail.example
from joe_smith@freemail.example
auth on
user joe.smith
passwordeval gpg2 --no-tty -q -d ~/.msmtp-password.gpg

account freemail2 : freemail
from joey@freemail.example

account company
host mail.company.example
from *@company.example
auth plain
user company12345
password \"se\\cret \"

account default : freemail
";

#[test]
fn accounts_become_profiles_and_common_defaults_stay_defaults() {
    let expected = r#"default-profile = "freemail"
tls = "starttls"
ca-file = "/etc/ca.pem"
timeout = 30

[profile.freemail]
server = "smtp.freemail.example:587"
user = "joe.smith"
password-command = "gpg2 --no-tty -q -d ~/.msmtp-password.gpg"
from = "joe_smith@freemail.example"

[profile.freemail2]
server = "smtp.freemail.example:587"
user = "joe.smith"
password-command = "gpg2 --no-tty -q -d ~/.msmtp-password.gpg"
from = "joey@freemail.example"

[profile.company]
server = "mail.company.example:587"
user = "company12345"
auth = "PLAIN"
password = 'se\cret '
from = "*@company.example"
"#;
    assert_eq!(toml(EXAMPLE), expected);
    let said = notes(EXAMPLE);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("line 21: from: chooses the account"));
    assert!(said[1].starts_with("line 24: password: taken over"));
}

#[test]
fn what_is_written_can_be_read_and_needs_no_more_room_than_was_made() {
    let text =
        format!("{EXAMPLE}\naccount \"a b.\\\u{e9}\"\nhost h\nfrom_full_name \"x\\\nfrom a@b\n");
    let imported = taken(&text);
    let written = imported.to_toml();
    let password = read(&written, "company", "password");
    assert_eq!(password.unwrap(), "se\\cret ");
    let from = read(&written, "a b.\\\u{e9}", "from");
    assert_eq!(from.unwrap(), r#""\"x\\" <a@b>"#);
    assert!(written.len() <= written.capacity());
}

#[test]
fn a_file_without_accounts_is_the_account_default() {
    let text = "host h.example\nport 465\ntls\ntls_starttls off";
    assert_eq!(
        toml(text),
        "default-profile = \"default\"\n\n[profile.default]\nserver = \"h.example:465\"\n\
         tls = \"implicit\"\ntrust = \"system\"\n"
    );
    assert_eq!(toml(""), "");
    assert_eq!(toml("# nothing\n\n \t\r\n"), "");
}

#[test]
fn a_default_with_something_of_its_own_is_a_profile() {
    let base = "account a\nhost h.example\ntls on\naccount default : a\n";
    assert!(toml(base).starts_with("default-profile = \"a\"\n"));
    let own = toml(&format!("{base}timeout 5"));
    assert!(own.starts_with("default-profile = \"default\"\n"), "{own}");
    assert!(
        own.contains(
            "[profile.default]\nserver = \"h.example\"\ntrust = \"system\"\ntimeout = 5\n"
        )
    );
    assert!(!toml("account a\nhost h.example\ntls on").contains("default-profile"));
}

#[test]
fn accounts_inherit_what_others_set_and_not_their_defaults() {
    let text = "defaults\ntls on\ntimeout 1\n\
                account a\nhost a.example\n\
                account b\nhost b.example\ntimeout 2\nuser b\n\
                defaults\ntimeout 3\n\
                account c : b, a\n\
                account d : a\n\
                account e : c\nuser\n";
    let written = toml(text);
    let timeout = |name: &str| read(&written, name, "timeout").unwrap();
    let names = ["a", "b", "c", "d", "e"];
    assert_eq!(names.map(timeout), ["1", "2", "2", "3", "2"]);
    let server = read(&written, "c", "server");
    assert_eq!(
        server.unwrap(),
        "a.example",
        "the last of the list goes first"
    );
    assert_eq!(read(&written, "e", "user"), None, "it was unset");
}

#[test]
fn a_default_that_some_account_unsets_is_no_default() {
    let text = "defaults\ntls on\ndomain x.example\naccount a\nhost a\naccount b\nhost b\ndomain\n";
    let written = toml(text);
    assert!(written.starts_with("[profile.a]"), "{written}");
    assert_eq!(written.matches("ehlo").count(), 1);
}

#[test]
fn ports_and_tls_mean_what_they_meant_and_25_is_never_used() {
    let server = |lines: &str| {
        let whole = toml(&format!("host h.example\n{lines}"));
        let rest = whole.split_once("[profile.default]\n").unwrap().1;
        rest.replace("trust = \"system\"\n", "").replace('\n', " ")
    };
    let named = "server = \"h.example:587\" ";
    let policy = "server = \"h.example\" ";
    assert_eq!(
        server("tls on\nport 587"),
        format!("{named}tls = \"starttls\" ")
    );
    assert_eq!(
        server("tls\nport 465"),
        "server = \"h.example:465\" tls = \"starttls\" "
    );
    assert_eq!(
        server("tls on\ntls_starttls off"),
        "server = \"h.example:465\" tls = \"implicit\" "
    );
    assert_eq!(
        server("tls on\ntls_nostarttls"),
        "server = \"h.example:465\" tls = \"implicit\" "
    );
    assert_eq!(
        server("tls off\nport 587"),
        format!("{named}tls = \"none\" ")
    );
    assert_eq!(server("port 587"), named);
    for port in ["", "port 25", "port 0", "port smtp", "port 65536"] {
        assert_eq!(server(&format!("tls on\n{port}")), policy, "{port}");
    }
    assert_eq!(
        server("tls off\nport 25"),
        format!("{policy}tls = \"none\" ")
    );
    assert!(said("port 25")[0].starts_with("line 1: port: smtpsend never uses port 25"));
    assert!(toml("host ::1\ntls on\nport 587").contains("\"[::1]:587\""));
}

#[test]
fn trust_is_kept_and_never_weakened() {
    assert_eq!(
        account("tls_trust_file ~/ca.pem"),
        "ca-file = \"/home/bob/ca.pem\"\n"
    );
    assert!(toml("host h\ntls on\ntls_trust_file system").contains("trust = \"system\""));
    assert_eq!(account("tls_certcheck off"), "");
    assert!(said("tls_certcheck off")[0].contains("always checked"));
    assert!(said("tls_nocertcheck")[0].starts_with("line 1: tls_nocertcheck: "));
    let print = ["aB"; 32].join(":");
    let pin = format!("tls-pin = \"sha256:{}\"\n", "ab".repeat(32));
    assert_eq!(account(&format!("tls_fingerprint {print}")), pin);
    for bad in [["ab"; 20].join(":"), ["ab"; 16].join(":"), "x".to_owned()] {
        let line = format!("tls_fingerprint {bad}");
        assert_eq!(account(&line), "");
        assert!(said(&line)[0].contains("not a SHA-256 fingerprint"));
    }
    assert_eq!(
        account("tls_host_override other.example"),
        "tls-name = \"other.example\"\n"
    );
    let files = account("tls_cert_file /c.pem\ntls_key_file ~/k.pem");
    assert_eq!(
        files,
        "client-cert = \"/c.pem\"\nclient-key = \"/home/bob/k.pem\"\n"
    );
    assert_eq!(account("tls_cert_file pkcs11:token=x"), "");
}

#[test]
fn without_auth_nobody_authenticates() {
    assert_eq!(
        account("user bob\npassword x"),
        "user = \"bob\"\nauth = \"none\"\n"
    );
    assert!(said("password x\nuser bob")[0].contains("auth is off"));
    assert_eq!(
        account("auth\nuser bob\npassword x"),
        "user = \"bob\"\npassword = \"x\"\n"
    );
    assert_eq!(
        account("auth scram-sha-256\nuser bob\npasswordeval \"pass show mail\""),
        "user = \"bob\"\nauth = \"SCRAM-SHA-256\"\npassword-command = \"pass show mail\"\n"
    );
    assert_eq!(
        account("auth xoauth2\nuser bob\npasswordeval oama access bob"),
        "user = \"bob\"\nauth = \"XOAUTH2\"\ntoken-command = \"oama access bob\"\n"
    );
    assert!(!account("auth oauthbearer\nuser bob\npassword hunter2").contains("hunter2"));
    let both = account("auth on\nuser bob\npassword x\npasswordeval y");
    assert!(both.contains("password = \"x\"") && !both.contains("command"));
    assert!(
        notes("account a\nhost h\ntls on\nauth on\nuser bob")[0]
            .contains("secret-tool lookup host h service smtp user bob")
    );
}

#[test]
fn senders_are_addresses_or_patterns() {
    assert_eq!(account("from a@b.example"), "from = \"a@b.example\"\n");
    assert_eq!(
        account("from a@b.example\nfrom_full_name Joe \"J\" S."),
        "from = '\"Joe \\\"J\\\" S.\" <a@b.example>'\n"
    );
    assert_eq!(
        account("from *@b.example\nfrom_full_name Joe"),
        "from = \"*@b.example\"\n"
    );
    assert_eq!(account("from %U@b.example"), "");
    assert_eq!(
        account("from a@b.example\nallow_from_override off"),
        "from = \"a@b.example\"\nenvelope-from = \"a@b.example\"\n"
    );
    assert!(said("from_full_name Joe")[0].contains("a name without an address"));
}

#[test]
fn other_settings_are_taken_over_or_listed() {
    let lines = "domain me.example\ntimeout 7\nsource_ip 192.0.2.1\nproxy_host ::1\ndsn_notify failure,delay\n\
                 dsn_return headers\nlogfile ~/log\naliases /etc/aliases";
    assert_eq!(
        account(lines),
        "bind = \"192.0.2.1\"\nsendmail-aliases = \"/etc/aliases\"\nehlo = \"me.example\"\n\
         timeout = 7\ndsn-notify = \"failure,delay\"\ndsn-return = \"headers\"\n\
         log = \"/home/bob/log\"\n\
         proxy = \"socks5://[::1]:1080\"\n"
    );
    assert_eq!(
        account("timeout off\ndsn_notify off\ndsn_return off\nlogfile\ndomain"),
        ""
    );
    for line in [
        "tls_crl_file /x",
        "tls_priorities NORMAL",
        "tls_min_dh_prime_bits 512",
        "ntlmdomain X",
        "auto_from on",
        "maildomain x",
        "set_from_header on",
        "set_from_header off",
        "add_missing_from_header off",
        "set_date_header off",
        "set_msgid_header off",
        "undisclosed_recipients on",
        "keepbcc on",
        "remove_bcc_headers off",
        "logfile -",
        "logfile_time_format %s",
        "syslog LOG_USER",
        "domain %H",
        "timeout soon",
        "keepbcc maybe",
        "eval echo password hunter2",
        "tls_starttls maybe",
        "frobnicate hunter2",
    ] {
        let said = said(line);
        let name = line.split(' ').next().unwrap();
        assert!(
            said[0].starts_with(&format!("line 1: {name}: ")),
            "{line}: {said:?}"
        );
        assert!(!said.concat().contains("hunter2"), "{said:?}");
    }
    for line in ["syslog", "syslog on", "syslog LOG_MAIL"] {
        assert_eq!(account(line), "log = \"syslog\"\n");
    }
    assert_eq!(account("logfile /l\nsyslog on"), "log = \"/l\"\n");
    for line in [
        "set_from_header auto",
        "add_missing_date_header on",
        "keepbcc off",
        "undisclosed_recipients off",
        "syslog off",
        "tls_certcheck on",
        "tls_force_sslv3",
        "protocol smtp",
    ] {
        assert_eq!(said(line), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn an_account_that_cannot_send_mail_is_left_out() {
    for line in ["protocol lmtp", "socket /run/lmtp", "host a_b c"] {
        let text = format!("account a\nhost h\ntls on\n{line}\naccount b\nhost h\ntls on\n");
        assert!(!toml(&text).contains("[profile.a]"), "{line}");
        assert!(
            notes(&text).concat().contains("the account is left out"),
            "{line}"
        );
    }
    assert_eq!(toml("account base\ntls on\naccount default : base\n"), "");
}

#[test]
fn a_setting_that_is_refused_becomes_a_note_and_is_told_once() {
    let accepts = |entries: &[Entry]| match entries {
        [entry] if entry.key == "client-cert" => Err("no such file".to_owned()),
        [entry] if entry == &Entry::number("timeout", 1_000_000, Some("timeout")) => {
            Err("too long".to_owned())
        }
        _ => Ok(()),
    };
    let text =
        "defaults\ntls_cert_file x\ntls on\naccount a\nhost a\naccount b : a\ntimeout 1000000";
    let imported = import(text.as_bytes(), None, &accepts).unwrap();
    let notes: Vec<String> = imported.notes.iter().map(Note::to_string).collect();
    assert_eq!(
        notes,
        [
            "line 2: tls_cert_file: no such file",
            "line 7: timeout: too long"
        ]
    );
    let text = imported.to_toml();
    assert!(!text.contains("log") && !text.contains("timeout"));
}

#[test]
fn arguments_lose_their_outer_quotes_and_blanks_only() {
    let user = |argument: &str| account(&format!("auth\npassword x\nuser{argument}"));
    for (argument, expected) in [
        (" bob ", "\"bob\""),
        ("\t\" bob \"\t", "\" bob \""),
        (" \"a\" b \"c\"", "'a\" b \"c'"),
        (" \"bob", "'\"bob'"),
        (" \"", "'\"'"),
        (" bob # no comment", "\"bob # no comment\""),
        (" b\\ob", "'b\\ob'"),
        (" bob\r", "\"bob\""),
    ] {
        let written = user(argument);
        assert!(
            written.starts_with(&format!("user = {expected}\n")),
            "{argument}: {written}"
        );
    }
    assert!(!user(" \"\"").contains("user"));
}

#[test]
fn what_msmtp_would_not_read_is_refused_by_its_line_and_not_repeated() {
    let long = format!("password {}", "hunter2".repeat(100));
    let large = "# comment\n".repeat(7000);
    for (text, expected) in [
        ("\naccount a : b", "line 2: there is no account b before it"),
        ("account a : a", "line 1: there is no account a before it"),
        (
            "account a\naccount a",
            "line 2: the account a is already there",
        ),
        (
            "host h\naccount default",
            "line 2: the account default is already there",
        ),
        ("account", "line 1: the account has no name"),
        (
            "account a\naccount b : a,,",
            "line 2: there is no account  before it",
        ),
        (
            "account a,b",
            "line 1: a comma or colon stands in the name of the account",
        ),
        ("defaults x", "line 1: defaults take no argument"),
        (long.as_str(), "line 1: longer than 500 octets"),
        (
            "password hunter2\0",
            "line 1: a control character stands in it",
        ),
        (
            "password hun\rter2",
            "line 1: a control character stands in it",
        ),
        (large.as_str(), "more than 64 KiB: that is no msmtprc"),
    ] {
        let failure = import(text.as_bytes(), None, &all).err().unwrap();
        assert_eq!(failure.kind, Kind::Config);
        assert_eq!(failure.message, expected);
    }
    let failure = import(b"# \xe9 is fine here\nuser \xe9", None, &all)
        .err()
        .unwrap();
    assert_eq!(failure.message, "line 2: not valid UTF-8");
}

#[test]
fn a_long_chain_of_accounts_is_no_trouble() {
    let mut text = "account a0\nhost h\ntls on\n".to_owned();
    for number in 1..3000 {
        text += &format!("account a{number}:a{}\n", number - 1);
    }
    assert_eq!(taken(&text).profiles.len(), 3000);
}
