//! What becomes of each recipient, for every answer a server may give, on every way the message may be
//! handed over: the exit code, the words in JSON, and what the server really got. No exit 0 with an
//! undelivered recipient; nothing twice.

use std::fmt::Write as _;

use crate::parts::{self, as_bench};
use crate::support::{Server, Smtpsend};

/// How the message is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// MAIL, RCPT and DATA, each after the reply to the one before.
    DataInTurn,
    /// MAIL, RCPT and DATA together, then the message.
    Data,
    /// The message by BDAT, together with its envelope.
    OneGroup,
    /// MAIL, RCPT and BDAT, each after the reply to the one before.
    BdatInTurn,
    /// MAIL and RCPT together, then a large message by BDAT.
    Large,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Auth {
    Nobody,
    /// PLAIN, which leads the group where there is one.
    Plain,
}

/// One cell of the table.
#[derive(Debug, Clone, Copy)]
struct Case {
    way: Way,
    auth: Auth,
    rcpt: [u16; 2],
    message: u16,
}

/// Every answer on this way.
fn cases(way: Way) -> Vec<Case> {
    let mut cases = Vec::new();
    for auth in [Auth::Nobody, Auth::Plain] {
        for first in [250, 450, 550] {
            for second in [250, 450, 550] {
                for message in [250, 451, 554] {
                    cases.push(Case {
                        way,
                        auth,
                        rcpt: [first, second],
                        message,
                    });
                }
            }
        }
    }
    cases
}

/// Commands with their replies: each after the one before, or all and then all.
fn exchange(in_turn: bool, steps: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (said, reply) in steps {
        let _ = writeln!(text, "{said}");
        if in_turn {
            let _ = writeln!(text, "S: {reply}");
        }
    }
    if !in_turn {
        for (_, reply) in steps {
            let _ = writeln!(text, "S: {reply}");
        }
    }
    text
}

impl Case {
    fn somebody(self) -> bool {
        self.rcpt.contains(&250)
    }

    /// The code each recipient ends with.
    fn codes(self) -> [u16; 2] {
        self.rcpt.map(|code| match (code, self.message) {
            (250, message) if message != 250 => message,
            (code, _) => code,
        })
    }

    fn dialogue(self) -> String {
        let in_turn = matches!(self.way, Way::DataInTurn | Way::BdatInTurn);
        let mut text = "S: 220 mail.test\nC: EHLO *\nS: 250-mail.test\n".to_owned();
        if !in_turn {
            text += "S: 250-PIPELINING\n";
        }
        if !matches!(self.way, Way::DataInTurn | Way::Data) {
            text += "S: 250-CHUNKING\n";
        }
        text += "S: 250 AUTH PLAIN\n";
        let mut steps = Vec::new();
        if self.auth == Auth::Plain {
            let auth = "C64: AUTH PLAIN \\0bench\\0hunter2";
            steps.push((auth, "235 welcome".to_owned()));
        }
        let [first, second] = self.rcpt.map(|code| format!("{code} rcpt"));
        steps.push(("C: MAIL FROM:<a@example.com>", "250 mail".to_owned()));
        steps.push(("C: RCPT TO:<r0@example.com>", first));
        steps.push(("C: RCPT TO:<r1@example.com>", second));
        let answer = format!("{} message", self.message);
        let nobody = || "503 nobody".to_owned();
        match (self.way, self.somebody()) {
            (Way::OneGroup, true) => steps.push(("BDAT", answer.clone())),
            (Way::OneGroup, false) => steps.push(("BDAT", nobody())),
            (Way::Data | Way::DataInTurn, true) => steps.push(("C: DATA", "354 go".to_owned())),
            (Way::Data, false) => steps.push(("C: DATA", nobody())),
            _ => {}
        }
        text += &exchange(in_turn, &steps);
        if self.somebody() {
            match self.way {
                Way::Data | Way::DataInTurn => text += &format!("BODY\nS: {answer}\n"),
                Way::Large | Way::BdatInTurn => text += &format!("BDAT\nS: {answer}\n"),
                Way::OneGroup => {}
            }
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

    /// Messages the server was given, accepted or not.
    fn given(self) -> usize {
        usize::from(self.somebody() || self.way == Way::OneGroup)
    }

    fn call(self, server: &Server) -> Smtpsend {
        let lines = if self.way == Way::Large { 1100 } else { 1 };
        let call = Smtpsend::new()
            .server(server)
            .args(["--tls", "none", "--json", "--from", "a@example.com"])
            .args(["--to", &parts::recipients(2).0])
            .stdin("a body of many lines, if it is large\n".repeat(lines));
        match self.auth {
            Auth::Nobody => call,
            Auth::Plain => as_bench(call).arg("--allow-cleartext-auth"),
        }
    }

    fn check(self) {
        let server = Server::text(&self.dialogue());
        let output = self
            .call(&server)
            .fails_with(self.exit())
            .stdout_any()
            .stderr_any()
            .run();
        let messages = server.finish().messages;
        assert_eq!(messages.len(), self.given(), "{self:?}");
        let end = "\r\na body of many lines, if it is large\r\n";
        assert!(messages.iter().all(|m| m.text().ends_with(end)), "{self:?}");
        let json = output.json();
        assert_eq!(json["status"], self.status(), "{self:?}");
        assert_eq!(json["exit"], self.exit(), "{self:?}");
        assert_eq!(json["error"].is_null(), self.exit() == 0, "{self:?}");
        let auth = (self.auth == Auth::Plain).then_some("PLAIN");
        assert_eq!(json["auth"].as_str(), auth, "{self:?}");
        let attempts = json["attempts"].as_array().map(Vec::len);
        assert_eq!(attempts, Some(1), "{self:?}");
        for (n, code) in self.codes().into_iter().enumerate() {
            let recipient = &json["recipients"][n];
            let status = match code / 100 {
                2 => "accepted",
                4 => "deferred",
                _ => "rejected",
            };
            let address = format!("r{n}@example.com");
            assert_eq!(recipient["address"], address, "{self:?}");
            assert_eq!(recipient["status"], status, "{self:?}");
            assert_eq!(recipient["code"], code, "{self:?}");
            let named = output.stderr().contains(&format!(": {code} "));
            assert!(code == 250 || named, "{self:?}\n{}", output.stderr());
        }
    }
}

/// Every recipient gets the verdict the server gave, whatever it answers on this way.
fn every_answer(way: Way) {
    cases(way).into_iter().for_each(Case::check);
}

#[test]
fn every_recipient_gets_its_verdict_by_data_in_turn() {
    every_answer(Way::DataInTurn);
}

#[test]
fn every_recipient_gets_its_verdict_by_data_in_a_group() {
    every_answer(Way::Data);
}

#[test]
fn every_recipient_gets_its_verdict_by_bdat_in_one_group() {
    every_answer(Way::OneGroup);
}

#[test]
fn every_recipient_gets_its_verdict_by_bdat_in_turn() {
    every_answer(Way::BdatInTurn);
}

#[test]
fn every_recipient_of_a_large_message_gets_its_verdict() {
    every_answer(Way::Large);
}
