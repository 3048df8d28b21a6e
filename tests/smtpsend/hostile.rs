//! Replies that are none, that nobody asked for, or that want to be more than replies.

use crate::parts::{self, BEFORE_TLS, DELIVERY, LOCKSTEP, SLOW_DELIVERY, WITHIN_TLS, clear_call};
use crate::stages::{FINAL_DOT, HANDSHAKE, STAGES, call, server_after, server_at};
use crate::support::Server;

/// Every stage at which a reply is due.
fn replies() -> impl Iterator<Item = usize> {
    (0..STAGES.len()).filter(|&stage| stage != HANDSHAKE)
}

/// Plays `instead` of the reply at each stage; each must end with this exit code and word.
fn at_each_stage(instead: &str, exit: i32, word: &str) {
    for stage in replies() {
        let server = server_at(stage, instead);
        call(&server)
            .fails_with(exit)
            .stderr_has(STAGES[stage].name)
            .stderr_has(word)
            .run();
        server.finish();
    }
}

#[test]
fn a_reply_of_lines_without_end_is_refused_at_each_stage() {
    at_each_stage("S* 1000000 250-more\\r\\n\nDROP", 76, "a reply without end");
}

#[test]
fn a_line_without_end_is_refused_at_each_stage() {
    at_each_stage("S* 1000000 250-more\\s\nDROP", 76, "a reply without end");
}

#[test]
fn what_is_no_reply_is_refused_at_each_stage() {
    at_each_stage(
        "S: HTTP/1.1 400 Bad Request\nC? QUIT",
        76,
        "not an SMTP reply",
    );
}

#[test]
fn a_reply_whose_codes_differ_is_refused_at_each_stage() {
    at_each_stage("S: 250-yes\nS: 550 no\nC? QUIT", 76, "differ in their code");
}

#[test]
fn a_reply_that_may_not_come_here_is_refused_at_each_stage() {
    for stage in replies() {
        let wrong = if STAGES[stage].name == "DATA" {
            "250"
        } else {
            "354"
        };
        let server = server_at(stage, &format!("S: {wrong} hm\nC? QUIT"));
        call(&server)
            .fails_with(76)
            .stderr_has(STAGES[stage].name)
            .stderr_has(format!(": {wrong} hm"))
            .run();
        server.finish();
    }
}

#[test]
fn the_code_of_another_command_is_no_answer() {
    for (stage, code) in [
        (0, 250),
        (1, 220),
        (2, 250),
        (5, 250),
        (6, 235),
        (7, 220),
        (9, 251),
    ] {
        let server = server_at(stage, &format!("S: {code} hm\nC? QUIT"));
        call(&server)
            .fails_with(76)
            .stderr_has(format!("{code} hm"))
            .run();
        server.finish();
    }
}

#[test]
fn a_good_bye_at_each_stage_is_temporary() {
    at_each_stage("S: 421 4.3.2 closing\nC? QUIT", 75, "421 4.3.2 closing");
}

#[test]
fn a_reply_nobody_asked_for_ends_the_session_at_each_stage() {
    // With 220 begins TLS: see there. After the final dot the message is settled.
    for stage in replies().filter(|&stage| stage != HANDSHAKE - 1 && stage != FINAL_DOT) {
        let server = server_after(stage, "S: 250 by the way\nC? QUIT");
        call(&server)
            .fails_with(76)
            .stderr_has("nothing asked for: 250 by the way")
            .run();
        assert!(server.finish().messages.is_empty());
    }
}

#[test]
fn a_good_bye_nobody_asked_for_is_temporary_at_each_stage() {
    for stage in replies().filter(|&stage| stage != HANDSHAKE - 1 && stage != FINAL_DOT) {
        let server = server_after(stage, "S: 421 closing\nC? QUIT");
        call(&server).fails_with(75).stderr_has("421 closing").run();
        server.finish();
    }
}

#[test]
fn half_a_reply_nobody_asked_for_ends_the_session() {
    let server = server_after(6, "S~ 250-by\nC? QUIT");
    call(&server)
        .fails_with(76)
        .stderr_has("half a reply")
        .run();
    server.finish();
}

