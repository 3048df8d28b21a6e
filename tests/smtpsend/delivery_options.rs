//! What is asked of a server beside delivery: notices (RFC 3461), TLS on the rest of the way (RFC 8689),
//! and parameters of MAIL that are written out.

use smtpsend::address::Address;
use smtpsend::envelope::{Envelope, Options, ReversePath};

use crate::delivery::{call, delivered_where};
use crate::letters::{letter, letters, plan, results, submit_all};
use crate::parts::{self, BEFORE_TLS, GROUPS, clear_call, secure_server};
use crate::settings::dry_run;
use crate::support::{Dialogue, Options as ServerOptions, Server, Smtpsend};

/// MAIL and the RCPT of each recipient, where the server offers this.
#[track_caller]
fn envelope(offers: &[&str], to: &[&str], args: &[&str]) -> Vec<String> {
    let delivery = delivered_where(offers, to.len(), |call| {
        call.args(["-f", "a@example.com", "--to", &to.join(", ")])
            .args(args.iter().copied())
            .stdin("hello\n")
    });
    delivery.lines[1..=1 + to.len()].to_vec()
}

/// The MAIL command to a server that offers DSN.
#[track_caller]
fn mail(args: &[&str]) -> String {
    envelope(&["DSN"], &["b@example.com"], args).swap_remove(0)
}

#[test]
fn notices_are_asked_for_with_each_recipient() {
    let to = ["b@example.com", "c+d=e@example.com"];
    assert_eq!(
        envelope(&["DSN"], &to, &["--dsn-notify", "delay,failure"]),
        [
            "MAIL FROM:<a@example.com>",
            "RCPT TO:<b@example.com> NOTIFY=FAILURE,DELAY ORCPT=rfc822;b@example.com",
            "RCPT TO:<c+d=e@example.com> NOTIFY=FAILURE,DELAY ORCPT=rfc822;c+2Bd+3De@example.com",
        ]
    );
    assert_eq!(
        envelope(&["dsn"], &["b@example.com"], &["--dsn-notify", "never"])[1],
        "RCPT TO:<b@example.com> NOTIFY=NEVER ORCPT=rfc822;b@example.com"
    );
}

#[test]
fn an_address_outside_ascii_is_named_in_its_own_type() {
    let offers = ["DSN", "8BITMIME", "SMTPUTF8"];
    let lines = envelope(
        &offers,
        &["j\u{f6}rg@example.com"],
        &["--dsn-notify", "success"],
    );
    assert_eq!(lines[0], "MAIL FROM:<a@example.com> SMTPUTF8");
    assert_eq!(
        lines[1],
        "RCPT TO:<j\u{f6}rg@example.com> NOTIFY=SUCCESS ORCPT=utf-8;j\u{f6}rg@example.com"
    );
}

#[test]
fn the_extent_and_the_name_of_notices_go_with_mail() {
    assert_eq!(
        mail(&["--dsn-return", "headers", "--dsn-id", "a b+c=d"]),
        "MAIL FROM:<a@example.com> RET=HDRS ENVID=a+20b+2Bc+3Dd"
    );
    assert_eq!(
        mail(&["--dsn-return", "FULL"]),
        "MAIL FROM:<a@example.com> RET=FULL"
    );
}

#[test]
fn without_dsn_it_is_sent_without_and_said_once() {
    let to = ["b@example.com", "c@example.com"];
    let delivery = delivered_where(&["SIZE"], 2, |call| {
        call.args(["-f", "a@example.com", "--to", &to.join(", ")])
            .args(["--dsn-notify", "never", "--dsn-return", "full"])
            .args(["--dsn-id", "x"])
            .stdin("hello\n")
            .stderr_is(
                "smtpsend: warning: the server cannot be asked for notices about delivery (DSN): \
                 sent without NOTIFY, RET, ENVID\n",
            )
    });
    assert!(delivery.lines[1].starts_with("MAIL FROM:<a@example.com> SIZE="));
    assert!(!delivery.lines[1].contains("RET"));
    assert_eq!(delivery.lines[2], "RCPT TO:<b@example.com>");
}

#[test]
fn the_settings_files_and_the_environment_can_ask_too() {
    let settings = "dsn-notify = [\"failure\", \"delay\"]\nmail-param = [\"A=1,2\", \"B\"]\n";
    let delivery = delivered_where(&["DSN"], 1, |call| {
        call.args(["-f", "a@example.com", "--to", "b@example.com"])
            .settings(settings)
            .env("SMTPSEND_DSN_RETURN", "headers")
            .stdin("hello\n")
    });
    assert_eq!(
        delivery.lines[1],
        "MAIL FROM:<a@example.com> RET=HDRS A=1,2 B"
    );
    assert!(delivery.lines[2].contains(" NOTIFY=FAILURE,DELAY "));
}

