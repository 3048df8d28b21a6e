//! Profiles of a settings file: whom they are for, and that all they say holds.

use std::fs;

use crate::delivery::server;
use crate::files::goes_to;
use crate::settings::dry_run;
use crate::support::Smtpsend;

/// A call with this file that fails, since no server is set.
fn lost(file: &str) -> Smtpsend {
    Smtpsend::new()
        .settings(file)
        .env("SMTPSEND_DISCOVER", "never")
        .args(["--to", "b@x.org"])
        .fails_with(78)
}

#[test]
fn a_profile_says_how_much_is_told_and_in_which_form() {
    let work = "[profile.work]\nfrom = \"me@x.org\"\n";
    let by_message = |call: Smtpsend| call.stdin("From: me@x.org\n\nhi\n");
    let by_name = |call: Smtpsend| call.args(["-p", "work", "--body", "x"]);
    let chosen: [&dyn Fn(Smtpsend) -> Smtpsend; 2] = [&by_message, &by_name];
    for with in chosen {
        with(lost(&format!("{work}quiet = true\n"))).run();
        with(lost(&format!("{work}json = true\nquiet = true\n")))
            .stdout_has("\"message\":\"no server is set")
            .run();
        with(lost(&format!("json = true\n{work}json = false\n")))
            .stderr_has("no server is set")
            .run();
        with(lost(&format!("quiet = true\n{work}quiet = false\n")))
            .stderr_has("no server is set")
            .run();
    }
}

#[test]
fn a_profile_shows_the_dialogue() {
    let server = server(&["8BITMIME"], 1);
    Smtpsend::new()
        .settings(format!(
            "[profile.work]\nverbose = true\nserver = \"{}\"\ntls = \"none\"\n",
            server.addr()
        ))
        .args(["-p", "work", "--to", "b@example.com", "--body", "x"])
        .stderr_has("C: MAIL FROM:")
        .run();
    server.finish();
}

#[test]
fn what_is_wrong_before_a_profile_is_chosen_is_told_as_the_environment_says() {
    for (file, args) in [
        ("", ["-p", "nobody"]),
        ("sever = \"m.test\"\n", ["--body", "x"]),
    ] {
        let call = Smtpsend::new().settings(file).args(args);
        let call = call.args(["--to", "b@x.org"]).env("SMTPSEND_JSON", "1");
        let code = if file.is_empty() { 64 } else { 78 };
        call.fails_with(code)
            .stdout_has("\"status\":\"failed\"")
            .stderr_any()
            .run();
    }
}

#[test]
fn a_subcommand_heeds_the_profile_too() {
    Smtpsend::new()
        .settings("json = true\n[profile.default]\njson = false\n")
        .args(["config", "show"])
        .stdout_has("json = off")
        .run();
    Smtpsend::new()
        .settings("[profile.default]\nquiet = true\n")
        .arg("check")
        .fails_with(78)
        .run();
}

#[test]
fn a_list_and_an_international_domain_are_understood() {
    for addresses in [
        "addresses = \"*@x.org, *@bücher.example, Bob <bob@y.org>\"",
        "addresses = [\"*@x.org\", \"*@Bücher.example,bob@y.org\"]",
        "from = \"*@x.org, *@xn--bcher-kva.example\"\naddresses = \"bob@y.org\"",
    ] {
        let file =
            format!("server = \"none.test\"\n[profile.a]\n{addresses}\nserver = \"a.test\"\n");
        for (from, host) in [
            ("me@X.org", "a.test"),
            ("me@bücher.example", "a.test"),
            ("bob@y.org", "a.test"),
            ("me@y.org", "none.test"),
        ] {
            goes_to(host, &file, |call| call.args(["--from", from]));
        }
    }
}

#[test]
fn what_is_no_pattern_is_told_with_its_line() {
    for (pattern, told) in [
        ("@x.com", ""),
        ("x.com", ""),
        ("*", ""),
        ("*@*.x.com", ""),
        ("bob@", ""),
        ("garbage <<<", ""),
        (
            "bob*@x.com",
            "\"bob*@x.com\": * stands for all before the @",
        ),
    ] {
        for key in ["from", "addresses"] {
            dry_run()
                .settings(format!("[profile.a]\n{key} = \"{pattern}\"\n"))
                .fails_with(78)
                .stderr_has(format!("/.config/smtpsend/config.toml:2: {key}: {told}"))
                .stderr_has("\nhint: an address, or *@example.org for all there\n")
                .run();
        }
    }
}

#[test]
fn the_default_profile_of_ones_own_file_goes_before_the_systems() {
    let call = dry_run().settings("[profile.default]\nserver = \"mine.test\"\n");
    let system = call.home().join("system.toml");
    let text = "default-profile = \"all\"\n[profile.all]\nserver = \"all.test\"\n";
    fs::write(&system, text).unwrap();
    call.env("SMTPSEND_SYSTEM_CONFIG", &system)
        .stdout_any()
        .stderr_has("plan: mine.test:587 ")
        .run();
}
