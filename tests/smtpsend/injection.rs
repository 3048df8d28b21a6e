//! No field that reaches a command takes a line end or another control character, wherever it
//! comes from.

use crate::delivery::call;
use crate::support::{Server, Smtpsend};

/// Told before anybody is connected to.
#[track_caller]
fn refused(with: impl FnOnce(Smtpsend) -> Smtpsend, code: i32, why: &str) {
    let server = Server::unvisited();
    with(call(&server)).fails_with(code).stderr_has(why).run();
    server.finish();
}

#[test]
fn no_control_character_reaches_a_command() {
    let fields = [
        ("--to", 65),
        ("--cc", 65),
        ("--bcc", 65),
        ("--from", 65),
        ("--reply-to", 65),
        ("--envelope-from", 65),
        ("--ehlo", 64),
        ("--user", 64),
        ("--auth", 64),
        ("--ports", 64),
        ("--tls", 64),
        ("--server", 64),
        ("--timeout", 64),
        ("--retry", 64),
        ("--dsn-notify", 64),
        ("--dsn-return", 64),
        ("--dsn-id", 64),
        ("--mail-param", 64),
        ("--charset", 64),
        ("--input", 64),
    ];
    for (flag, code) in fields {
        for control in ["\r\n", "\n", "\r", "\u{1}", "\u{1b}[2J", "\u{7f}", "\u{85}"] {
            let value = format!("a{control}b@x.org");
            let server = Server::unvisited();
            let program = Smtpsend::new();
            // The server is given here unless it is the field itself.
            let program = if flag == "--server" {
                program
            } else {
                program.arg("--server").arg(server.addr().to_string())
            };
            let output = program
                .args(["--to", "b@x.org", flag, &value])
                .env("SMTPSEND_PASSWORD", "secret")
                .fails_with(code)
                .stderr_has("smtpsend: ")
                .run();
            let text = output.stderr().replace('\n', "");
            assert!(!text.contains(char::is_control), "{flag}: {text:?}");
            server.finish();
        }
    }
}

#[test]
fn no_control_character_in_the_environment_reaches_a_command() {
    for (name, code) in [
        ("FROM", 65),
        ("ENVELOPE_FROM", 65),
        ("REPLY_TO", 65),
        ("EHLO", 78),
        ("USER", 78),
        ("AUTH", 78),
        ("PORTS", 78),
        ("CHARSET", 78),
    ] {
        for control in ["\r\n", "\n", "\r", "\u{1}", "\u{7f}", "\u{85}"] {
            let name = format!("SMTPSEND_{name}");
            let why = format!("smtpsend: {name}: ");
            let with = |call: Smtpsend| {
                call.args(["--to", "b@x.org"])
                    .env("SMTPSEND_PASSWORD", "secret")
                    .env(&name, format!("a{control}b@x.org"))
            };
            refused(with, code, &why);
        }
    }
}

#[test]
fn no_control_character_in_a_message_reaches_a_command() {
    for control in ["\r", "\0", "\u{1}", "\u{7f}", "\u{85}"] {
        let message = format!("To: a{control}b@x.org\n\nhi\n");
        refused(
            |call| call.args(["--input", "message"]).stdin(message),
            65,
            "smtpsend: ",
        );
    }
}
