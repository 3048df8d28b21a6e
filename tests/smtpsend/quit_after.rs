//! `--quit-after`: what the server sees up to each stage, that it never gets a message, and what is said
//! of it.

use crate::letters::{letters, numbered, plan, plan_as_bench, results, submit_all};
use crate::one_group::verdicts;
use crate::parts::{
    self, BEFORE_TLS, CHUNKS, GROUPS, LOCKSTEP, WITHIN_TLS, as_bench, call_from, clear_call,
    user_call,
};
use crate::support::{Dialogue, Options, Server, Smtpsend};
use serde_json::Value;
use smtpsend::plan::Plan;
use smtpsend::smtp::QuitAfter;

/// AUTH on its own.
const AUTH: &str = "C64: AUTH PLAIN \\0bench\\0hunter2\nS: 235 2.7.0 welcome\n";
/// A sender in a group with AUTH, and no more.
const GROUP_TO_MAIL: &str = "C64: AUTH PLAIN \\0bench\\0hunter2\nC: MAIL FROM:<a@example.com>\n\
    QUIET\nS: 235 2.7.0 welcome\nS: 250 2.1.0 ok\nC: RSET\nS: 250 2.0.0 flushed\nC: QUIT\n";
/// A recipient too, and no more.
const GROUP_TO_RCPT: &str = "C64: AUTH PLAIN \\0bench\\0hunter2\nC: MAIL FROM:<a@example.com>\n\
    C: RCPT TO:<b@example.com>\nQUIET\nS: 235 2.7.0 welcome\nS: 250 2.1.0 ok\nS: 250 2.1.5 b ok\n\
    C: RSET\nS: 250 2.0.0 flushed\nC: QUIT\n";

fn line(stage: &str) -> String {
    format!("smtpsend: stopped after {stage}, as asked: nothing was sent")
}

/// What is said and shown of a call that stops after this stage, as the server of `text` sees it.
#[track_caller]
fn stops(stage: &str, shown: &str, text: &str, call: impl FnOnce(&Server) -> Smtpsend) -> Value {
    let server = Server::text(text);
    let output = call(&server)
        .args(["--quit-after", stage, "--json"])
        .stdout_any()
        .stderr_has(line(shown))
        .run();
    assert!(server.finish().messages.is_empty());
    let json = output.json();
    assert_eq!(json["status"], "stopped");
    assert_eq!(json["error"], Value::Null);
    assert_eq!(json["reply"], Value::Null);
    for recipient in json["recipients"].as_array().unwrap() {
        assert_eq!(recipient["status"], "stopped");
    }
    assert_eq!(json["attempts"][0]["outcome"], "connected");
    json
}

#[test]
fn each_stage_over_starttls_ends_with_quit() {
    let within = format!("{BEFORE_TLS}TLS\n{WITHIN_TLS}");
    for (stage, shown, text) in [
        (
            "connect",
            "connecting",
            "S: 220 mail.test ESMTP\nC: QUIT\n".to_owned(),
        ),
        ("tls", "TLS", format!("{BEFORE_TLS}TLS\nC: QUIT\n")),
        ("ehlo", "EHLO", format!("{within}C: QUIT\n")),
        ("auth", "AUTH", format!("{within}{AUTH}C: QUIT\n")),
        ("mail", "MAIL", format!("{within}{GROUP_TO_MAIL}")),
        ("rcpt", "RCPT", format!("{within}{GROUP_TO_RCPT}")),
    ] {
        let json = stops(stage, shown, &text, user_call);
        let tls = if stage == "connect" {
            Value::Null
        } else {
            "TLSv1.3".into()
        };
        assert_eq!(json["server"]["tls"], tls, "{stage}");
        let auth = match stage {
            "auth" | "mail" | "rcpt" => "PLAIN".into(),
            _ => Value::Null,
        };
        assert_eq!(json["auth"], auth, "{stage}");
        let code = if stage == "rcpt" {
            250.into()
        } else {
            Value::Null
        };
        assert_eq!(json["recipients"][0]["code"], code, "{stage}");
    }
}

#[test]
fn each_stage_over_implicit_tls_ends_with_quit() {
    let greeted = "TLS\nS: 220 mail.test ESMTP\n";
    let within = format!("{greeted}{WITHIN_TLS}");
    for (stage, shown, text) in [
        ("connect", "connecting", format!("{greeted}C: QUIT\n")),
        ("tls", "TLS", format!("{greeted}C: QUIT\n")),
        ("ehlo", "EHLO", format!("{within}C: QUIT\n")),
        ("auth", "AUTH", format!("{within}{AUTH}C: QUIT\n")),
        ("mail", "MAIL", format!("{within}{GROUP_TO_MAIL}")),
        ("rcpt", "RCPT", format!("{within}{GROUP_TO_RCPT}")),
    ] {
        let implicit = |server: &Server| user_call(server).args(["--tls", "implicit"]);
        stops(stage, shown, &text, implicit);
    }
}

