//! Every flag in both spellings, wherever it stands: no value is ever taken for a recipient.

use super::*;

/// The recipients of each line.
const ALL: [&str; 2] = ["a@x.org", "root"];

/// The words before, between and behind the recipients, and before `--`.
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