#[test]
fn written_parameters_go_to_any_server_as_they_are() {
    let args = ["--mail-param", "mt-Priority=3", "--mail-param", "X-FLAG"];
    assert_eq!(
        envelope(&[], &["b@example.com"], &args)[0],
        "MAIL FROM:<a@example.com> mt-Priority=3 X-FLAG"
    );
}

#[test]
fn a_refused_parameter_is_a_refusal_of_the_message() {
    let server = parts::server(&[
        GROUPS,
        "C: MAIL FROM:<a@example.com> X=1\nC: RCPT TO:<*>\nC: DATA\n\
         S: 555 5.5.4 unsupported option: X=1\nS: 503 no\nS: 503 no\nC: QUIT",
    ]);
    clear_call(&server)
        .args(["--mail-param", "X=1"])
        .fails_with(69)
        .stderr_has("unsupported option")
        .run();
    server.finish();
}

#[test]
fn what_contradicts_itself_is_told_before_connecting() {
    for (args, words) in [
        (&["--dsn-notify", "never,failure"][..], "stands alone"),
        (
            &["--dsn-notify", "never", "--dsn-notify", "delay"],
            "stands alone",
        ),
        (&["--dsn-id", ""], "empty"),
        (&["--dsn-id", "j\u{f6}rg"], "U+00F6"),
        (&["--mail-param", "BODY=8BITMIME"], "hint: it is told where"),
        (&["--mail-param", "envid=x"], "hint: use --dsn-id"),
        (&["--mail-param", "X", "--mail-param", "x=1"], "given twice"),
        (&["--mail-param", "X=a b=c=d"], "cannot be the value"),
    ] {
        let server = Server::unvisited();
        call(&server)
            .args(["--to", "b@example.com"])
            .args(args.iter().copied())
            .fails_with(64)
            .stderr_has(words)
            .run();
        server.finish();
    }
}

#[test]
fn a_dry_run_shows_what_is_asked() {
    dry_run()
        .args(["--dsn-notify", "delay,failure", "--dsn-return", "hdrs"])
        .args(["--dsn-id", "x y", "--require-tls", "--mail-param", "A=1"])
        .args(["--body", "x"])
        .stdout_any()
        .stderr_has(
            "option: dsn-notify failure,delay\noption: dsn-return headers\noption: dsn-id x y\n\
             option: require-tls\noption: mail-param A=1\n",
        )
        .run();
}

/// One message to a server that offers REQUIRETLS where its TLS allows it.
const PROMISED: &str = "\
C: EHLO *
S: 250-mail.test
S: 250-PIPELINING
S: 250 REQUIRETLS
C: MAIL FROM:<a@example.com> REQUIRETLS
C: RCPT TO:<b@example.com>
C: DATA
S: 250 ok
S: 250 ok
S: 354 go
BODY
S: 250 queued
C: QUIT
";

#[test]
fn required_tls_is_asked_for_where_it_is_offered_within_tls() {
    let server = secure_server(&[PROMISED]);
    parts::call(&server).arg("--require-tls").run();
    server.finish();
}

#[test]
fn without_the_promise_a_message_that_requires_tls_is_not_sent() {
    // What was offered before TLS does not count.
    let before = BEFORE_TLS.replace("250-mail.test", "250-mail.test\nS: 250-REQUIRETLS");
    let server = Server::text(&format!(
        "{before}TLS\nC: EHLO *\nS: 250-mail.test\nS: 250 PIPELINING\nC: QUIT\n"
    ));
    let output = parts::call(&server)
        .args(["--require-tls", "--json"])
        .fails_with(69)
        .stdout_any()
        .stderr_has("hint: leave out --require-tls")
        .run();
    let json = output.json();
    assert_eq!(
        (&json["error"]["kind"], &json["status"]),
        (&"tls".into(), &"failed".into())
    );
    assert!(json["server"]["port"].is_number());
    server.finish();
}

#[test]
fn no_other_server_is_tried_where_the_promise_is_missing() {
    let lacking = secure_server(&["C: EHLO *\nS: 250 mail.test\nC: QUIT\n"]);
    let other = Server::unvisited();
    let both = format!("{},{}", lacking.addr(), other.addr());
    parts::call_from(Smtpsend::new().args(["--server", &both]))
        .env("SMTPSEND_CA_FILE", crate::support::certs::ca_pem())
        .args(["--to", "b@example.com", "--require-tls"])
        .fails_with(69)
        .stderr_has("REQUIRETLS")
        .run();
    lacking.finish();
    other.finish();
}

