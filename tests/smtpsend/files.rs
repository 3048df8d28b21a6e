//! Settings files: what counts where, which profile, who may read them, and what is wrong in them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::delivery::server;
use crate::settings::dry_run;
use crate::support::{Server, Smtpsend, ca_pem, write_privately};

/// What the plan is, with this file and these arguments.
fn plan(file: &str, with: impl FnOnce(Smtpsend) -> Smtpsend) -> String {
    let call = with(dry_run().settings(file));
    let output = call.stdout_any().stderr_any().run();
    String::from_utf8(output.stderr).unwrap()
}

#[track_caller]
pub(crate) fn goes_to(host: &str, file: &str, with: impl FnOnce(Smtpsend) -> Smtpsend) {
    let plan = plan(file, with);
    assert!(plan.contains(&format!("plan: {host}:587 ")), "{plan}");
}

#[test]
fn a_home_with_only_a_settings_file_is_enough() {
    let server = Server::file("starttls-auth-pipelining");
    Smtpsend::new()
        .settings(format!(
            "from = \"Alice <alice@example.com>\"\nserver = \"{}\"\nca-file = \"{}\"\n\
             user = \"bench\"\npassword = \"secret\"\n",
            server.addr(),
            ca_pem().display()
        ))
        .args(["--to", "bob@example.com"])
        .stdin("Hello\n")
        .run();
    let transcript = server.finish();
    let text = transcript.message().text();
    assert!(
        text.contains("From: Alice <alice@example.com>\r\n"),
        "{text}"
    );
}

#[test]
fn a_file_that_others_can_read_is_refused_and_the_chmod_named() {
    for mode in [0o644, 0o640, 0o602] {
        let call = dry_run().settings("server = \"m.test\"\n");
        let path = call.home().join(".config/smtpsend/config.toml");
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        call.fails_with(78)
            .stderr_has("others can read or write it")
            .stderr_has(format!("\nhint: chmod 600 {}\n", path.display()))
            .run();
    }
}

#[test]
fn what_is_wrong_in_a_file_is_told_with_its_line() {
    for (file, told) in [
        (
            "\nsever = \"m.test\"\n",
            ":2: there is no setting \"sever\"\nhint: did you mean server?\n",
        ),
        (
            "[profile.a]\nadresses = \"x\"\n",
            ":2: there is no setting \"adresses\"\nhint: did you mean addresses?\n",
        ),
        ("subject = \"x\"\n", ":1: there is no setting \"subject\"\n"),
        ("config = \"x\"\n", ":1: there is no setting \"config\"\n"),
        (
            "server = 1\n",
            ":1: server is a text in quotes, or an array of them\n",
        ),
        (
            "server = [1]\n",
            ":1: server is an array of texts in quotes\n",
        ),
        ("json = \"yes\"\n", ":1: json is true or false\n"),
        ("ca-file = true\n", ":1: ca-file is a text in quotes\n"),
        ("profile.a = 1\n", ":1: profile.a is no table\n"),
        (
            "[profile.a]\nprofile = \"b\"\n",
            ":2: there is no setting \"profile\"\n",
        ),
        ("server = \"a\"\nserver = \"b\"\n", ":2: duplicate key\n"),
        ("server = a\n", ":1: "),
        (
            "default-profile = \"b\"\n[profile.a]\n",
            ":1: default-profile: there is no profile \"b\"\nhint: there are: a\n",
        ),
        ("timeout = 0x10\n", ":1: timeout is written in decimal\n"),
        ("retry = 0b1_0\n", ":1: retry is written in decimal\n"),
        (
            "addresses = \"a@x.org\"\n",
            ":1: addresses does not stand at the top\nhint: it says whom a profile is for: put it below [profile.NAME]\n",
        ),
        (
            "[profile.a]\ndefault-profile = \"a\"\n",
            ":2: default-profile does not stand in a profile\nhint: put it at the top, before the first [profile.NAME]\n",
        ),
        (
            "default-profile = 5\n",
            ":1: default-profile is a text in quotes\n",
        ),
        (
            "profile = \"work\"\n",
            ":1: there is no setting \"profile\"\nhint: [profile.NAME] begins a profile, default-profile = \"NAME\" at the top chooses one\n",
        ),
        (
            "[[profile]]\nname = \"a\"\n",
            ":1: there is no setting \"profile\"\nhint: [profile.NAME] begins a profile, default-profile = \"NAME\" at the top chooses one\n",
        ),
        (
            "ca-file = \"~alice/ca.pem\"\n",
            ":1: the home of another, ~alice, is not looked up\nhint: ",
        ),
        (
            "from = \"*@x.org\"\n",
            ":1: from is one address here\nhint: *@… stands below [profile.NAME]\n",
        ),
        (
            "from = \"A <a@b.com>, c@d.com\"\n",
            ":1: from names more than one author\nhint: ",
        ),
        ("from = \"nobody\"\n", ":1: from: "),
        ("reply-to = \"nobody\"\n", ":1: reply-to: "),
        ("envelope-from = \"nobody\"\n", ":1: envelope-from: "),
        (
            "timeout = \"soon\"\n",
            ":1: timeout: \"soon\" is no number of seconds",
        ),
    ] {
        dry_run()
            .settings(file)
            .fails_with(78)
            .stderr_has(format!("/.config/smtpsend/config.toml{told}"))
            .run();
    }
}

