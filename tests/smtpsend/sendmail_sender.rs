//! Who mail of programs is from: repaired where a provider takes no other, kept or completed else.

use crate::sendmail::sent;
use crate::support::Smtpsend;

const MAIL: &str = "From: root@web1\nTo: root, b@x.org\nSubject: x\n\nx\n";

const REPAIR: &str = "[sendmail]\nfrom = \"alerts@example.com\"\n";

#[test]
fn the_sender_is_repaired_in_both_its_places_and_told_beside() {
    let (envelope, message) = sent(1, REPAIR, |call| {
        call.args(["-f", "root@web1", "a@x.org"]).stdin(MAIL)
    });
    assert!(envelope[0].starts_with("MAIL FROM:<alerts@example.com>"));
    let text = message.text();
    let from = text.lines().next().unwrap();
    assert!(from.starts_with("From: \"root ("), "{text}");
    assert!(from.ends_with(")\" <alerts@example.com>"), "{text}");
    assert!(
        text.contains("\r\nX-Original-From: root@web1\r\nTo: root, b@x.org\r\n"),
        "{text}"
    );
}

#[test]
fn a_name_stays_beside_a_repaired_sender() {
    for (from, name) in [
        ("root (Cron Daemon)", "Cron Daemon"),
        ("\"(Cron Daemon)\" <root>", "\"(Cron Daemon)\""),
        ("=?utf-8?q?J=C3=B6rg?= <j@y.org>", "=?utf-8?q?J=C3=B6rg?="),
    ] {
        let (_, message) = sent(1, REPAIR, |call| {
            call.arg("a@x.org").stdin(format!("From: {from}\n\nx\n"))
        });
        let expected = format!("From: {name} <alerts@example.com>\r\nX-Original-From: {from}\r\n");
        assert!(message.text().starts_with(&expected), "{}", message.text());
    }
    let (_, message) = sent(1, REPAIR, |call| {
        call.args(["-F", "Job", "a@x.org"])
            .stdin("Subject: x\n\nx\n")
    });
    let text = message.text();
    assert!(
        text.contains("From: Job <alerts@example.com>\r\n"),
        "{text}"
    );
    assert!(!text.contains("X-Original-From"), "{text}");
}

#[test]
fn nobody_stays_nobody_where_the_sender_is_repaired() {
    let (envelope, message) = sent(1, REPAIR, |call| {
        call.args(["-f", "", "a@x.org"]).stdin(MAIL)
    });
    assert!(envelope[0].starts_with("MAIL FROM:<>"), "{envelope:?}");
    assert!(message.text().contains("<alerts@example.com>\r\n"));
}

#[test]
fn a_sender_is_repaired_in_the_profiles_that_say_so() {
    let settings = "from = \"me@x.org\"\n[profile.work.sendmail]\nfrom = \"alerts@example.com\"\n";
    for (args, sender) in [
        (&["a@x.org"][..], "me@x.org"),
        (&["--profile", "work", "a@x.org"], "alerts@example.com"),
    ] {
        let (envelope, _) = sent(1, settings, |call| {
            call.args(args.iter().copied()).stdin("x\n")
        });
        assert!(
            envelope[0].starts_with(&format!("MAIL FROM:<{sender}>")),
            "{envelope:?}"
        );
    }
}

#[test]
fn the_profile_is_that_of_the_author_or_the_sender() {
    let settings = "[profile.work]\nfrom = \"me@work.test\"\n[profile.work.sendmail]\nfrom = \"alerts@work.test\"\n";
    for (sender, mail) in [
        ("x@y.org", "From: me@work.test\n\n"),
        ("me@work.test", "x\n"),
    ] {
        let (envelope, _) = sent(1, settings, |call| {
            call.args(["-f", sender, "a@x.org"]).stdin(mail)
        });
        assert!(
            envelope[0].starts_with("MAIL FROM:<alerts@work.test>"),
            "{envelope:?}"
        );
    }
}

