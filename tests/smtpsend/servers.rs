//! How servers and ports are named, and that port 25 is never among them.

use crate::settings::{dry_run, variable};
use crate::support::Smtpsend;

#[test]
fn without_a_server_nothing_is_guessed() {
    for stdin in ["hello\n", "To: b@x.org\n\nhi\n"] {
        Smtpsend::new()
            .args(["--to", "b@x.org"])
            .stdin(stdin)
            .fails_with(78)
            .stderr_has("smtpsend: no server is set\nhint: ")
            .run();
    }
}

#[test]
fn port_25_is_refused_whoever_asks() {
    for (arg, value) in [
        ("-S", "m.test:25"),
        ("-S", "smtp://m.test:25"),
        ("-S", "smtps://me@m.test:25/"),
        ("-S", "other.test:587,m.test:25"),
        ("--ports", "25"),
        ("--ports", "587,25/starttls"),
    ] {
        let name = if arg == "-S" { "server" } else { "ports" };
        let by_flag = Smtpsend::new().args([arg, value]);
        let by_environment = Smtpsend::new().env(variable(name), value);
        for call in [by_flag, by_environment] {
            call.args(["--to", "b@x.org", "--body", "x"])
                .env("SMTPSEND_TLS", "")
                .fails_with(78)
                .stderr_has("port 25 ")
                .stderr_has("\nhint: use 587")
                .run();
        }
    }
}

#[test]
fn servers_are_named_in_many_ways() {
    for (server, plan) in [
        (
            "m.test",
            "m.test:587 starttls, m.test:2525 starttls, m.test:465 implicit",
        ),
        ("m.test:465", "m.test:465 implicit"),
        ("m.test:1025", "m.test:1025 starttls"),
        ("smtp://m.test:587/", "m.test:587 starttls"),
        ("SMTPS://m.test", "m.test:465 implicit"),
        ("smtps://me%40x.org@m.test:1465", "m.test:1465 implicit"),
        (
            "[::1]:587,192.0.2.1:465",
            "[::1]:587 starttls, 192.0.2.1:465 implicit",
        ),
        ("bücher.example:587", "xn--bcher-kva.example:587 starttls"),
    ] {
        let output = dry_run()
            .args(["-S", server])
            .stdout_any()
            .stderr_any()
            .run();
        let rungs = output.stderr().lines();
        let rungs: Vec<_> = rungs
            .filter_map(|line| line.strip_prefix("plan: "))
            .collect();
        assert_eq!(rungs.join(", "), plan, "{server}");
    }
}

#[test]
fn what_is_no_server_is_a_usage_error() {
    for server in [
        "",
        "http://m.test",
        "me@m.test",
        "smtp://",
        "m.test:",
        "m.test:0",
        "m.test:x",
        "a,,b",
        "smtp://m.test/x",
    ] {
        dry_run()
            .args(["-S", server])
            .fails_with(64)
            .stderr_has("smtpsend: --server: ")
            .run();
    }
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    for (name, code) in [("flag", 64), ("variable", 78)] {
        for (first, second) in [
            (("server", "smtps://m.test"), ("tls", "starttls")),
            (("server", "smtps://m.test"), ("tls", "none")),
            (("ports", "465/implicit"), ("tls", "starttls")),
        ] {
            let mut call = dry_run();
            for (setting, value) in [("server", "m.test"), first, second] {
                if setting == "server" && first.0 == "server" && value == "m.test" {
                    continue;
                }
                call = match name {
                    "flag" => call.arg(format!("--{setting}={value}")),
                    _ => call.env(variable(setting), value),
                };
            }
            call.fails_with(code).stderr_has("smtpsend: ").run();
        }
    }
}
