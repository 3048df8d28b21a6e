//! `smtpsend config`: what is shown of the settings, and what is not.

use crate::support::Smtpsend;

const FILE: &str = "server = [\"a.test\", \"b.test:465\"]\ntimeout = 7\njson = false\n\
    [profile.work]\nfrom = \"*@x.org\"\nuser = \"me\"\npassword = \"hunter2\"\n";

#[test]
fn each_value_is_shown_with_where_it_comes_from() {
    let call = Smtpsend::new().settings(FILE);
    let file = call.home().join(".config/smtpsend/config.toml");
    let at = |text: &str, line: u32| format!("{text}  # {}:{line}\n", file.display());
    call.args(["config", "show", "--deadline", "9"])
        .env("SMTPSEND_FROM", "a@x.org")
        .stdout_has(format!(
            "# settings files: {}\n# profile: work\n",
            file.display()
        ))
        .stdout_has(at("server = a.test, b.test:465", 1))
        .stdout_has(at("timeout = 7", 2))
        .stdout_has(at("json = off", 3))
        .stdout_has(at("user = me", 6))
        .stdout_has(at("password = ***", 7))
        .stdout_has("from = a@x.org  # SMTPSEND_FROM\n")
        .stdout_has("deadline = 9  # --deadline\n")
        .stdout_has("trust = webpki  # built in\n")
        .run();
}

#[test]
fn the_same_is_shown_as_json() {
    let output = Smtpsend::new()
        .settings(FILE)
        .args(["config", "show", "-p", "work", "--json"])
        .stdout_any()
        .run();
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["profile"], "work");
    let settings = shown["settings"].as_array().unwrap();
    let password = settings.iter().find(|line| line["name"] == "password");
    assert_eq!(password.unwrap()["value"], "***");
}

#[test]
fn no_secret_within_a_value_is_shown() {
    for (name, value, shown) in [
        ("password-command", "echo S3cret", "(echo)"),
        ("token-command", "TOKEN=S3cret agent", "(/bin/sh)"),
        ("password-command", "echo 'S3cret", "***"),
        ("proxy", "http://u:S3cret@h:1", "http://***@h:1"),
        ("proxy", "u:S3cret@h:1", "***@h:1"),
        ("proxy", "http:/u:S3cret@h", "***@h"),
        ("proxy", "socks5:/S3cret@h", "***@h"),
        ("proxy", "socks5://S3cret@h", "socks5://***@h"),
        ("server", "smtp://u:S3cret@h", "***@h"),
        ("server", "S3cret@h", "***@h"),
        ("server", "smtp://u@h", "smtp://u@h"),
    ] {
        for form in ["--no-json", "--json"] {
            let output = Smtpsend::new()
                .args(["config", "show", form])
                .args([format!("--{name}"), value.to_owned()])
                .stdout_has(shown)
                .run();
            assert!(!String::from_utf8_lossy(&output.stdout).contains("S3cret"));
        }
    }
}

#[test]
fn no_control_character_reaches_the_terminal() {
    Smtpsend::new()
        .args(["config", "show", "--user", "a\u{1b}[31mb"])
        .stdout_has("user = a[31mb  # --user\n")
        .run();
}

#[test]
fn the_path_is_that_of_the_users_file() {
    let call = Smtpsend::new().args(["config", "path"]);
    let path = call.home().join(".config/smtpsend/config.toml");
    call.stdout_is(format!("{}\n", path.display())).run();
    Smtpsend::new()
        .args(["config", "path", "--config", "/tmp/mine.toml"])
        .stdout_is("/tmp/mine.toml\n")
        .run();
    Smtpsend::new()
        .args(["config", "path"])
        .env("XDG_CONFIG_HOME", "/srv/xdg")
        .stdout_is("/srv/xdg/smtpsend/config.toml\n")
        .run();
}

#[test]
fn options_of_a_message_and_a_subcommand_exclude_each_other() {
    Smtpsend::new()
        .args(["--to", "b@x.org", "config", "show"])
        .fails_with(64)
        .stderr_has("hint: options stand behind the subcommand")
        .run();
    Smtpsend::new()
        .args(["config", "shwo"])
        .fails_with(64)
        .stderr_has("a similar subcommand exists: 'show'")
        .run();
}
