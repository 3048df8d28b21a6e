//! `smtpsend verify`: what is asked, what each answer comes to, and the exit code of several.

use serde_json::json;

use crate::parts::{BEFORE_TLS, LOCKSTEP, as_bench, secure_server, server};
use crate::support::{Server, Smtpsend};

/// `smtpsend verify` in clear.
fn verify(server: &Server) -> Smtpsend {
    let call = Smtpsend::new().arg("verify").server(server);
    call.args(["--tls", "none"])
}

#[test]
fn every_reply_is_told_with_what_it_means() {
    for (reply, meaning, status, exit) in [
        ("250 2.1.5 Bob <b@x.org>", "known", "known", 0),
        (
            "251 will forward to <c@x.org>",
            "known, and passed on",
            "forwarded",
            0,
        ),
        (
            "252 2.0.0 b@x.org",
            "the server does not say; it will accept and try",
            "undecided",
            0,
        ),
        ("550 5.1.1 no such user", "unknown", "unknown", 67),
        ("551 try <c@x.org>", "unknown", "unknown", 67),
        ("553 ambiguous", "unknown", "unknown", 67),
        (
            "550 5.7.1 not for you",
            "the server refuses to say",
            "refused",
            69,
        ),
        (
            "502 5.5.1 not implemented",
            "not offered here (many servers switch it off)",
            "not-offered",
            69,
        ),
        (
            "500 what?",
            "not offered here (many servers switch it off)",
            "not-offered",
            69,
        ),
        (
            "504 no",
            "not offered here (many servers switch it off)",
            "not-offered",
            69,
        ),
        (
            "450 4.2.0 greylisted",
            "not now: ask again later",
            "later",
            75,
        ),
        ("354 go ahead", "not answered", "not-answered", 76),
    ] {
        let text = || {
            let part = format!("C: VRFY b@x.org\nS: {reply}\nC: QUIT\n");
            server(&[LOCKSTEP, &part])
        };
        let asked = text();
        verify(&asked)
            .arg("b@x.org")
            .fails_with(exit)
            .stdout_is(format!("b@x.org: {reply}: {meaning}\n"))
            .run();
        asked.finish();
        let asked = text();
        let json = verify(&asked)
            .args(["--json", "b@x.org"])
            .fails_with(exit)
            .stdout_any()
            .run()
            .json();
        assert_eq!(json[0]["status"], status);
        assert_eq!(json[0]["code"], reply[..3].parse::<u16>().unwrap());
        asked.finish();
    }
}

#[test]
fn the_exit_code_is_that_of_the_worst_answer() {
    for (replies, exit) in [
        (["250 ok", "252 ok", "251 ok"], 0),
        (["250 ok", "550 no", "550 5.7.1 no"], 67),
        (["550 no", "450 later", "250 ok"], 75),
        (["550 no", "354 what", "250 ok"], 76),
        (["250 ok", "250 ok", "502 no"], 69),
    ] {
        let lines = replies
            .map(|reply| format!("C: VRFY *\nS: {reply}\n"))
            .concat();
        let server = server(&[LOCKSTEP, &lines, "C: QUIT\n"]);
        verify(&server)
            .args(["a@x.org", "b@x.org", "c@x.org"])
            .fails_with(exit)
            .stdout_any()
            .run();
        server.finish();
    }
}

#[test]
fn each_question_waits_for_the_answer_to_the_one_before() {
    let one = "C: VRFY *@x.org\nQUIET\nS: 252 ok\n";
    let opening = LOCKSTEP.replace("8BITMIME", "PIPELINING");
    let server = server(&[&opening, one, one, "C: QUIT\n"]);
    verify(&server)
        .args(["a@x.org", "b@x.org"])
        .stdout_any()
        .run();
    server.finish();
}

#[test]
fn a_server_that_does_not_know_the_command_is_asked_once() {
    let server = server(&[LOCKSTEP, "C: VRFY a@x.org\nS: 502 no\nC: QUIT\n"]);
    let meaning = "502 no: not offered here (many servers switch it off)";
    verify(&server)
        .args(["a@x.org", "b@x.org"])
        .fails_with(69)
        .stdout_is(format!("a@x.org: {meaning}\nb@x.org: {meaning}\n"))
        .run();
    server.finish();
}

