//! `sendmail -bs`: what a program that speaks SMTP to it is told, and what the server is.

use crate::support::printed::Output;
use crate::support::{Server, Smtpsend, Transcript};

/// What a server says first, and offers.
pub(crate) const HELLO: &str = "
    S: 220 mail.test ESMTP
    C: EHLO *
    S: 250-mail.test
    S: 250-8BITMIME
    S: 250 SIZE 1000000
";

/// A caller in clear, who says this and nothing more.
pub(crate) fn caller(server: &str, input: impl AsRef<[u8]>) -> Smtpsend {
    Smtpsend::new()
        .called("sendmail")
        .settings(format!("server = \"{server}\"\ntls = \"none\"\n"))
        .env("SMTPSEND_QUEUE", "never")
        .arg("-bs")
        .stdin(input)
        .stdout_any()
}

/// The replies behind the greeting.
#[track_caller]
pub(crate) fn replies(output: &Output) -> Vec<String> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(text.ends_with("\r\n"), "{text:?}");
    let mut lines = text.split_terminator("\r\n").map(str::to_owned);
    let greeting = lines.next().unwrap();
    assert!(greeting.starts_with("220 "), "{greeting}");
    lines.collect()
}

/// What is told to a caller who says this, when the server behind says that after its greeting; and what
/// came there.
#[track_caller]
pub(crate) fn relayed(
    dialogue: &str,
    input: &str,
    call: impl FnOnce(Smtpsend) -> Smtpsend,
) -> (Vec<String>, Transcript) {
    let server = Server::text(&format!("{HELLO}{dialogue}"));
    let caller = caller(&server.addr().to_string(), input);
    let output = call(caller).run();
    (replies(&output), server.finish())
}

#[test]
fn every_command_has_the_reply_of_the_server() {
    let (replies, transcript) = relayed(
        "C: MAIL FROM:<me@x.org> SIZE=30 BODY=8BITMIME
         S: 250 2.1.0 sender fine
         C: RCPT TO:<a@x.org>
         S: 251 2.1.5 will forward
         C: RCPT TO:<b@x.org>
         S: 550-5.1.1 nobody
         S: 550 5.1.1 by that name
         C: RCPT TO:<c@x.org>
         S: 450 4.2.0 later
         C: DATA
         S: 354 go
         BODY
         S: 250-2.0.0 taken
         S: 250 2.0.0 as 4F2
         C: QUIT",
        "EHLO me\r\nMAIL FROM:<me@x.org> SIZE=30\r\nRCPT TO:<a@x.org>\r\nRCPT TO:<b@x.org>\r\nRCPT TO:<c@x.org>\r\nDATA\r\n\
         From: me@x.org\r\nSubject: x\r\n\r\nhello\r\n.\r\nQUIT\r\n",
        |call| {
            call.stderr_has("RCPT <b@x.org>: 550 5.1.1 nobody by that name")
                .stderr_has("RCPT <c@x.org>: 450 4.2.0 later")
        },
    );
    let ehlo = replies
        .iter()
        .position(|line| line.starts_with("250 "))
        .unwrap();
    let offers: Vec<&str> = replies[1..=ehlo].iter().map(|line| &line[4..]).collect();
    assert_eq!(
        offers,
        [
            "PIPELINING",
            "8BITMIME",
            "SMTPUTF8",
            "SIZE 4294967296",
            "HELP"
        ]
    );
    assert_eq!(
        replies[ehlo + 1..replies.len() - 1],
        [
            "250 2.1.0 sender fine",
            "251 2.1.5 will forward",
            "550-5.1.1 nobody",
            "550 5.1.1 by that name",
            "450 4.2.0 later",
            "354 go on, and end with a dot alone in a line",
            "250-2.0.0 taken",
            "250 2.0.0 as 4F2",
        ]
    );
    assert!(replies[replies.len() - 1].starts_with("221 "));
    let text = transcript.message().text();
    assert!(text.ends_with("\r\n\r\nhello\r\n"), "{text}");
    assert!(
        text.contains("\r\nMessage-ID: <") && text.contains("\r\nDate: "),
        "{text}"
    );
}

#[test]
fn several_messages_go_by_one_session() {
    let one = |sender: &str| {
        format!(
            "C: MAIL FROM:<{sender}> BODY=8BITMIME
             S: 250 ok
             C: RCPT TO:<a@x.org>
             S: 250 ok
             C: DATA
             S: 354 go
             BODY
             S: 250 taken from {sender}
            "
        )
    };
    let say = |sender: &str| format!("MAIL FROM:<{sender}>\nRCPT TO:<a@x.org>\nDATA\nhello\n.\n");
    let (replies, transcript) = relayed(
        &format!("{}{}C: QUIT", one("me@x.org"), one("you@x.org")),
        &format!("{}NOOP\n{}", say("me@x.org"), say("you@x.org")),
        |call| call,
    );
    assert_eq!(transcript.messages.len(), 2);
    assert_eq!(replies[3], "250 taken from me@x.org");
    assert_eq!(replies[4], "250 2.0.0 ok");
    assert_eq!(replies[8], "250 taken from you@x.org");
}