#[test]
fn headers_are_completed_where_the_settings_say_so() {
    let settings = "[sendmail]\nheaders = \"complete\"\ndomain = \"x.org\"\naliases = \"/dev/null\"\n\
                    [aliases]\nroot = \"admin@example.com\"\n";
    let (envelope, message) = sent(2, settings, |call| {
        call.args(["-t", "-f", "me@x.org"])
            .stdin("From: www-data (Job)\nTo: root\nCc: Bob <bob>\nSubject: x\n\nx\n")
    });
    assert_eq!(
        envelope[1..],
        ["RCPT TO:<admin@example.com>", "RCPT TO:<bob@x.org>"]
    );
    let expected = "From: Job <www-data@x.org>\r\nTo: admin@example.com\r\nCc: Bob <bob@x.org>\r\n";
    assert!(message.text().starts_with(expected), "{}", message.text());
}

#[test]
fn what_the_settings_say_of_it_is_shown_and_its_mistakes_are_told() {
    let file = "[sendmail]\nfrom = \"alerts@example.com\"\nheaders = \"keep\"\n\
                [profile.a.sendmail]\ndomain = \"a.test\"\n[aliases]\nRoot = [\"a@x.org\", \"bob\"]\n";
    let show = |args: &[&str]| {
        let call = Smtpsend::new().settings(file).args(["config", "show"]);
        call.args(args.iter().copied())
    };
    show(&["-p", "a"])
        .stdout_has("\nsendmail-from = alerts@example.com  # ")
        .stdout_has("\nsendmail-domain = a.test  # ")
        .stdout_has("\naliases.root = a@x.org, bob  # ")
        .run();
    show(&["--json"])
        .stdout_has("\"aliases\":[{\"name\":\"root\",\"value\":\"a@x.org, bob\",\"origin\":")
        .run();
    for (file, told) in [
        (
            "[sendmail]\nfrm = \"x\"\n",
            ":2: there is no setting \"frm\" in [sendmail]\nhint: did you mean from?",
        ),
        (
            "[sendmail]\nzzz = \"x\"\n",
            "hint: there are: from, domain, aliases, headers",
        ),
        (
            "[profile.a.sendmail]\ndomian = \"x\"\n",
            "hint: did you mean domain?",
        ),
        ("sendmail = 1\n", ":1: sendmail is no table"),
        ("aliases = \"/etc/aliases\"\n", ":1: aliases is no table"),
        (
            "[aliases]\nroot = 1\n",
            ":2: root is a text in quotes, or an array of them",
        ),
        (
            "[aliases]\n\"a@x.org\" = \"b\"\n",
            ":2: the alias \"a@x.org\" has a domain",
        ),
        (
            "[aliases]\nroot = \"a\"\nROOT = \"b\"\n",
            "stands here twice",
        ),
        (
            "[profile.a.aliases]\nroot = \"a\"\n",
            ":1: aliases do not stand in a profile",
        ),
        (
            "sendmail-from = \"a@x.org\"\n[sendmail]\nfrom = \"b@x.org\"\n",
            "sendmail-from stands here twice",
        ),
        ("[alises]\nroot = \"a\"\n", "hint: did you mean aliases?"),
        (
            "[sendmail]\nheaders = \"all\"\n",
            ":2: sendmail-headers: \"all\" is none of keep, complete",
        ),
        (
            "[sendmail]\nfrom = \"a@x.org, b@x.org\"\n",
            ":2: sendmail-from: more than one author",
        ),
        ("[sendmail]\ndomain = \"a b\"\n", ":2: sendmail-domain: "),
    ] {
        let call = Smtpsend::new().called("sendmail").settings(file);
        call.env("SMTPSEND_SERVER", "127.0.0.1:1")
            .args(["a@x.org"])
            .fails_with(78)
            .stderr_has(told)
            .run();
    }
}