#[test]
fn what_comes_after_the_message_was_accepted_changes_nothing() {
    for extra in ["S: 550 by the way", "S: 421 closing", "S: nonsense"] {
        let server = server_after(FINAL_DOT, &format!("{extra}\nC? QUIT"));
        call(&server).run();
        server.finish();
    }
}

#[test]
fn an_answer_that_breaks_the_protocol_after_the_message_leaves_it_uncertain() {
    for reply in ["354 go on", "nonsense", "250-a\nS: 550 b"] {
        let server = server_at(FINAL_DOT, &format!("S: {reply}\nC? QUIT"));
        let json = call(&server)
            .arg("--json")
            .fails_with(76)
            .stdout_any()
            .stderr_any()
            .run()
            .json();
        assert_eq!(json["status"], "uncertain", "{reply}");
        assert_eq!(json["recipients"][0]["status"], "unknown", "{reply}");
        server.finish();
    }
}

#[test]
fn a_bare_code_is_a_reply_everywhere() {
    let server = Server::text(
        "S: 220\nC: EHLO *\nS: 250\nC: MAIL *\nS: 250\nC: RCPT *\nS: 250\nC: DATA\nS: 354\nBODY\nS: 250\nC: QUIT\nS: 221",
    );
    clear_call(&server).run();
    server.finish();
}

#[test]
fn codes_nobody_knows_go_by_their_first_digit() {
    let server = Server::text(
        "S: 229 x\nC: EHLO *\nS: 299 x\nC: MAIL *\nS: 259 x\nC: RCPT *\nS: 260 x\nC: DATA\nS: 399 x\nBODY\nS: 277 x\nC: QUIT",
    );
    clear_call(&server).run();
    server.finish();
}

/// A reply's text that would like to steer a terminal, end a line and close a string.
const NASTY: &str = r#"\x1b[2J\x07\x08\0\x7f\xc2\x9b31m\xff\xfe\rC:\sowned"},\xe2\x80\xaereversed"#;

#[test]
fn no_octet_that_steers_a_terminal_gets_through() {
    for code in ["451", "550", "250", "what"] {
        for stage in replies() {
            let server = server_at(stage, &format!("S~ {code} 5.1.1 {NASTY}\\r\\n\nDROP"));
            let mut run = call(&server)
                .args(["-v", "--json"])
                .stdout_any()
                .stderr_any();
            run = match (code, stage) {
                ("451", _) => run.fails_with(75),
                ("550", 7) => run.fails_with(67),
                ("550", 5) => run.fails_with(77),
                ("550", _) => run.fails_with(69),
                ("250", FINAL_DOT) => run,
                ("250", 0 | 2 | 5 | 8) => run.fails_with(76),
                // No STARTTLS is offered, or no AUTH.
                ("250", 1) => run.fails_with(69),
                ("250", 4) => run.fails_with(77),
                ("250", _) => run.fails_with(75),
                (_, _) => run.fails_with(76),
            };
            let output = run.run();
            server.finish();
            output.json();
            for text in [output.stdout(), output.stderr()] {
                let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
                assert!(!text.contains(steers), "{code} {stage} {text:?}");
                assert!(
                    !text.lines().any(|line| line.starts_with("C: owned")),
                    "{text}"
                );
            }
        }
    }
}

#[test]
fn a_server_may_be_slow_within_the_time() {
    let server = parts::server(&[
        &LOCKSTEP.replace(
            "S: 220 mail.test ESMTP\n",
            "DRIP 2 220 mail.test ESMTP\\r\\n\n",
        ),
        SLOW_DELIVERY,
    ]);
    clear_call(&server).args(["--timeout", "5"]).run();
    server.finish();
}

#[test]
fn replies_may_come_in_pieces_of_any_size() {
    let octets: String = [BEFORE_TLS, "TLS\n", WITHIN_TLS, DELIVERY]
        .concat()
        .lines()
        .map(|line| match line.strip_prefix("S: ") {
            // The harness wants to see the handshake begin.
            Some("220 2.0.0 ready") => format!("{line}\n"),
            Some(reply) => format!("DRIP 1 {}\\r\\n\n", reply.replace(' ', "\\s")),
            None => format!("{line}\n"),
        })
        .collect();
    let server = Server::text(&octets);
    parts::call(&server).run();
    server.finish();
}