#[test]
fn what_is_taken_back_is_taken_back_at_the_server_before_anything_else() {
    for undo in ["RSET", "EHLO me"] {
        let (replies, _) = relayed(
            "C: MAIL FROM:<me@x.org> BODY=8BITMIME
             S: 250 ok
             C: RCPT TO:<a@x.org>
             S: 250 ok
             C: RSET
             S: 250 ok
             C: MAIL FROM:<> BODY=8BITMIME
             S: 550 5.7.1 not from nobody
             C: QUIT",
            &format!(
                "MAIL FROM:<me@x.org>\r\nRCPT TO:<a@x.org>\r\n{undo}\r\nMAIL FROM:<>\r\nRCPT TO:<b@x.org>\r\n"
            ),
            |call| call.stderr_has("MAIL <>: 550 5.7.1 not from nobody"),
        );
        assert_eq!(replies[replies.len() - 2], "550 5.7.1 not from nobody");
        assert!(replies[replies.len() - 1].starts_with("503 5.5.1 "));
    }
}

#[test]
fn commands_at_a_wrong_time_are_refused_and_change_nothing() {
    let (replies, _) = relayed(
        "C: MAIL FROM:<me@x.org> BODY=8BITMIME
         S: 250 ok
         C: RCPT TO:<a@x.org>
         S: 450 later
         C: RCPT TO:<b@x.org>
         S: 250 ok
         C: QUIT",
        "RCPT TO:<a@x.org>\nDATA\nMAIL FROM:<me@x.org>\nMAIL FROM:<you@x.org>\nDATA\nRCPT TO:<a@x.org>\nDATA\n\
         FOO\nVRFY root\nHELP\nRCPT TO:<b@x.org>\nQUIT\n",
        |call| call.stderr_has("RCPT <a@x.org>: 450 later"),
    );
    let codes: Vec<&str> = replies.iter().map(|line| &line[..3]).collect();
    assert_eq!(
        codes,
        [
            "503", "503", "250", "503", "554", "450", "554", "500", "252", "214", "250", "221"
        ]
    );
}

#[test]
fn a_caller_who_goes_within_a_transaction_has_sent_nothing() {
    let dialogue = "C: MAIL FROM:<me@x.org> BODY=8BITMIME
                    S: 250 ok
                    C: RCPT TO:<a@x.org>
                    S: 250 ok
                    C: QUIT";
    let envelope = "MAIL FROM:<me@x.org>\r\nRCPT TO:<a@x.org>\r\n";
    for rest in [
        "",
        "DA",
        "DATA\r\n",
        "DATA\r\nhello\r\n",
        "DATA\r\nhello\r\n.",
        "DATA\r\nhello\n.\n",
    ] {
        let (_, transcript) = relayed(dialogue, &format!("{envelope}{rest}"), |call| {
            call.fails_with(74).stderr_has("nothing of it was sent")
        });
        assert!(transcript.messages.is_empty());
    }
    let (replies, _) = relayed(dialogue, &format!("{envelope}QUIT\r\n"), |call| call);
    assert!(replies[replies.len() - 1].starts_with("221 "));
}

#[test]
fn a_caller_who_sends_nothing_reaches_no_server() {
    for input in ["", "EHLO me\r\nNOOP\r\nQUIT\r\n", "NOO"] {
        let output = caller("127.0.0.1:1", input).run();
        replies(&output);
    }
}

#[test]
fn a_recipient_named_twice_is_asked_for_once() {
    let (replies, _) = relayed(
        "C: MAIL FROM:<me@x.org> BODY=8BITMIME
         S: 250 ok
         C: RCPT TO:<a@x.org>
         S: 250 2.1.5 first
         C: DATA
         S: 354 go
         BODY
         S: 250 taken
         C: QUIT",
        "MAIL FROM:<me@x.org>\nRCPT TO:<a@x.org>\nRCPT TO:<a@X.org>\nDATA\nhello\n.\n",
        |call| call,
    );
    assert_eq!(replies[1..3], ["250 2.1.5 first", "250 2.1.5 first"]);
}

#[test]
fn users_of_this_machine_are_looked_up_and_the_sender_is_repaired() {
    let server = Server::text(&format!(
        "{HELLO}
         C: MAIL FROM:<alerts@x.org> BODY=8BITMIME
         S: 250 ok
         C: RCPT TO:<me@y.org>
         S: 250 2.1.5 first
         C: RCPT TO:<you@y.org>
         S: 550 5.1.1 second
         C: DATA
         S: 354 go
         BODY
         S: 250 taken
         C: QUIT"
    ));
    let output = caller(
        "",
        "MAIL FROM:<root@web1>\nRCPT TO:<root>\nRCPT TO:<nobody-here>\nDATA\nFrom: root (Cron)\nBcc: c@x.org\n\nhello\n.\n",
    )
    .settings(format!(
        "server = \"{}\"\ntls = \"none\"\n[sendmail]\nfrom = \"alerts@x.org\"\n[aliases]\nroot = [\"me@y.org\", \"you@y.org\"]\n",
        server.addr()
    ))
    .stderr_has("550 5.1.1 second")
    .stderr_has("nobody-here has no domain")
    .run();
    let replies = replies(&output);
    assert_eq!(replies[1], "250 2.1.5 first");
    assert!(replies[2].starts_with("550 5.1.1 "), "{replies:?}");
    let transcript = server.finish();
    let text = transcript.message().text();
    assert!(
        text.contains("<alerts@x.org>") && text.contains("X-Original-From: root (Cron)"),
        "{text}"
    );
    assert!(!text.contains("Bcc"), "{text}");
}