#[test]
fn each_stage_in_clear_ends_with_quit() {
    let mail = "C: MAIL *\nQUIET\nS: 250 ok\n";
    let rcpt = "C: RCPT *\nQUIET\nS: 250 ok\n";
    let end = "C: RSET\nQUIET\nS: 250 ok\nC: QUIT\n";
    for (stage, shown, text) in [
        (
            "connect",
            "connecting",
            "S: 220 mail.test ESMTP\nC: QUIT\n".to_owned(),
        ),
        ("ehlo", "EHLO", format!("{LOCKSTEP}C: QUIT\n")),
        ("mail", "MAIL", format!("{LOCKSTEP}{mail}{end}")),
        ("rcpt", "RCPT", format!("{LOCKSTEP}{mail}{rcpt}{end}")),
    ] {
        stops(stage, shown, &text, clear_call);
    }
}

#[test]
fn nothing_is_written_beyond_the_stage_where_the_message_would_leave_with_its_envelope() {
    let text = format!(
        "{CHUNKS}C: MAIL *\nC: RCPT *\nQUIET\nS: 250 ok\nS: 250 ok\nC: RSET\nS: 250 ok\nC: QUIT\n"
    );
    stops("rcpt", "RCPT", &text, clear_call);
    let text = format!("{CHUNKS}C: MAIL *\nQUIET\nS: 250 ok\nC: RSET\nS: 250 ok\nC: QUIT\n");
    stops("mail", "MAIL", &text, clear_call);
}

#[test]
fn there_is_no_tls_to_stop_after_in_clear() {
    Smtpsend::new()
        .args([
            "--server",
            "mail.invalid",
            "--tls",
            "none",
            "--quit-after",
            "tls",
        ])
        .args([
            "--from",
            "a@example.com",
            "--to",
            "b@example.com",
            "--body",
            "x",
        ])
        .fails_with(64)
        .stderr_has("--quit-after tls with --tls none")
        .run();
}

#[test]
fn auth_without_a_user_stops_after_ehlo_and_says_so() {
    let server = parts::server(&[GROUPS, "C: QUIT"]);
    clear_call(&server)
        .args(["--quit-after", "auth"])
        .stderr_has("smtpsend: warning: no user is given, so nothing was authenticated")
        .stderr_has(line("AUTH"))
        .run();
    server.finish();
}

#[test]
fn a_message_that_could_not_be_sent_is_refused_before_anything_else() {
    Smtpsend::new()
        .args(["--server", "mail.invalid", "--quit-after", "connect"])
        .args([
            "--from",
            "a@example.com",
            "--to",
            "b@example.com",
            "--input",
            "message",
        ])
        .stdin("Subject: x\r\n\r\na\rb\r\n")
        .fails_with(65)
        .stderr_any()
        .run();
}

#[test]
fn quiet_says_nothing() {
    let server = parts::server(&["S: 220 mail.test\nC: QUIT"]);
    clear_call(&server)
        .args(["--quit-after", "connect", "-q"])
        .run();
    server.finish();
}