#[test]
fn a_file_that_is_none_is_refused() {
    let call = dry_run().settings("");
    let path = call.home().join(".config/smtpsend/config.toml");
    fs::write(&path, b"server = \"\xff\"\n").unwrap();
    call.fails_with(78)
        .stderr_has("config.toml: not UTF-8\n")
        .run();
    dry_run()
        .settings("x".repeat((1 << 20) + 1))
        .fails_with(78)
        .stderr_has("too large to be a settings file")
        .run();
    let call = dry_run();
    fs::create_dir_all(call.home().join(".config/smtpsend/config.toml")).unwrap();
    call.fails_with(78).stderr_has("not a regular file").run();
    dry_run()
        .args(["--config", ""])
        .fails_with(64)
        .stderr_has(
            "--config: the name of the file is empty\nhint: leave --config out, or name a file; ",
        )
        .run();
    dry_run()
        .args(["--config", "/nonexistent.toml"])
        .fails_with(78)
        .stderr_has("--config: /nonexistent.toml: no such file\nhint: ")
        .run();
}

#[test]
fn flags_go_before_the_environment_and_that_before_files() {
    let file = "server = \"top.test\"\n[profile.a]\nserver = \"a.test\"\n";
    let with_profile = |call: Smtpsend| call.args(["-p", "a"]);
    goes_to("top.test", file, |call| call);
    goes_to("a.test", file, with_profile);
    goes_to("env.test", file, |call| {
        with_profile(call).env("SMTPSEND_SERVER", "env.test")
    });
    goes_to("flag.test", file, |call| {
        let call = with_profile(call).env("SMTPSEND_SERVER", "env.test");
        call.args(["-S", "flag.test"])
    });
}

#[test]
fn the_systems_file_comes_last_and_fills_what_is_missing() {
    let call = dry_run().settings("[profile.b]\nehlo = \"b.test\"\n");
    let system = call.home().join("system.toml");
    let text = "server = \"system.test\"\n[profile.a]\nserver = \"a.test\"\n[profile.b]\nserver = \"b.test\"\n";
    fs::write(&system, text).unwrap();
    fs::set_permissions(&system, Permissions::from_mode(0o644)).unwrap();
    for (profile, host) in [("a", "a.test"), ("b", "b.test")] {
        dry_run()
            .env("SMTPSEND_SYSTEM_CONFIG", &system)
            .args(["-p", profile])
            .stdout_any()
            .stderr_has(format!("plan: {host}:587 "))
            .run();
    }
    call.stdout_any().stderr_has("plan: system.test:587 ").run();
}

#[test]
fn a_systems_file_that_others_can_write_or_that_shows_a_password_is_refused() {
    for (mode, text, hint) in [
        (0o666, "server = \"m.test\"\n", "chmod go-w "),
        (0o644, "password = \"hunter2\"\n", "chmod o-r "),
    ] {
        let call = dry_run();
        let system = call.home().join("system.toml");
        fs::write(&system, text).unwrap();
        fs::set_permissions(&system, Permissions::from_mode(mode)).unwrap();
        call.fails_with(78)
            .stderr_has(format!("\nhint: {hint}"))
            .stderr_lacks("hunter2")
            .run();
    }
}

const PROFILES: &str = "server = \"none.test\"\n\
    [profile.exact]\nfrom = \"Alice <alice@x.org>\"\nserver = \"exact.test\"\n\
    [profile.domain]\nfrom = \"*@x.org\"\nserver = \"domain.test\"\n\
    [profile.more]\naddresses = [\"bob@x.org\", \"*@y.org\"]\nserver = \"more.test\"\n";

#[test]
fn the_from_address_chooses_the_profile() {
    for (from, host) in [
        ("alice@x.org", "exact.test"),
        ("Other Name <ALICE@X.ORG>", "exact.test"),
        ("bob@x.org", "more.test"),
        ("carol@x.org", "domain.test"),
        ("carol@y.org", "more.test"),
        ("carol@z.org", "none.test"),
    ] {
        goes_to(host, PROFILES, |call| call.args(["--from", from]));
        goes_to(host, PROFILES, |call| call.env("SMTPSEND_FROM", from));
        let message = format!("From: {from}\nSubject: x\n\nhi\n");
        goes_to(host, PROFILES, |call| call.stdin(message));
    }
}

