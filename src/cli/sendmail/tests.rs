//! The scan, flag by flag and caller by caller: no value is ever taken for a recipient.

#![allow(clippy::unwrap_used, clippy::panic)]

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

/// Stands for the recipient in a line; behind it follows one more.
const ALL: [&str; 2] = ["a@x.org", "root"];

/// The words between two recipients, between options, and alone before `--`.
fn in_every_place(words: &[&str], expected: &Mail, settings: &[&str]) {
    let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
    let [one, other] = ALL;
    let lines: [Vec<&str>; 4] = [
        [words, &ALL].concat(),
        [&[one], words, &[other]].concat(),
        [words, &["--"], &ALL].concat(),
        [&ALL, words].concat(),
    ];
    for line in lines {
        let expected = Mail {
            recipients: to(&ALL).recipients,
            envid: expected.envid.clone(),
            sender: expected.sender.clone(),
            full_name: expected.full_name.clone(),
            ..*expected
        };
        assert_eq!(mail(&line), (expected, settings.clone()), "{line:?}");
    }
}

#[test]
fn every_flag_is_taken_in_both_spellings_wherever_it_stands() {
    let plain = Mail::default;
    let text = |text: &str| Some(text.to_owned());
    let of_message = Mail {
        recipients_of_message: true,
        ..plain()
    };
    let dots = Mail {
        ignore_dots: true,
        ..plain()
    };
    let both = Mail {
        ignore_dots: true,
        ..Mail {
            recipients_of_message: true,
            ..plain()
        }
    };
    let from = |sender: &str| Mail {
        sender: text(sender),
        ..plain()
    };
    let table: &[(&[&str], Mail, &[&str])] = &[
        (&["-t"], of_message, &[]),
        (&["-ti"], mail(&["-it"]).0, &[]),
        (&["-i"], mail(&["-i"]).0, &[]),
        (&["-oi"], mail(&["-i"]).0, &[]),
        (&["-o", "i"], dots, &[]),
        (&["-oitrue"], mail(&["-i"]).0, &[]),
        (&["-i", "-oi0"], plain(), &[]),
        (&["-O", "IgnoreDots"], mail(&["-i"]).0, &[]),
        (&["-OIgnoreDots=True"], mail(&["-i"]).0, &[]),
        (&["-i", "-O", "ignoredots=false"], plain(), &[]),
        (&["-t", "-i"], both, &[]),
        (&["-m"], plain(), &[]),
        (&["-v"], plain(), &["--verbose"]),
        (&["-iv"], mail(&["-i"]).0, &["--verbose"]),
        (&["-em"], plain(), &[]),
        (&["-e", "m"], plain(), &[]),
        (&["-oem"], plain(), &[]),
        (&["-o", "em"], plain(), &[]),
        (&["-odb"], plain(), &[]),
        (&["-odi"], plain(), &[]),
        (&["-odq"], plain(), &[]),
        (&["-o", "dq"], plain(), &[]),
        (&["-ob"], plain(), &[]),
        (&["-oX", "5"], plain(), &[]),
        (&["-oX5"], plain(), &[]),
        (&["-o", "X", "5"], plain(), &[]),
        (&["-oQ/var/spool"], plain(), &[]),
        (&["-oMr", "smtp"], plain(), &[]),
        (&["-oMas", "b@y.org"], plain(), &[]),
        (&["-fme@x.org"], from("me@x.org"), &[]),
        (&["-f", "me@x.org"], from("me@x.org"), &[]),
        (&["-rme@x.org"], from("me@x.org"), &[]),
        (&["-r", "root"], from("root"), &[]),
        (&["-f", ""], from(""), &[]),
        (&["-f", "<>"], from("<>"), &[]),
        (&["-f<>"], from("<>"), &[]),
        (&["-f", "-me@x.org"], from("-me@x.org"), &[]),
        (
            &["-itfme@x.org"],
            Mail {
                sender: text("me@x.org"),
                ..mail(&["-ti"]).0
            },
            &[],
        ),
        (
            &["-itf", "me@x.org"],
            Mail {
                sender: text("me@x.org"),
                ..mail(&["-ti"]).0
            },
            &[],
        ),
        (
            &["-FCronDaemon"],
            Mail {
                full_name: text("CronDaemon"),
                ..plain()
            },
            &[],
        ),
        (
            &["-F", "Cron Daemon"],
            Mail {
                full_name: text("Cron Daemon"),
                ..plain()
            },
            &[],
        ),
        (
            &["-F", "-"],
            Mail {
                full_name: text("-"),
                ..plain()
            },
            &[],
        ),
        (&["-B8BITMIME"], plain(), &[]),
        (&["-B", "8BITMIME"], plain(), &[]),
        (&["-Nnever"], plain(), &["--dsn-notify=never"]),
        (
            &["-N", "failure,delay"],
            plain(),
            &["--dsn-notify=failure,delay"],
        ),
        (&["-Rfull"], plain(), &["--dsn-return=full"]),
        (&["-R", "hdrs"], plain(), &["--dsn-return=hdrs"]),
        (
            &["-Vid1"],
            Mail {
                envid: text("id1"),
                ..plain()
            },
            &[],
        ),
        (
            &["-V", "id1"],
            Mail {
                envid: text("id1"),
                ..plain()
            },
            &[],
        ),
        (&["-OTimeout.queuereturn=1d"], plain(), &[]),
        (&["-O", "Timeout.queuereturn=1d"], plain(), &[]),
        (&["-X/tmp/log"], plain(), &[]),
        (&["-X", "/tmp/log"], plain(), &[]),
        (&["-Ltag"], plain(), &[]),
        (&["-L", "tag"], plain(), &[]),
        (&["-h5"], plain(), &[]),
        (&["-h", "5"], plain(), &[]),
        (&["-Am"], plain(), &[]),
        (&["-A", "c"], plain(), &[]),
        (&["-G"], plain(), &[]),
        (&["-n"], plain(), &[]),
        (&["-U"], plain(), &[]),
        (&["-GnUi"], mail(&["-i"]).0, &[]),
        (&["-d"], plain(), &[]),
        (&["-d8.7,0-99.1"], plain(), &[]),
        (&["-d", "8.7"], plain(), &[]),
        (&["-d+all"], plain(), &[]),
        (&["-C/etc/mail.cf"], plain(), &[]),
        (&["-C", "/etc/mail.cf"], plain(), &[]),
        (&["-pESMTP:web1"], plain(), &[]),
        (&["-p", "ESMTP"], plain(), &[]),
        (&["-D", "/tmp/d"], plain(), &[]),
        (&["-Mxvalue"], plain(), &[]),
        (&["-M", "xvalue"], plain(), &[]),
        (&["-bm"], plain(), &[]),
        (&["-b", "m"], plain(), &[]),
        (&["--profile", "work"], plain(), &["--profile=work"]),
        (&["--profile=work"], plain(), &["--profile=work"]),
        (&["--no-verbose"], plain(), &["--no-verbose"]),
    ];
    for (words, expected, settings) in table {
        in_every_place(words, expected, settings);
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
fn what_real_callers_pass_is_understood() {
    let text = |text: &str| Some(text.to_owned());
    let to_bob = |mail: Mail| Mail {
        recipients: to(&["bob@x.org"]).recipients,
        ..mail
    };
    let dots = || Mail {
        ignore_dots: true,
        ..Mail::default()
    };
    let from_me = |mail: Mail| Mail {
        sender: text("me@x.org"),
        ..mail
    };
    let of_message = |mail: Mail| Mail {
        recipients_of_message: true,
        ..mail
    };
    let cron = |mail: Mail| Mail {
        full_name: text("CronDaemon"),
        ..mail
    };
    let notices: &[&str] = &["--dsn-notify=failure,delay", "--dsn-return=hdrs"];
    for (caller, line, expected, settings) in [
        (
            "mutt",
            "-oem -oi -f me@x.org -N failure,delay -R hdrs -- bob@x.org",
            to_bob(from_me(dots())),
            notices,
        ),
        (
            "s-nail",
            "-i -f me@x.org -- bob@x.org",
            to_bob(from_me(dots())),
            &[],
        ),
        (
            "bsd-mailx",
            "-i -t -f me@x.org",
            of_message(from_me(dots())),
            &[],
        ),
        (
            "git send-email",
            "-f me@x.org -i bob@x.org",
            to_bob(from_me(dots())),
            &[],
        ),
        (
            "Debian cron",
            "-FCronDaemon -i -B8BITMIME -oem root",
            Mail {
                recipients: to(&["root"]).recipients,
                ..cron(dots())
            },
            &[],
        ),
        (
            "cronie",
            "-FCronDaemon -i -odi -oem -oi -t -f root",
            Mail {
                sender: text("root"),
                ..of_message(cron(dots()))
            },
            &[],
        ),
        (
            "systemd-cron",
            "-i -B8BITMIME bob@x.org",
            to_bob(dots()),
            &[],
        ),
        (
            "systemd-cron, separate",
            "-i -B 8BITMIME bob@x.org",
            to_bob(dots()),
            &[],
        ),
        ("unattended-upgrades", "-oi -t", of_message(dots()), &[]),
        ("mdadm", "-t", of_message(Mail::default()), &[]),
        (
            "fail2ban",
            "-f me@x.org bob@x.org",
            to_bob(from_me(Mail::default())),
            &[],
        ),
        ("PHP", "-t -i", of_message(dots()), &[]),
        (
            "PHP with -f",
            "-t -i -fme@x.org",
            of_message(from_me(dots())),
            &[],
        ),
        (
            "mailutils",
            "-oi -f me@x.org -t",
            of_message(from_me(dots())),
            &[],
        ),
        ("busybox cron", "-t -oem -i", of_message(dots()), &[]),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let settings = settings.iter().map(ToString::to_string).collect();
        assert_eq!(mail(&words), (expected, settings), "{caller}");
    }
    assert_eq!(call(&["-bs"]), Call::Serve, "Symfony");
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
