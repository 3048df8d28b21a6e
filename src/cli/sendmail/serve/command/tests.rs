//! Every command, whole and cut, and what is none.

use super::*;

fn code(line: &str) -> u16 {
    read(line.as_bytes()).map_or_else(|answer| answer.code, |_| 250)
}

fn address(text: &str) -> Written {
    Written::Address(text.parse().unwrap())
}

#[test]
fn commands_are_known_in_any_case() {
    for (line, command) in [
        ("EHLO me", Command::Hello { extended: true }),
        ("helo me", Command::Hello { extended: false }),
        ("data", Command::Data),
        ("Rset", Command::Reset),
        ("NOOP what ever", Command::Noop),
        ("VRFY root", Command::Verify),
        ("help", Command::Help),
        ("HELP MAIL", Command::Help),
        ("quit \t", Command::Quit),
        ("RCPT TO:<b@x.org>", Command::Rcpt(address("b@x.org"))),
    ] {
        assert_eq!(read(line.as_bytes()), Ok(command), "{line}");
    }
}

#[test]
fn mail_has_a_sender_and_parameters() {
    let mail = |sender: Option<Written>, size, smtputf8| {
        Ok(Command::Mail(Mail {
            sender: sender.map_or(Sender::Nobody, Sender::Written),
            size,
            smtputf8,
        }))
    };
    for (line, command) in [
        ("MAIL FROM:<>", mail(None, None, false)),
        (
            "mail from: <a@x.org>",
            mail(Some(address("a@x.org")), None, false),
        ),
        (
            "MAIL FROM:a@x.org SIZE=7",
            mail(Some(address("a@x.org")), Some(7), false),
        ),
        (
            "MAIL FROM:<@r.org,@s.org:a@x.org>",
            mail(Some(address("a@x.org")), None, false),
        ),
        (
            "MAIL FROM:<root>",
            mail(Some(Written::Local("root".into())), None, false),
        ),
        (
            "MAIL FROM:<\"a> b\"@x.org> body=8bitmime Size=12 SmtpUtf8",
            mail(Some(address("\"a> b\"@x.org")), Some(12), true),
        ),
        (
            "MAIL FROM:<> SIZE=99999999999999999999",
            mail(None, Some(u64::MAX), false),
        ),
    ] {
        assert_eq!(read(line.as_bytes()), command, "{line}");
    }
}

#[test]
fn what_is_no_command_has_the_reply_that_says_why() {
    for (line, reply) in [
        ("", 500),
        ("FOO", 500),
        ("EHLO", 501),
        ("VRFY", 501),
        ("DATA now", 501),
        ("QUIT me", 501),
        ("MAIL", 501),
        ("MAIL FROM", 501),
        ("MAIL FROM:", 501),
        ("MAIL TO:<a@x.org>", 501),
        ("MAIL FROM:<a@x.org", 501),
        ("MAIL FROM:<a@x.org>SIZE=1", 501),
        ("MAIL FROM:<a b@x.org>", 501),
        ("MAIL FROM:<a@x.org> SIZE", 501),
        ("MAIL FROM:<a@x.org> SIZE=-1", 501),
        ("MAIL FROM:<a@x.org> SIZE=1 SIZE=1", 501),
        ("MAIL FROM:<a@x.org> BODY=BINARYMIME", 501),
        ("MAIL FROM:<a@x.org> RET=FULL", 555),
        ("RCPT TO:<>", 501),
        ("RCPT TO:<a@x.org, b@x.org>", 501),
        ("RCPT TO:<a@x.org> <b@x.org>", 555),
        ("RCPT TO:<a@x.org> NOTIFY=NEVER", 555),
        ("RCPT TO:<b <c@x.org>>", 501),
        ("STARTTLS", 502),
        ("AUTH PLAIN AGEAYg==", 502),
        ("BDAT 3 LAST", 502),
    ] {
        assert_eq!(code(line), reply, "{line}");
    }
    for octets in [
        &b"NOOP \xff"[..],
        b"NOOP \0",
        b"NOOP\rQUIT",
        b"RCPT TO:<a@x.org>\x0b",
    ] {
        assert_eq!(read(octets).unwrap_err().code, 500);
    }
}

#[test]
fn a_command_that_is_cut_anywhere_is_another_or_none() {
    let line = "MAIL FROM:<\"a b\"@x.org> SIZE=123 BODY=8BITMIME SMTPUTF8";
    for end in 0..line.len() {
        // Nothing of it panics, and nobody else becomes the sender.
        if let Ok(Command::Mail(Mail { sender, .. })) = read(&line.as_bytes()[..end]) {
            assert_eq!(sender, Sender::Written(address("\"a b\"@x.org")), "{end}");
        }
    }
}
