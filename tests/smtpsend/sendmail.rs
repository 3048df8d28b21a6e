//! The sendmail dialect as its callers know it: by its names, with their command lines.

use crate::delivery::server;
use crate::support::{Received, Server, Smtpsend};

/// The settings that lead to this server in clear.
pub(crate) fn settings_of(server: &Server) -> String {
    format!("server = \"{}\"\ntls = \"none\"\n", server.addr())
}

/// What came of a call at a server that takes a message for so many: its envelope, and the message.
pub(crate) fn sent(
    recipients: usize,
    settings: &str,
    with: impl FnOnce(Smtpsend) -> Smtpsend,
) -> (Vec<String>, Received) {
    let server = server(&["8BITMIME", "DSN"], recipients);
    let call = Smtpsend::new()
        .called("sendmail")
        .settings(format!("{}{settings}", settings_of(&server)));
    with(call).run();
    let transcript = server.finish();
    let envelope = transcript
        .lines
        .iter()
        .filter(|line| line.starts_with("MAIL ") || line.starts_with("RCPT "));
    (envelope.cloned().collect(), transcript.message().clone())
}

/// A call that must not reach any server.
fn fails(code: i32, args: &[&str]) -> Smtpsend {
    Smtpsend::new()
        .called("sendmail")
        .env("SMTPSEND_SERVER", "127.0.0.1:1")
        .args(args.iter().copied())
        .fails_with(code)
}

#[test]
fn a_message_goes_to_whom_the_arguments_name() {
    let (envelope, message) = sent(2, "", |call| {
        call.args(["-oi", "-f", "me@x.org", "a@x.org,b@y.org", "Bob <a@x.org>"])
            .stdin("Subject: hi\n\nhello\n.\nmore\n")
    });
    assert!(envelope[0].starts_with("MAIL FROM:<me@x.org>"));
    assert_eq!(envelope[1..], ["RCPT TO:<a@x.org>", "RCPT TO:<b@y.org>"]);
    let text = message.text();
    assert!(text.contains("\r\nFrom: me@x.org\r\n"), "{text}");
    assert!(text.ends_with("\r\n\r\nhello\r\n.\r\nmore\r\n"), "{text}");
}

#[test]
fn a_message_goes_to_whom_it_names_itself() {
    let (envelope, message) = sent(5, "", |call| {
        call.args(["-t", "-fme@x.org", "e@x.org"])
            .stdin("To: a@x.org\nCc: B <b@x.org>,\n c@x.org\nBcc : d@x.org, a@x.org\nFrom: root (Cron Daemon)\n\nx\n")
    });
    let all = ["e", "a", "b", "c", "d"].map(|name| format!("RCPT TO:<{name}@x.org>"));
    assert_eq!(envelope[1..], all);
    let text = message.text();
    assert!(!text.to_lowercase().contains("bcc"), "{text}");
    assert!(text.contains("From: root (Cron Daemon)\r\n"), "{text}");
    assert!(text.contains("\r\nMessage-ID: <"), "{text}");
    assert!(text.contains("\r\nDate: "), "{text}");
}

#[test]
fn a_message_that_is_sent_on_goes_to_whom_it_was_sent_on_the_last_time() {
    let (envelope, message) = sent(2, "", |call| {
        call.args(["-t", "-f", "me@x.org"]).stdin(
            "Resent-From: me@x.org\nResent-To: a@x.org\nResent-Bcc: b@x.org\nReceived: x\n\
             Resent-To: old@x.org\nTo: first@x.org\nFrom: first@x.org\n\nx\n",
        )
    });
    assert_eq!(envelope[1..], ["RCPT TO:<a@x.org>", "RCPT TO:<b@x.org>"]);
    assert!(!message.text().contains("Bcc"));
}

#[test]
fn a_lone_dot_ends_the_message_unless_it_is_to_be_ignored() {
    for (flags, body) in [
        (&["-f", "me@x.org"][..], "one\r\n..two\r\n"),
        (&["-f", "me@x.org", "-i"], "one\r\n..two\r\n.\r\nthree\r\n"),
        (
            &["-f", "me@x.org", "-OIgnoreDots"],
            "one\r\n..two\r\n.\r\nthree\r\n",
        ),
    ] {
        let (_, message) = sent(1, "", |call| {
            call.args(flags.iter().copied())
                .arg("a@x.org")
                .stdin("Subject: x\n\none\n..two\n.\nthree\n")
        });
        assert!(
            message.text().ends_with(&format!("\r\n\r\n{body}")),
            "{}",
            message.text()
        );
    }
}

