//! The command lines that real callers pass.

use super::*;

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