#[test]
fn a_failure_before_the_stage_has_the_exit_code_that_it_always_has() {
    let within = format!("{BEFORE_TLS}TLS\n{WITHIN_TLS}");
    let hello = "S: 220 mail.test\nC: EHLO *\n";
    for (stage, text, exit) in [
        ("connect", "S: 554 no\nC? QUIT".to_owned(), 69),
        ("connect", "S: 421 busy\nC? QUIT".to_owned(), 75),
        ("tls", format!("{hello}S: 250 mail.test\nC: QUIT"), 69),
        ("tls", format!("{BEFORE_TLS}TLSFAIL expired"), 69),
        (
            "ehlo",
            format!("{BEFORE_TLS}TLS\nC: EHLO *\nS: 550 no\nC: QUIT"),
            69,
        ),
        (
            "auth",
            format!("{within}C: AUTH PLAIN *\nS: 535 no\nC: QUIT"),
            77,
        ),
        (
            "auth",
            format!("{within}C: AUTH PLAIN *\nS: 454 later\nC: QUIT"),
            75,
        ),
        (
            "mail",
            format!("{within}C: AUTH PLAIN *\nC: MAIL *\nS: 535 no\nS: 530 x\nC: QUIT"),
            77,
        ),
        (
            "mail",
            format!("{within}C: AUTH PLAIN *\nC: MAIL *\nS: 235 x\nS: 550 no\nC: QUIT"),
            69,
        ),
        (
            "mail",
            format!("{within}C: AUTH PLAIN *\nC: MAIL *\nS: 235 x\nS: 421 bye\nDROP"),
            75,
        ),
        (
            "rcpt",
            format!(
                "{within}C: AUTH PLAIN *\nC: MAIL *\nC: RCPT *\nS: 235 x\nS: 250 x\nS: 421 bye\nDROP"
            ),
            75,
        ),
        (
            "rcpt",
            format!("{within}C: AUTH PLAIN *\nC: MAIL *\nC: RCPT *\nS: 235 x\nS: 250 x\nDROP"),
            75,
        ),
        (
            "rcpt",
            format!(
                "{within}C: AUTH PLAIN *\nC: MAIL *\nC: RCPT *\nS: 235 x\nS: 250 x\nS: 550 x\nC: RSET\nS: 250 x\nC: QUIT"
            ),
            67,
        ),
    ] {
        let server = Server::text(&text);
        let output = user_call(&server)
            .args(["--quit-after", stage, "--json"])
            .fails_with(exit)
            .stdout_any()
            .stderr_any()
            .run();
        server.finish();
        assert_ne!(output.json()["status"], "stopped", "{stage}: {text}");
        assert!(!output.stderr().contains("as asked"), "{stage}: {text}");
    }
}

/// Two recipients and these replies to them; what comes of it with `--quit-after rcpt`.
fn both_asked(replies: [&str; 2], exit: i32, more: &[&str]) -> (Value, String) {
    let server = parts::server(&[
        GROUPS,
        "C: MAIL *\nC: RCPT *\nC: RCPT *\nS: 250 ok\n",
        &format!("S: {}\nS: {}\n", replies[0], replies[1]),
        "C: RSET\nS: 250 ok\nC: QUIT",
    ]);
    let output = call_from(Smtpsend::new().server(&server))
        .args(["--tls", "none", "--to", &parts::recipients(2).0, "--json"])
        .args(["--quit-after", "rcpt"])
        .args(more)
        .fails_with(exit)
        .stdout_any()
        .stderr_any()
        .run();
    server.finish();
    (output.json(), output.stderr().to_owned())
}

#[test]
fn every_recipient_has_its_verdict() {
    for (reply, exit, status, verdict) in [
        ("550 5.1.1 no", 67, "rejected", ("rejected", 550)),
        ("450 4.2.1 later", 75, "deferred", ("deferred", 450)),
        ("452 4.5.3 too many", 75, "deferred", ("deferred", 452)),
    ] {
        let (json, said) = both_asked(["250 2.1.5 fine", reply], exit, &[]);
        assert_eq!(json["status"], status);
        assert_eq!(verdicts(&json), [("stopped", 250), verdict]);
        for (recipient, reply) in [("r0", "250 2.1.5 fine"), ("r1", reply)] {
            let verdict = format!(": RCPT <{recipient}@example.com>: {reply}\n");
            assert!(said.contains(&verdict), "{said}");
        }
        assert!(said.contains(&line("RCPT")), "{said}");
    }
}

#[test]
fn what_is_for_all_or_nobody_is_for_nobody_when_one_is_refused() {
    let (json, said) = both_asked(["250 ok", "550 no"], 67, &["--all-or-nothing"]);
    assert_eq!(verdicts(&json), [("rejected", 550); 2]);
    assert!(!said.contains("as asked"), "{said}");
    let (json, _) = both_asked(["250 ok", "250 ok"], 0, &["--all-or-nothing"]);
    assert_eq!(json["status"], "stopped");
}

#[test]
fn one_transaction_asks_for_all_where_the_server_wants_several() {
    let offers = GROUPS.replace("S: 250-8BITMIME", "S: 250-LIMITS RCPTMAX=1");
    let server = parts::server(&[
        &offers,
        "C: MAIL *\nC: RCPT *\nC: RCPT *\nS: 250 ok\nS: 250 ok\nS: 250 ok\nC: RSET\nS: 250 ok\nC: QUIT",
    ]);
    call_from(Smtpsend::new().server(&server))
        .args(["--tls", "none", "--to", &parts::recipients(2).0])
        .args(["--quit-after", "rcpt"])
        .stderr_any()
        .run();
    server.finish();
}