#[test]
fn a_profile_that_is_named_goes_before_the_from_address() {
    goes_to("domain.test", PROFILES, |call| {
        call.args(["--profile", "domain", "--from", "alice@x.org"])
    });
    goes_to("domain.test", PROFILES, |call| {
        call.env("SMTPSEND_PROFILE", "domain")
            .stdin("From: alice@x.org\n\nhi\n")
    });
    dry_run()
        .settings(PROFILES)
        .args(["-p", "home"])
        .fails_with(64)
        .stderr_is(
            "smtpsend: --profile: there is no profile \"home\"\nhint: there are: domain, exact, more\n",
        )
        .run();
}

#[test]
fn without_a_match_the_default_profile_counts() {
    let file = format!("default-profile = \"domain\"\n{PROFILES}");
    goes_to("domain.test", &file, |call| {
        call.args(["--from", "x@z.org"])
    });
    goes_to("exact.test", &file, |call| {
        call.args(["--from", "alice@x.org"])
    });
    let file = "[profile.default]\nserver = \"default.test\"\n";
    goes_to("default.test", file, |call| call);
}

#[test]
fn the_profiles_from_is_the_author() {
    let server = server(&["8BITMIME"], 1);
    let file = format!(
        "[profile.a]\nfrom = \"Alice <alice@x.org>\"\nserver = \"{}\"\ntls = \"none\"\n",
        server.addr()
    );
    Smtpsend::new()
        .settings(file)
        .args(["-p", "a", "--to", "b@example.com", "--body", "x"])
        .run();
    let transcript = server.finish();
    assert_eq!(transcript.lines[1], "MAIL FROM:<alice@x.org>");
}

#[test]
fn a_switch_from_elsewhere_is_switched_off_by_its_opposite() {
    Smtpsend::new()
        .settings("json = true\n")
        .args(["--body", "x", "--to", "b@x.org", "--no-json"])
        .fails_with(78)
        .stderr_has("no server is set")
        .run();
    Smtpsend::new()
        .settings("quiet = true\n")
        .args(["--body", "x", "--to", "b@x.org"])
        .fails_with(78)
        .run();
    // The flag is stronger than the file.
    Smtpsend::new()
        .settings("quiet = true\n")
        .args(["--body", "x", "--to", "b@x.org", "-v"])
        .fails_with(78)
        .stderr_has("no server is set")
        .run();
}

#[test]
fn files_are_named_from_home_or_from_beside_the_settings() {
    for name in ["~/.config/smtpsend/secret", "secret"] {
        let server = Server::file("starttls-auth-pipelining");
        let call = Smtpsend::new().settings(format!(
            "server = \"{}\"\nca-file = \"{}\"\nuser = \"bench\"\npassword-file = \"{name}\"\n",
            server.addr(),
            ca_pem().display()
        ));
        write_privately(&call.home().join(".config/smtpsend/secret"), "secret\n");
        call.args(["--to", "b@x.org", "--body", "x"]).run();
        server.finish();
    }
}

#[test]
fn an_empty_text_counts_as_not_set() {
    let empty = "server = \"\"\nports = []\nca-file = \"\"\ntimeout = \"\"\njson = \"\"\nfrom = \"\"\n\
        password-command = \"\"\n";
    let file =
        format!("default-profile = \"\"\n{empty}[profile.default]\n{empty}addresses = \"\"\n");
    let plan = plan(&file, |call| call);
    assert!(plan.contains("plan: no server is set\n"), "{plan}");
}

#[test]
fn dev_null_is_no_file() {
    goes_to("system.test", "server = \"mine.test\"\n", |call| {
        let system = call.home().join("system.toml");
        fs::write(&system, "server = \"system.test\"\n").unwrap();
        call.env("SMTPSEND_SYSTEM_CONFIG", system)
            .args(["--config", "/dev/null"])
    });
    goes_to("mine.test", "server = \"mine.test\"\n", |call| {
        call.env("SMTPSEND_SYSTEM_CONFIG", "/dev/null")
    });
}

#[test]
fn the_home_itself_can_be_named() {
    let call = dry_run().settings("ca-file = \"~\"\ntimeout = 1_0\nserver = \"m.test\"\n");
    let home = call.home().display().to_string();
    call.fails_with(66)
        .stderr_has(format!(": ca-file: {home}/: "))
        .run();
}
