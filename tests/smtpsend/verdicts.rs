//! What single answers mean for a recipient: unknown or refused, for one or for all, and an empty message
//! where the server wants one for nobody.

use crate::parts::{self, GROUPS, LOCKSTEP, clear_call};

/// What RCPT refused with this reply comes to: the exit code.
fn refused_with(reply: &str, exit: i32) {
    let server = parts::server(&[
        LOCKSTEP,
        &format!("C: MAIL *\nS: 250 ok\nC: RCPT *\nS: {reply}\nC: QUIT"),
    ]);
    clear_call(&server)
        .fails_with(exit)
        .stderr_has(format!("RCPT <b@example.com>: {reply}"))
        .run();
    server.finish();
}

#[test]
fn a_recipient_is_unknown_by_its_enhanced_code_or_by_its_code() {
    for reply in [
        "550 no",
        "551 no",
        "553 no",
        "550 5.1.1 no",
        "554 5.1.2 no",
        "550 5.1.10 no",
    ] {
        refused_with(reply, 67);
    }
}

#[test]
fn a_recipient_refused_for_another_reason_is_not_unknown() {
    for reply in [
        "550 5.7.1 no",
        "554 no",
        "550 5.2.1 no",
        "571 no",
        "521 no",
        "500 no",
    ] {
        refused_with(reply, 69);
    }
}

#[test]
fn a_recipient_that_will_be_forwarded_or_cannot_be_verified_is_accepted() {
    for code in ["251", "252"] {
        let delivery = parts::SLOW_DELIVERY.replace("250 2.1.5", code);
        let server = parts::server(&[LOCKSTEP, &delivery]);
        clear_call(&server).run();
        server.finish();
    }
}

#[test]
fn mail_that_is_refused_is_refused_for_everybody() {
    for (reply, exit) in [("451 later", 75), ("550 no", 69), ("553 5.1.8 no", 69)] {
        let server = parts::server(&[
            GROUPS,
            &format!(
                "C: MAIL *\nC: RCPT *\nC: DATA\nS: {reply}\nS: 503 mail first\nS: 503 mail first\nC: QUIT"
            ),
        ]);
        clear_call(&server)
            .fails_with(exit)
            .stderr_has(format!("MAIL <a@example.com>: {reply}"))
            .run();
        server.finish();
    }
}

#[test]
fn data_that_is_refused_is_refused_for_those_accepted() {
    for (reply, exit) in [("451 later", 75), ("554 no", 69)] {
        let server = parts::server(&[
            GROUPS,
            &format!("C: MAIL *\nC: RCPT *\nC: DATA\nS: 250 ok\nS: 250 ok\nS: {reply}\nC: QUIT"),
        ]);
        clear_call(&server)
            .fails_with(exit)
            .stderr_has(format!("DATA: {reply}"))
            .run();
        server.finish();
    }
}

#[test]
fn a_server_that_wants_a_message_for_nobody_gets_an_empty_one() {
    let server = parts::server(&[
        GROUPS,
        "C: MAIL *\nC: RCPT *\nC: DATA\nS: 250 ok\nS: 550 no\nS: 354 go\nC: .\nS: 554 no recipients\nC: QUIT",
    ]);
    clear_call(&server)
        .fails_with(67)
        .stderr_has("550 no")
        .run();
    server.finish();
}

#[test]
fn an_empty_message_that_is_taken_counts_as_nothing() {
    let server = parts::server(&[
        GROUPS,
        "C: MAIL *\nC: RCPT *\nC: DATA\nS: 250 ok\nS: 450 no\nS: 354 go\nC: .\nS: 250 queued\nC: QUIT",
    ]);
    clear_call(&server)
        .fails_with(75)
        .stderr_has("450 no")
        .run();
    server.finish();
}

#[test]
fn not_an_octet_of_the_message_goes_where_mail_was_refused() {
    let server = parts::server(&[
        GROUPS,
        "C: MAIL *\nC: RCPT *\nC: DATA\nS: 550 no\nS: 250 ok\nS: 354 go\nEOF",
    ]);
    clear_call(&server)
        .fails_with(69)
        .stderr_has("MAIL <a@example.com>: 550 no")
        .run();
    server.finish();
}

#[test]
fn quiet_leaves_it_to_the_exit_code() {
    let server = parts::server(&[LOCKSTEP, "C: MAIL *\nS: 550 no\nC: QUIT"]);
    clear_call(&server).arg("--quiet").fails_with(69).run();
    server.finish();
}