#[test]
fn a_stop_is_not_tried_again_and_what_failed_before_it_is() {
    let (json, _) = both_asked(["250 ok", "450 later"], 75, &["--retry", "1"]);
    assert_eq!(json["attempts"].as_array().unwrap().len(), 1);
    let busy = Dialogue::text("S: 421 busy\nC? QUIT");
    let ready = Dialogue::text("S: 220 mail.test\nC: QUIT");
    let server = Server::start([busy, ready], Options::default());
    clear_call(&server)
        .args(["--quit-after", "connect", "--retry", "1"])
        .stderr_has("trying again in 1 s")
        .stderr_has(line("connecting"))
        .run();
    server.finish();
}

#[test]
fn a_session_that_is_cut_at_the_end_changes_nothing() {
    for end in [
        "DROP",
        "C: RSET\nDROP",
        "C: RSET\nS: 500 what?\nC? QUIT",
        "C: RSET\nS: 421 bye\nC? QUIT",
    ] {
        let server = parts::server(&[GROUPS, "C: MAIL *\nC: RCPT *\nS: 250 ok\nS: 250 ok\n", end]);
        clear_call(&server)
            .args(["--quit-after", "rcpt"])
            .stderr_has(line("RCPT"))
            .stderr_has("RCPT <b@example.com>: 250 ok")
            .run();
        server.finish();
    }
}

#[test]
fn each_of_many_messages_stops_and_one_session_does() {
    let ask = "C: MAIL *\nC: RCPT *\nS: 250 ok\nS: 250 ok\n";
    let next = format!("C: RSET\nS: 250 ok\n{ask}").repeat(2);
    let reset = "C: RSET\nS: 250 ok\n";
    for (stage, text) in [
        (QuitAfter::Connect, "S: 220 mail.test\n".to_owned()),
        (QuitAfter::Ehlo, CHUNKS.to_owned()),
        (QuitAfter::Auth, CHUNKS.to_owned()),
        (
            QuitAfter::Mail,
            format!("{CHUNKS}{ask}{next}{reset}").replace("C: RCPT *\nS: 250 ok\n", ""),
        ),
        (QuitAfter::Rcpt, format!("{CHUNKS}{ask}{next}{reset}")),
    ] {
        let server = Server::text(&format!("{text}C: QUIT"));
        let plan = Plan {
            quit_after: Some(stage),
            ..plan(server.port())
        };
        let reports = submit_all(plan, letters(3));
        assert_eq!(results(&reports), [("stopped", 0); 3], "{stage}");
        assert!(
            reports
                .iter()
                .all(|report| report.stopped_after() == Some(stage))
        );
        assert!(server.finish().messages.is_empty());
    }
}

#[test]
fn one_of_many_that_is_refused_does_not_keep_the_others_from_being_asked() {
    let ask = "C: MAIL *\nC: RCPT *\nS: 250 ok\n";
    let server = Server::text(&format!(
        "{CHUNKS}{ask}S: 550 no\nC: RSET\n{ask}S: 250 ok\nS: 250 ok\nC: RSET\nS: 250 ok\nC: QUIT"
    ));
    let plan = Plan {
        quit_after: Some(QuitAfter::Rcpt),
        ..plan(server.port())
    };
    let reports = submit_all(plan, vec![numbered(0, 1), numbered(1, 1)]);
    assert_eq!(results(&reports), [("rejected", 67), ("stopped", 0)]);
    server.finish();
}

#[test]
fn the_refused_account_of_many_is_that_of_all() {
    let server = Server::text(&format!(
        "{}C: AUTH PLAIN *\nS: 535 no\nC: QUIT",
        CHUNKS.replace("250 CHUNKING", "250-CHUNKING\nS: 250 AUTH PLAIN")
    ));
    let plan = Plan {
        quit_after: Some(QuitAfter::Auth),
        ..plan_as_bench(server.port())
    };
    assert_eq!(results(&submit_all(plan, letters(2))), [("failed", 77); 2]);
    server.finish();
}

#[test]
fn a_login_that_takes_several_rounds_stops_after_the_last() {
    let server = Server::text(&format!(
        "{}C: AUTH LOGIN\nS64: 334 Username:\nC64: bench\nS64: 334 Password:\nC64: hunter2\nS: 235 ok\nC: QUIT",
        GROUPS.replace("S: 250-8BITMIME", "S: 250-AUTH LOGIN")
    ));
    as_bench(clear_call(&server))
        .args(["--allow-cleartext-auth", "--quit-after", "auth"])
        .stderr_has(line("AUTH"))
        .run();
    server.finish();
}