#[test]
fn a_session_that_breaks_leaves_the_rest_without_an_answer() {
    let server = server(&[
        LOCKSTEP,
        "C: VRFY a@x.org\nS: 250 ok\nC: VRFY b@x.org\nDROP",
    ]);
    verify(&server)
        .args(["a@x.org", "b@x.org", "c@x.org"])
        .fails_with(75)
        .stdout_is("a@x.org: 250 ok: known\nb@x.org: not answered\nc@x.org: not answered\n")
        .stderr_has("VRFY <b@x.org>: connection closed by the server")
        .stderr_has("VRFY <c@x.org>: not asked")
        .run();
    server.finish();
}

#[test]
fn a_good_bye_is_the_answer_for_the_rest() {
    let server = server(&[LOCKSTEP, "C: VRFY a@x.org\nS: 421 too busy\nC? QUIT"]);
    verify(&server)
        .args(["a@x.org", "b@x.org"])
        .fails_with(75)
        .stdout_has("b@x.org: 421 too busy: not now")
        .run();
    server.finish();
}

#[test]
fn a_list_is_expanded_into_its_members() {
    let list = "C: EXPN staff@x.org\nS: 250-Bob <b@x.org>\nS: 250 Carol <c@x.org>\nC: QUIT\n";
    let asked = server(&[LOCKSTEP, list]);
    verify(&asked)
        .args(["--expand", "staff@x.org"])
        .stdout_is("staff@x.org: 250: a list of 2\n  Bob <b@x.org>\n  Carol <c@x.org>\n")
        .run();
    asked.finish();
    let asked = server(&[LOCKSTEP, list]);
    let json = verify(&asked)
        .args(["--expand", "--json", "staff@x.org"])
        .stdout_any()
        .run()
        .json();
    assert_eq!(
        json[0]["members"],
        json!(["Bob <b@x.org>", "Carol <c@x.org>"])
    );
    asked.finish();
}

#[test]
fn an_address_outside_ascii_is_asked_with_smtputf8() {
    let opening = LOCKSTEP.replace("8BITMIME", "SMTPUTF8");
    let asked = server(&[
        &opening,
        "C: VRFY pelé@x.org SMTPUTF8\nS: 252 ok\nC: QUIT\n",
    ]);
    verify(&asked).arg("pelé@x.org").stdout_any().run();
    asked.finish();
    let asked = server(&[
        LOCKSTEP,
        "C: VRFY a@xn--bcher-kva.example\nS: 252 ok\nC: QUIT\n",
    ]);
    verify(&asked)
        .args(["pelé@x.org", "a@Bücher.example"])
        .fails_with(65)
        .stdout_has("pelé@x.org: not answered\n")
        .stderr_has("SMTPUTF8")
        .run();
    asked.finish();
}

#[test]
fn who_has_a_password_logs_in_before_asking() {
    let within = "C: EHLO *\nS: 250-x\nS: 250 AUTH PLAIN\nC: AUTH PLAIN *\n";
    let asked = secure_server(&[within, "S: 235 ok\nC: VRFY b@x.org\nS: 252 ok\nC: QUIT\n"]);
    let call =
        |server: &Server| as_bench(Smtpsend::new().arg("verify").server(server)).arg("b@x.org");
    call(&asked).stdout_any().run();
    asked.finish();
    let asked = secure_server(&[within, "S: 535 no\nC: QUIT\n"]);
    call(&asked)
        .fails_with(77)
        .stdout_is("b@x.org: not answered\n")
        .stderr_has("AUTH PLAIN: 535 no")
        .run();
    asked.finish();
}

#[test]
fn every_port_that_cannot_be_used_is_named() {
    let asked = Server::text(&format!("{BEFORE_TLS}TLSFAIL expired"));
    Smtpsend::new()
        .arg("verify")
        .server(&asked)
        .arg("b@x.org")
        .fails_with(69)
        .stdout_is("b@x.org: not answered\n")
        .stderr_has("expired on")
        .stderr_has("\nhint: ")
        .run();
    asked.finish();
}

#[test]
fn a_reply_cannot_steer_the_terminal() {
    let asked = server(&[
        LOCKSTEP,
        "C: VRFY *\n",
        "S~ 250 \\x1b[2Jbob\\r\\n\n",
        "C: QUIT\n",
    ]);
    verify(&asked)
        .arg("b@x.org")
        .stdout_is("b@x.org: 250 [2Jbob: known\n")
        .run();
    asked.finish();
}

#[test]
fn what_is_no_address_is_never_asked_about() {
    let asked = Server::unvisited();
    for bad in ["bob", "b@x.org\r\nRSET", "", "<b@x.org>"] {
        verify(&asked).arg(bad).fails_with(65).stderr_any().run();
    }
    verify(&asked).fails_with(64).stderr_has("required").run();
    asked.finish();
}
