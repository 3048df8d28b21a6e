//! Profiles of a settings file: whom they are for, and that all they say holds.

use crate::delivery::server;
use crate::support::Smtpsend;

/// A call with this file that fails, since no server is set.
fn lost(file: &str) -> Smtpsend {
    Smtpsend::new()
        .settings(file)
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
