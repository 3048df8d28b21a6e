//! What becomes of each recipient, for every answer a server may give: the exit code, the words in
//! JSON, and what the server really got. No exit 0 with an undelivered recipient; nothing twice.

use std::fmt::Write as _;

use crate::parts::{self, GROUPS, LOCKSTEP, call_from, clear_call};
use crate::support::{Server, Smtpsend};

/// One cell of the table.
#[derive(Debug, Clone, Copy)]
struct Case {
    rcpt: [u16; 2],
    data: u16,
    pipelining: bool,
}

impl Case {
    fn all() -> Vec<Self> {
        let mut cases = Vec::new();
        for first in [250, 450, 550] {
            for second in [250, 450, 550] {
                for data in [250, 451, 554] {
                    for pipelining in [true, false] {
                        cases.push(Self {
                            rcpt: [first, second],
                            data,
                            pipelining,
                        });
                    }
                }
            }
        }
        cases
    }

    fn somebody(self) -> bool {
        self.rcpt.contains(&250)
    }

    /// The code each recipient ends with.
    fn codes(self) -> [u16; 2] {
        self.rcpt.map(|code| match (code, self.data) {
            (250, data) if data != 250 => data,
            (code, _) => code,
        })
    }

    fn dialogue(self) -> String {
        let [first, second] = self.rcpt.map(|code| format!("S: {code} rcpt\n"));
        let mut text = String::new();
        if self.pipelining {
            text += GROUPS;
            text += "C: MAIL FROM:<a@example.com>\nC: RCPT TO:<r0@example.com>\nC: RCPT TO:<r1@example.com>\nC: DATA\nS: 250 mail\n";
            text += &(first + &second);
            text += if self.somebody() {
                "S: 354 go\n"
            } else {
                "S: 503 nobody\n"
            };
        } else {
            text += LOCKSTEP;
            text += "C: MAIL FROM:<a@example.com>\nS: 250 mail\nC: RCPT TO:<r0@example.com>\n";
            text += &(first + "C: RCPT TO:<r1@example.com>\n" + &second);
            text += if self.somebody() {
                "C: DATA\nS: 354 go\n"
            } else {
                ""
            };
        }
        if self.somebody() {
            let _ = writeln!(text, "BODY\nS: {} data", self.data);
        }
        text + "C: QUIT\nS: 221 bye\n"
    }

    fn exit(self) -> i32 {
        let codes = self.codes();
        let any = |code: u16| codes.contains(&code);
        if codes == [250, 250] {
            0
        } else if any(450) || any(451) {
            75
        } else if any(554) {
            69
        } else {
            67
        }
    }

    fn status(self) -> &'static str {
        match (self.exit(), self.codes().contains(&250)) {
            (0, _) => "sent",
            (_, true) => "partial",
            (75, _) => "deferred",
            _ => "rejected",
        }
    }
}

#[test]
fn every_recipient_gets_the_verdict_the_server_gave() {
    let (list, _) = parts::recipients(2);
    for case in Case::all() {
        let server = Server::text(&case.dialogue());
        let output = call_from(Smtpsend::new().server(&server))
            .args(["--tls", "none", "--json", "--to", &list])
            .fails_with(case.exit())
            .stdout_any()
            .stderr_any()
            .run();
        let transcript = server.finish();
        assert_eq!(
            transcript.messages.len(),
            usize::from(case.somebody()),
            "{case:?}"
        );
        let json = output.json();
        assert_eq!(json["status"], case.status(), "{case:?}");
        assert_eq!(json["exit"], case.exit(), "{case:?}");
        assert_eq!(json["error"].is_null(), case.exit() == 0, "{case:?}");
        for (n, code) in case.codes().into_iter().enumerate() {
            let recipient = &json["recipients"][n];
            let status = match code / 100 {
                2 => "accepted",
                4 => "deferred",
                _ => "rejected",
            };
            assert_eq!(
                recipient["address"],
                format!("r{n}@example.com"),
                "{case:?}"
            );
            assert_eq!(recipient["status"], status, "{case:?}");
            assert_eq!(recipient["code"], code, "{case:?}");
        }
        let named = case
            .codes()
            .iter()
            .all(|&code| code == 250 || output.stderr().contains(&format!(": {code} ")));
        assert!(named, "{case:?}\n{}", output.stderr());
    }
}

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