#[test]
fn input_that_goes_on_behind_a_lone_dot_is_not_waited_for() {
    let server = server(&[], 1);
    let (mut near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    std::io::Write::write_all(&mut near, b"hello\n.\n").unwrap();
    let far = std::fs::File::from(std::os::fd::OwnedFd::from(far));
    Smtpsend::new()
        .called("sendmail")
        .settings(settings_of(&server))
        .args(["-f", "me@x.org", "a@x.org"])
        .stdin_from(&far)
        .run();
    assert!(
        server
            .finish()
            .message()
            .text()
            .ends_with("\r\n\r\nhello\r\n")
    );
}

#[test]
fn what_has_no_header_is_a_body_and_nothing_is_an_empty_message() {
    for (input, body) in [
        ("", ""),
        ("\n", ""),
        ("Hello you\nTo: nobody\n", "Hello you\r\nTo: nobody\r\n"),
    ] {
        let (_, message) = sent(1, "", |call| {
            call.args(["-F", "Job", "-f", "me@x.org", "a@x.org"])
                .stdin(input)
        });
        let text = message.text();
        assert!(text.starts_with("From: Job <me@x.org>\r\nDate: "), "{text}");
        assert!(text.ends_with(&format!("\r\n\r\n{body}")), "{text}");
    }
}

#[test]
fn the_null_sender_is_nobody_and_a_user_alone_gets_a_domain() {
    let domain = "from = \"me@x.org\"\n[sendmail]\ndomain = \"x.org\"\n";
    for (sender, path) in [
        ("", ""),
        ("<>", ""),
        ("root", "root@x.org"),
        ("<me@y.org>", "me@y.org"),
    ] {
        let (envelope, message) = sent(1, domain, |call| {
            call.args(["-f", sender, "a@x.org"]).stdin("x\n")
        });
        assert!(
            envelope[0].starts_with(&format!("MAIL FROM:<{path}>")),
            "{envelope:?}"
        );
        let from = if path.is_empty() { "me@x.org" } else { path };
        assert!(message.text().contains(&format!("From: {from}\r\n")));
    }
    fails(65, &["-f", "a@x.org, b@x.org", "a@x.org"])
        .stderr_has("-f: \"a@x.org, b@x.org\" is not one address")
        .run();
}

#[test]
fn notices_are_asked_for_as_the_flags_say() {
    let (envelope, _) = sent(1, "", |call| {
        call.args("-N failure,delay -R hdrs -V id+1 -f me@x.org -- a@x.org".split(' '))
    });
    assert!(envelope[0].contains(" RET=HDRS"), "{envelope:?}");
    assert!(envelope[0].contains(" ENVID=id+2B1"), "{envelope:?}");
    assert!(
        envelope[1].contains(" NOTIFY=FAILURE,DELAY"),
        "{envelope:?}"
    );
}

#[test]
fn it_is_spoken_as_a_subcommand_too_with_every_setting_as_a_flag() {
    let server = server(&[], 1);
    Smtpsend::new()
        .args(["sendmail", "-t", "-f", "me@x.org", "--server"])
        .arg(server.addr().to_string())
        .args(["--tls=none", "-v"])
        .stdin("To: a@x.org\n\nhi\n")
        .stderr_has("C: RCPT TO:<a@x.org>")
        .run();
    server.finish();
    fails(64, &["--server", "m.test", "a@x.org"])
        .stderr_has("--server is not taken from what calls sendmail")
        .stderr_has("hint: set it in a settings file or by SMTPSEND_SERVER")
        .run();
}

#[test]
fn what_cannot_be_done_is_told_with_what_to_do() {
    for (args, told) in [
        (&[][..], "no recipient\nhint: name one"),
        (&[""], "no recipient\nhint: name one"),
        (&["-t"], "no recipient\nhint: the message names nobody"),
        (&["-bd", "-q15m"], "-bd: this is no server"),
        (&["-bt"], "-bt: there is no such mode"),
        (&["-Z", "a@x.org"], "sendmail has no flag -Z\nhint: "),
        (&["-bv"], "-bv: no address is named"),
        (&["-N", "always", "a@x.org"], "--dsn-notify: "),
    ] {
        fails(64, args)
            .stdin("Subject: x\n\n")
            .stderr_has(told)
            .run();
    }
    fails(64, &["-Z", "--json"])
        .stdout_has("\"kind\":\"usage\"")
        .stderr_any()
        .run();
    fails(65, &["bob smith@x.org"])
        .stderr_has("bob smith")
        .run();
}

#[test]
fn aliases_need_no_building() {
    for call in [
        Smtpsend::new().called("newaliases"),
        Smtpsend::new().called("sendmail").arg("-bi"),
        Smtpsend::new().args(["sendmail", "-I"]),
    ] {
        call.settings("nonsense")
            .stdout_has("nothing to build")
            .run();
    }
    for arg in ["--help", "--version"] {
        let call = Smtpsend::new().called("sendmail").arg(arg);
        call.stdout_has("smtpsend").run();
    }
}

#[test]
fn where_addresses_go_is_said_one_on_a_line() {
    let settings = "[sendmail]\ndomain = \"x.org\"\naliases = \"/dev/null\"\n\
                    [aliases]\nroot = \"a@x.org, bob\"\nloop = \"loop\"\n";
    Smtpsend::new()
        .called("sendmail")
        .settings(settings)
        .args(["-bv", "root", "c@y.org,bob"])
        .stdout_is("root: a@x.org, bob@x.org\nc@y.org: c@y.org\nbob: bob@x.org\n")
        .run();
    Smtpsend::new()
        .called("sendmail")
        .settings(settings)
        .args(["-bv", "loop", "bob"])
        .fails_with(78)
        .stdout_is("bob: bob@x.org\n")
        .stderr_has("aliases lead in a circle: loop -> loop")
        .run();
    Smtpsend::new()
        .called("sendmail")
        .settings(settings)
        .args(["-bv", "c@y.org", "two words", "bob"])
        .fails_with(65)
        .stdout_is("c@y.org: c@y.org\nbob: bob@x.org\n")
        .stderr_has("two words")
        .run();
}

#[test]
fn cron_reaches_the_administrator() {
    let aliases = "[aliases]\nroot = \"admin@example.com\"\n";
    let mail = "From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@web1> job\n\nout\n";
    for args in [
        "-FCronDaemon -i -B8BITMIME -oem root",
        "-FCronDaemon -i -odi -oem -oi -t -f root",
    ] {
        let (envelope, message) = sent(1, aliases, |call| call.args(args.split(' ')).stdin(mail));
        assert_eq!(envelope[1..], ["RCPT TO:<admin@example.com>"]);
        assert!(
            message
                .text()
                .starts_with("From: root (Cron Daemon)\r\nTo: root\r\n")
        );
    }
}

#[test]
fn who_cannot_be_reached_does_not_keep_it_from_the_others() {
    let settings = "[sendmail]\naliases = \"/dev/null\"\n[aliases]\nbox = \"/var/mail/box\"\n";
    for (lost, code, told) in [
        (
            "nobody-here",
            67,
            "nobody-here has no domain, and is no alias\nhint: say where its mail goes",
        ),
        ("box", 78, "the alias box leads to /var/mail/box: "),
    ] {
        let (envelope, _) = sent(1, settings, |call| {
            call.args(["-f", "me@x.org", lost, "a@x.org"])
                .fails_with(code)
                .stderr_has(told)
        });
        assert_eq!(envelope[1..], ["RCPT TO:<a@x.org>"]);
        fails(code, &[lost])
            .settings(settings)
            .stderr_has(told)
            .run();
    }
}

#[test]
fn names_need_not_be_utf_8_and_addresses_must() {
    let (envelope, message) = sent(1, "", |call| {
        call.args(["-t", "-f", "me@x.org"])
            .stdin(b"To: J\xf6rg <a@x.org>\n\nx\n")
    });
    assert_eq!(envelope[1..], ["RCPT TO:<a@x.org>"]);
    assert!(message.text().contains("<a@x.org>\r\n"));
    fails(65, &["-t", "-f", "me@x.org"])
        .stdin(b"To: J\xf6rg <j\xf6rg@x.org>\n\nx\n")
        .stderr_has("@x.org\" is not valid UTF-8")
        .run();
    let folder = tempfile::tempdir().unwrap();
    let aliases = folder.path().join("aliases");
    std::fs::write(&aliases, b"root: j\xf6rg@x.org\n").unwrap();
    fails(78, &["root"])
        .settings(format!("[sendmail]\naliases = \"{}\"\n", aliases.display()))
        .stderr_has("aliases:1: root: the address")
        .run();
}

#[test]
fn a_line_that_no_server_takes_is_encoded_and_told() {
    let (_, message) = sent(1, "", |call| {
        call.args(["-i", "-f", "me@x.org", "a@x.org"])
            .stdin(format!("Subject: job\n\n{}\n", "x".repeat(2000)))
            .stderr_has("line 3 of the message has 2000 octets, more than 998: it is sent encoded")
    });
    let text = message.text();
    assert!(
        text.contains("Content-Transfer-Encoding: quoted-printable\r\n"),
        "{text}"
    );
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!(body.matches('x').count(), 2000);
}

#[test]
fn a_file_of_aliases_is_read_when_a_user_is_looked_up() {
    let folder = tempfile::tempdir().unwrap();
    let aliases = folder.path().join("aliases");
    let settings = format!("[sendmail]\naliases = \"{}\"\n", aliases.display());
    let call = || fails(66, &["root"]).settings(&settings);
    call()
        .stderr_has("aliases: ")
        .stderr_has("No such file")
        .run();
    std::fs::write(&aliases, "root: a@x.org,\n  b@x.org\nnonsense\n").unwrap();
    let (envelope, _) = sent(2, &settings, |call| {
        call.args(["-f", "me@x.org", "root"])
            .stderr_has("aliases:3: no alias")
    });
    assert_eq!(envelope[1..], ["RCPT TO:<a@x.org>", "RCPT TO:<b@x.org>"]);
}

#[test]
fn a_program_or_a_file_is_nobody_to_write_to() {
    for what in ["|/bin/cat", "/var/mail/x"] {
        Smtpsend::new()
            .settings("[sendmail]\ndomain = \"example.com\"\n")
            .args(["sendmail", what])
            .stdin("Subject: x\n\nx\n")
            .fails_with(67)
            .stderr_has(format!(
                "{what} is no address: no programs, files or lists are served"
            ))
            .run();
    }
}
