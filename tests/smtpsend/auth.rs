//! Proving who one is: refusals, mechanisms, and who is never authenticated. Where AUTH leads a group,
//! see `one_group`.

use crate::parts::{
    self, BEFORE_TLS, DELIVERY, GROUPS, LOCKSTEP_WITHIN_TLS, SLOW_DELIVERY, WITHIN_TLS, as_bench,
    call, clear_call, secure_server, user_call,
};
use crate::support::Server;

/// As bench with the password hunter2.
pub(crate) const PLAIN: &str = "C64: AUTH PLAIN \\0bench\\0hunter2\n";
/// The same in three rounds.
pub(crate) const LOGIN: &str =
    "C: AUTH LOGIN\nS64: 334 Username:\nC64: bench\nS64: 334 Password:\nC64: hunter2\n";
pub(crate) const WELCOME: &str = "S: 235 2.7.0 welcome\n";

/// TLS and this line of offers.
pub(crate) fn offering(offers: &str) -> String {
    format!("{BEFORE_TLS}TLS\nC: EHLO *\nS: 250-mail.test\nS: 250 {offers}\n")
}

#[test]
fn a_refused_password_is_final_and_explained() {
    for reply in [
        "535 5.7.8 authentication failed",
        "535 no",
        "534 5.7.9 too weak",
        "501 what",
        "554 no",
    ] {
        let server = secure_server(&[LOCKSTEP_WITHIN_TLS, PLAIN, &format!("S: {reply}\nC: QUIT")]);
        user_call(&server)
            .fails_with(77)
            .stderr_has(format!("AUTH PLAIN: {reply}"))
            .run();
        server.finish();
    }
}

#[test]
fn a_refused_password_leads_to_app_passwords() {
    let server = secure_server(&[
        LOCKSTEP_WITHIN_TLS,
        PLAIN,
        "S: 535 5.7.8 not accepted\nC: QUIT",
    ]);
    user_call(&server)
        .fails_with(77)
        .stderr_has("app password")
        .run();
    server.finish();
}

#[test]
fn a_server_that_cannot_check_now_is_asked_again_later() {
    for reply in [
        "454 4.7.0 no directory",
        "421 closing",
        "432 4.7.12 password must change",
    ] {
        let server = secure_server(&[LOCKSTEP_WITHIN_TLS, PLAIN, &format!("S: {reply}\nC? QUIT")]);
        user_call(&server)
            .fails_with(75)
            .stderr_has(format!("AUTH PLAIN: {reply}"))
            .run();
        server.finish();
    }
}

#[test]
fn no_mail_is_sent_as_nobody_where_a_user_is_given() {
    for (offers, word) in [
        ("8BITMIME", "AUTH not offered"),
        ("AUTH", "AUTH not offered"),
        ("AUTH XOAUTH2 GSSAPI", "XOAUTH2, GSSAPI"),
    ] {
        let server = Server::text(&(offering(offers) + "C: QUIT"));
        user_call(&server).fails_with(77).stderr_has(word).run();
        server.finish();
    }
}

#[test]
fn a_mechanism_that_is_named_is_used() {
    let server = secure_server(&[WITHIN_TLS, LOGIN, WELCOME, DELIVERY]);
    let json = user_call(&server)
        .args(["--auth", "login", "--json"])
        .stdout_any()
        .run()
        .json();
    assert_eq!(json["auth"], "LOGIN");
    server.finish();
}

#[test]
fn a_mechanism_that_is_named_is_not_replaced() {
    let server = Server::text(&(offering("AUTH PLAIN") + "C: QUIT"));
    user_call(&server)
        .args(["--auth", "LOGIN"])
        .fails_with(77)
        .stderr_has("AUTH LOGIN: the server offers PLAIN only")
        .run();
    server.finish();
}

#[test]
fn login_is_used_where_there_is_nothing_better() {
    let server =
        Server::text(&(offering("AUTH LOGIN DIGEST-MD5") + LOGIN + WELCOME + SLOW_DELIVERY));
    user_call(&server).run();
    server.finish();
}

#[test]
fn the_old_form_of_the_offer_is_understood_in_any_case() {
    let server = Server::text(&(offering("auth=login plain") + PLAIN + WELCOME + SLOW_DELIVERY));
    user_call(&server).run();
    server.finish();
}

#[test]
fn nobody_is_authenticated_where_nobody_is_wanted() {
    let server = secure_server(&[WITHIN_TLS, DELIVERY]);
    let json = user_call(&server)
        .args(["--auth", "none", "--json"])
        .stdout_any()
        .run()
        .json();
    assert!(json["auth"].is_null());
    server.finish();
}

#[test]
fn nobody_is_authenticated_without_a_user() {
    let server = secure_server(&[WITHIN_TLS, DELIVERY]);
    call(&server).env("SMTPSEND_PASSWORD", "hunter2").run();
    server.finish();
}

#[test]
fn credentials_without_tls_connect_to_nobody() {
    let server = Server::unvisited();
    as_bench(clear_call(&server))
        .fails_with(77)
        .stderr_has("credentials are not sent without TLS")
        .stderr_has("--allow-cleartext-auth")
        .run();
    server.finish();
}

#[test]
fn credentials_go_in_clear_where_that_is_allowed() {
    let server = parts::server(&[
        &GROUPS.replace("8BITMIME", "AUTH PLAIN"),
        PLAIN,
        WELCOME,
        DELIVERY,
    ]);
    as_bench(clear_call(&server))
        .arg("--allow-cleartext-auth")
        .run();
    server.finish();
}

#[test]
fn allowing_cleartext_does_not_weaken_starttls() {
    let server = Server::text("S: 220 x\nC: EHLO *\nS: 250-x\nS: 250 AUTH PLAIN\nC: QUIT");
    user_call(&server)
        .arg("--allow-cleartext-auth")
        .fails_with(69)
        .stderr_has("STARTTLS not offered")
        .run();
    server.finish();
}

#[test]
fn a_password_in_utf8_and_a_long_one_arrive_as_they_are() {
    for password in ["pass w\u{f6}rd \u{1f511}".to_owned(), "x".repeat(4096)] {
        let server = secure_server(&[
            WITHIN_TLS,
            &format!(
                "C64: AUTH PLAIN \\0bench\\0{}\n",
                password.replace(' ', "\\s")
            ),
            WELCOME,
            DELIVERY,
        ]);
        call(&server)
            .args(["--user", "bench"])
            .env("SMTPSEND_PASSWORD", &password)
            .run();
        server.finish();
    }
}

#[test]
fn a_refusal_without_a_user_leads_to_one_where_auth_is_offered() {
    let server = parts::server(&[
        &offering("AUTH PLAIN"),
        "C: MAIL *\nS: 250 ok\nC: RCPT *\nS: 554 5.7.1 access denied\nC: QUIT",
    ]);
    call(&server)
        .fails_with(69)
        .stderr_has("hint: the server offers AUTH and no user is given")
        .run();
    server.finish();
}
