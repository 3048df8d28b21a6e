//! `sendmail -bs` with a queue: what goes into it, and what the caller hears.

use rustix::process::Signal;

use crate::queue::Spool;
use crate::serve::{HELLO, caller, replies};
use crate::support::{Server, Smtpsend, closed_port};

const MESSAGE: &str = "DATA\r\nMessage-ID: <1@x.org>\r\n\r\nhello\r\n.\r\n";

fn envelope() -> String {
    "MAIL FROM:<me@x.org>\r\nRCPT TO:<a@x.org>\r\nRCPT TO:<b@x.org>\r\n".to_owned()
}

/// A caller who may use this queue; by default, since `never` is not set.
fn queueing(server: &str, spool: &Spool, input: String) -> Smtpsend {
    caller(server, input)
        .env("SMTPSEND_QUEUE", "")
        .env("SMTPSEND_QUEUE_DIR", &spool.path)
}

/// A server that takes the envelope and the text, and then does this.
fn holding_the_text(then: &str) -> Server {
    Server::text(&format!(
        "{HELLO}
         C: MAIL FROM:<me@x.org> BODY=8BITMIME
         S: 250 ok
         C: RCPT TO:<a@x.org>
         S: 250 ok
         C: RCPT TO:<b@x.org>
         S: 250 ok
         C: DATA
         S: 354 go
         BODY
         {then}"
    ))
}

/// That all are told `queued`, with the id under which it is.
fn check_queued(told: &[String], spool: &Spool, status: &str) {
    let id = spool.id();
    assert_eq!(told.last().unwrap(), &format!("250 2.0.0 queued as {id}"));
    let list = spool.list();
    let recipients = list[0]["recipients"].as_array().unwrap();
    let waiting: Vec<_> = recipients
        .iter()
        .map(|one| {
            (
                one["address"].as_str().unwrap(),
                one["status"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        waiting,
        [("a@x.org", status), ("b@x.org", status)],
        "{list}"
    );
}

#[test]
fn where_no_server_is_reached_the_message_is_queued() {
    let spool = Spool::new();
    let nowhere = format!("127.0.0.1:{}", closed_port());
    let output = queueing(&nowhere, &spool, envelope() + MESSAGE)
        .stderr_has("queued as ")
        .stderr_has("onnection refused")
        .run();
    let told = replies(&output);
    assert_eq!(told[..3], ["250 2.1.0 ok", "250 2.1.5 ok", "250 2.1.5 ok"]);
    check_queued(&told, &spool, "deferred");
}

#[test]
fn what_is_always_queued_reaches_no_server() {
    let spool = Spool::new();
    let output = queueing("127.0.0.1:1", &spool, envelope() + MESSAGE)
        .env("SMTPSEND_QUEUE", "always")
        .stderr_has("queued as ")
        .run();
    check_queued(&replies(&output), &spool, "pending");
}

#[test]
fn a_server_that_is_lost_within_a_transaction_leaves_it_to_the_queue() {
    let spool = Spool::new();
    let server = Server::text(&format!(
        "{HELLO}
         C: MAIL FROM:<me@x.org> BODY=8BITMIME
         S: 250 ok
         C: RCPT TO:<a@x.org>
         S: 250 2.1.5 a
         C: RCPT TO:<b@x.org>
         S: 421 4.3.2 good night"
    ));
    let unreached = format!("{},127.0.0.1:1", server.addr());
    let output = queueing(&unreached, &spool, envelope() + MESSAGE)
        .stderr_has("queued as ")
        .run();
    let told = replies(&output);
    assert_eq!(told[..3], ["250 ok", "250 2.1.5 a", "250 2.1.5 ok"]);
    check_queued(&told, &spool, "deferred");
}

#[test]
fn a_message_that_may_have_been_delivered_is_kept() {
    let spool = Spool::new();
    let server = holding_the_text("DROP");
    let output = queueing(&server.addr().to_string(), &spool, envelope() + MESSAGE)
        .stderr_has("may have been delivered")
        .run();
    check_queued(&replies(&output), &spool, "unknown");
    server.finish();
}

#[test]
fn what_the_server_says_is_no_matter_for_the_queue() {
    let spool = Spool::new();
    let server = Server::text(&format!(
        "{HELLO}
         C: MAIL FROM:<me@x.org> BODY=8BITMIME
         S: 250 ok
         C: RCPT TO:<a@x.org>
         S: 450 4.2.0 later
         C: RCPT TO:<b@x.org>
         S: 250 ok
         C: DATA
         S: 451 4.3.0 later, too
         C: QUIT"
    ));
    let output = queueing(&server.addr().to_string(), &spool, envelope() + MESSAGE)
        .stderr_any()
        .run();
    let told = replies(&output);
    assert_eq!(told[1], "450 4.2.0 later");
    assert_eq!(told[4], "451 4.3.0 later, too");
    server.finish();
    assert!(spool.list().as_array().unwrap().is_empty());
}

#[test]
fn a_queue_that_was_asked_for_and_cannot_be_used_is_told() {
    let spool = Spool::new();
    std::fs::write(&spool.path, "no folder").unwrap();
    let nowhere = format!("127.0.0.1:{}", closed_port());
    let output = queueing(&nowhere, &spool, envelope() + MESSAGE)
        .env("SMTPSEND_QUEUE", "on-failure")
        .stderr_has("not queued")
        .run();
    let told = replies(&output);
    assert!(told.last().unwrap().starts_with("452 4.3.1 "), "{told:?}");
}

#[test]
fn each_sender_goes_by_its_own_profile_and_every_message_is_logged() {
    let takes = |sender: &str| {
        Server::text(&format!(
            "{HELLO}
             C: MAIL FROM:<{sender}> BODY=8BITMIME
             S: 250 ok
             C: RCPT TO:<a@x.org>
             S: 250 ok
             C: DATA
             S: 354 go
             BODY
             S: 250 taken for {sender}
             C: QUIT"
        ))
    };
    let (one, two) = (takes("me@one.org"), takes("me@two.org"));
    let say = |sender: &str| format!("MAIL FROM:<{sender}>\nRCPT TO:<a@x.org>\nDATA\nhello\n.\n");
    let call = caller("", say("me@one.org") + &say("me@two.org"));
    let log = call.home().join("log");
    let output = call
        .settings(format!(
            "tls = \"none\"\nlog = \"{}\"\n[profile.one]\nserver = \"{}\"\naddresses = \"*@one.org\"\n\
             [profile.two]\nserver = \"{}\"\naddresses = \"*@two.org\"\n",
            log.display(),
            one.addr(),
            two.addr()
        ))
        .run();
    let told = replies(&output);
    assert_eq!(told[3], "250 taken for me@one.org");
    assert_eq!(told[7], "250 taken for me@two.org");
    let lines = std::fs::read_to_string(log).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].contains("me@two.org") && lines[1].contains("taken for me@two.org"));
    one.finish();
    two.finish();
}

#[test]
fn a_signal_behind_the_message_leaves_it_to_the_queue_and_ends_the_session() {
    let spool = Spool::new();
    let server = holding_the_text("HOLD\nWAIT");
    let running = queueing(&server.addr().to_string(), &spool, envelope() + MESSAGE)
        .stderr_has("SIGTERM")
        .start();
    server.holds();
    running.signal(Signal::TERM);
    let mut told = replies(&running.ends());
    assert_eq!(told.pop().unwrap(), "421 4.3.2 stopped by SIGTERM");
    check_queued(&told, &spool, "unknown");
    server.finish();
}