#[test]
fn a_message_that_requires_tls_is_not_begun_in_clear() {
    let server = Server::unvisited();
    clear_call(&server)
        .args(["--require-tls", "--retry", "3"])
        .fails_with(69)
        .stderr_has("--tls none")
        .stderr_has("hint: ")
        .run();
    server.finish();
}

#[test]
fn of_many_messages_those_that_require_tls_are_not_sent_in_clear() {
    let mut three = letters(3);
    let (envelope, message) = three.remove(1);
    let options = Options {
        require_tls: true,
        ..Options::default()
    };
    three.insert(1, (envelope.with_options(options), message));
    let one = "C: MAIL FROM:<a@example.com>\nC: RCPT *\nC: DATA\n";
    let taken = "S: 250 ok\nS: 250 ok\nS: 354 go\n";
    let server = Server::text(&format!(
        "S: 220 x\nC: EHLO *\nS: 250-x\nS: 250 PIPELINING\n{one}{taken}BODY\n{one}S: 250 queued\n{taken}BODY\nS: 250 queued\nC: QUIT\n"
    ));
    let reports = submit_all(plan(server.port()), three);
    assert_eq!(
        results(&reports),
        [("sent", 0), ("failed", 69), ("sent", 0)]
    );
    server.finish();
}

#[test]
fn a_retry_asks_for_the_same() {
    let opening = GROUPS.replace("8BITMIME", "DSN");
    let first = "C: MAIL * ENVID=x\nC: RCPT *a0@* NOTIFY=NEVER ORCPT=*\nC: RCPT *b1@* NOTIFY=NEVER ORCPT=*\nC: DATA\n\
                 S: 250 ok\nS: 250 ok\nS: 451 later\nS: 354 go\nBODY\nS: 250 queued\nC: QUIT";
    let second = "C: MAIL * ENVID=x\nC: RCPT *b1@* NOTIFY=NEVER ORCPT=*\nC: DATA\n\
                  S: 250 ok\nS: 250 ok\nS: 354 go\nBODY\nS: 250 queued\nC: QUIT";
    let dialogues = [first, second].map(|part| Dialogue::text(&format!("{opening}{part}")));
    let server = Server::start(dialogues, ServerOptions::default());
    call(&server)
        .args([
            "-f",
            "a@example.com",
            "--to",
            "a0@example.com, b1@example.com",
        ])
        .args(["--dsn-notify", "never", "--dsn-id", "x", "--retry", "1"])
        .stdin("hello\n")
        .stderr_has("trying again")
        .run();
    server.finish();
}

#[test]
fn each_transaction_of_a_message_asks_for_the_same() {
    let offers =
        "S: 220 x\nC: EHLO *\nS: 250-x\nS: 250-DSN\nS: 250-PIPELINING\nS: 250 LIMITS RCPTMAX=1\n";
    let one = |name| {
        format!(
            "C: MAIL FROM:<a@example.com> RET=HDRS\nC: RCPT TO:<{name}@example.com> NOTIFY=DELAY ORCPT=rfc822;{name}@example.com\n\
             C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nBODY\nS: 250 queued\n"
        )
    };
    let server = Server::text(&format!("{offers}{}{}C: QUIT", one("b"), one("c")));
    let (envelope, message) = letter(0, &["b@example.com", "c@example.com"], "", 0);
    let options = Options {
        notify: Some("delay".parse().unwrap()),
        ret: Some("headers".parse().unwrap()),
        ..Options::default()
    };
    let reports = submit_all(
        plan(server.port()),
        vec![(envelope.with_options(options), message)],
    );
    assert_eq!(results(&reports), [("sent", 0)]);
    server.finish();
}

#[test]
fn the_longest_envelope_is_one_line_each() {
    // 64 octets of local part, 254 of address, 100 of identifier, each of them to be encoded.
    let domain = format!("{0}.{0}.{0}.example", "d".repeat(59));
    let address: Address = format!("{}@{domain}", "=".repeat(64)).parse().unwrap();
    let options = Options {
        notify: Some("success,failure,delay".parse().unwrap()),
        envid: Some("=".repeat(100).parse().unwrap()),
        ..Options::default()
    };
    let sender = ReversePath::from(address.clone());
    let envelope = Envelope::new(sender, vec![address]).unwrap();
    let (_, message) = letter(0, &["b@example.com"], "", 0);
    let server = crate::delivery::server(&["DSN", "SIZE"], 1);
    let reports = submit_all(
        plan(server.port()),
        vec![(envelope.with_options(options), message)],
    );
    assert_eq!(results(&reports), [("sent", 0)]);
    let lines = server.finish().lines;
    assert!(lines[1].ends_with(&format!(" ENVID={}", "+3D".repeat(100))));
    assert!(lines[2].ends_with(&format!(" ORCPT=rfc822;{}@{domain}", "+3D".repeat(64))));
}
