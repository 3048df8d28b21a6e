//! The scan: what the words of a call are for, and which are refused.

#![allow(clippy::unwrap_used, clippy::panic)]

mod callers;
mod flags;

use super::*;

fn scanned(line: &[&str]) -> crate::failure::Result<Scanned> {
    let words = line.iter().map(OsString::from).collect();
    scan(words, Mode::Mail, Long::All)
}

/// What one message is told by these words, and the settings among them.
fn mail(line: &[&str]) -> (Mail, Vec<String>) {
    match scanned(line) {
        Ok(Scanned {
            call: Call::Mail(mail),
            settings,
        }) => {
            let settings = settings.into_iter().map(|it| it.into_string().unwrap());
            (mail, settings.collect())
        }
        other => panic!("{line:?}: {other:?}"),
    }
}

fn call(line: &[&str]) -> Call {
    scanned(line)
        .unwrap_or_else(|failure| panic!("{line:?}: {failure}"))
        .call
}

fn to(recipients: &[&str]) -> Mail {
    Mail {
        recipients: recipients.iter().map(ToString::to_string).collect(),
        ..Mail::default()
    }
}

#[test]
fn a_mode_is_the_last_that_is_named() {
    for (line, expected) in [
        (&["-bp"][..], Call::ListQueue),
        (&["-b", "p"], Call::ListQueue),
        (&["-bi"], Call::NewAliases),
        (&["-b", "i"], Call::NewAliases),
        (&["-I"], Call::NewAliases),
        (&["-bs"], Call::Serve),
        (&["-b", "s", "-i"], Call::Serve),
        (&["-q"], Call::RunQueue),
        (&["-q15m"], Call::RunQueue),
        (&["-q", "15m"], Call::RunQueue),
        (&["-qf"], Call::RunQueue),
        (&["-qRexample.com"], Call::RunQueue),
        (&["-v", "-q"], Call::RunQueue),
        (
            &["-bv", "root", "a@x.org"],
            Call::Verify(to(&["root", "a@x.org"]).recipients),
        ),
        (
            &["-b", "v", "--", "-x@y.org"],
            Call::Verify(to(&["-x@y.org"]).recipients),
        ),
        (&["-bs", "-bm", "root"], Call::Mail(to(&["root"]))),
        (&["--help", "--nonsense"], Call::Help),
        (&["--version"], Call::Version),
    ] {
        assert_eq!(call(line), expected, "{line:?}");
    }
}

#[test]
fn what_is_not_understood_names_the_word() {
    for (line, told) in [
        (&["-Z"][..], "no flag -Z"),
        (&["-tZi"], "no flag -Z (in -tZi)"),
        (&["-f"], "-f needs a value"),
        (&["-tif"], "-f needs a value"),
        (&["-f", "-t"], "-f needs an address, and -t stands there"),
        (&["-bd"], "-bd: this is no server"),
        (&["-bD", "-q15m"], "-bD: "),
        (&["-bt"], "-bt: "),
        (&["-b", "d"], "-bd: "),
        (&["-b"], "-b needs a value"),
        (&["-", "root"], "- is no recipient"),
        (&["--nonsense"], "there is no option --nonsense"),
        (&["--profile"], "--profile needs a value"),
        (&["--json=yes"], "--json takes no value"),
        (&["--password=x"], "there is no option --password"),
        (&["---"], "there is no option ---"),
    ] {
        let failure = scanned(line).unwrap_err();
        assert_eq!(failure.kind, Kind::Usage);
        assert!(failure.message.contains(told), "{line:?}: {failure}");
        assert!(
            failure.hint.is_some() || told.contains("takes no"),
            "{line:?}"
        );
    }
    use std::os::unix::ffi::OsStringExt as _;
    let word = OsString::from_vec(b"b\xf6b".to_vec());
    assert!(scan(vec![word], Mode::Mail, Long::All).is_err());
}

#[test]
fn behind_two_hyphens_every_word_is_a_recipient() {
    let (mail, settings) = mail(&["--", "-t", "--profile", "--", "-"]);
    assert_eq!(mail, to(&["-t", "--profile", "--", "-"]));
    assert!(settings.is_empty());
}

#[test]
fn the_dialect_is_spoken_by_name_and_as_a_subcommand() {
    let read = |line: &[&str]| {
        let words: Vec<OsString> = line.iter().map(OsString::from).collect();
        read(&words).map(|read| read.map(|line| line.task))
    };
    for (line, expected) in [
        (
            &["/usr/sbin/sendmail", "root"][..],
            Call::Mail(to(&["root"])),
        ),
        (&["sendmail", "sendmail"], Call::Mail(to(&["sendmail"]))),
        (&["smtpsend", "sendmail", "root"], Call::Mail(to(&["root"]))),
        (&["./mailq"], Call::ListQueue),
        (&["newaliases", "-v"], Call::NewAliases),
    ] {
        match read(line) {
            Some(Ok(Task::Sendmail(call))) => assert_eq!(call, expected, "{line:?}"),
            _ => panic!("{line:?}"),
        }
    }
    for line in [
        &["smtpsend"][..],
        &["smtpsend", "check"],
        &["x", "y", "sendmail"],
        &[],
    ] {
        assert!(read(line).is_none(), "{line:?}");
    }
}

#[test]
fn strangers_cannot_say_where_mail_and_password_go() {
    let refused = |flag: &str| {
        let words = vec![OsString::from(flag), OsString::from("x")];
        scan(words, Mode::Mail, Long::Harmless).is_err()
    };
    for flag in [
        "--server",
        "--proxy",
        "--user",
        "--password-command",
        "--token-command",
        "--ca-file",
        "--config",
        "--sendmail-aliases",
        "--tls",
        "--allow-cleartext-auth",
    ] {
        assert!(refused(flag), "{flag}");
        assert!(refused(&format!("{flag}=x")), "{flag}");
    }
    for flag in ["--profile", "--dsn-notify", "--quiet", "--sendmail-domain"] {
        assert!(!refused(flag), "{flag}");
    }
}
