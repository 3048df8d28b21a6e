//! Help and usage errors, compared with files that are read in reviews. `UPDATE_SNAPSHOTS=1`
//! writes them anew.

use std::path::Path;

use crate::support::Smtpsend;

/// Compares with `tests/snapshots/NAME.txt`.
#[track_caller]
fn matches(name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let path = folder.join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "1") {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        text == expected,
        "not as in {} (UPDATE_SNAPSHOTS=1 accepts it):\n{text}",
        path.display()
    );
}

#[track_caller]
fn help(args: &[&str]) -> String {
    let call = Smtpsend::new().args(args.iter().copied()).stdout_any();
    call.run().stdout().to_owned()
}

#[track_caller]
fn usage_error(args: &[&str]) -> String {
    let call = Smtpsend::new().args(args.iter().copied()).fails_with(64);
    call.stderr_any().run().stderr().to_owned()
}

#[test]
fn short_help_is_as_reviewed() {
    matches("help-short", &help(&["-h"]));
}

#[test]
fn long_help_is_as_reviewed() {
    matches("help-long", &help(&["--help"]));
}

#[test]
fn the_help_of_each_subcommand_is_as_reviewed() {
    for name in ["check", "verify", "run", "merge"] {
        matches(&format!("help-{name}"), &help(&[name, "--help"]));
        let short = help(&[name, "-h"]);
        let all = help(&[name, "--help"]);
        assert!(short.lines().count() < all.lines().count());
    }
}

#[test]
fn the_help_of_the_sendmail_dialect_is_as_reviewed() {
    let text = help(&["sendmail", "--help"]);
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
    matches("help-sendmail", &text);
}

#[test]
fn help_goes_before_any_other_flag() {
    assert_eq!(help(&["--to", "bob", "--body", "x", "-h"]), help(&["-h"]));
}

#[test]
fn help_has_the_same_width_wherever_there_is_no_terminal() {
    let wide = help(&["--help"]);
    assert!(wide.lines().all(|line| line.chars().count() <= 100));
    let narrow = Smtpsend::new()
        .arg("--help")
        .env("COLUMNS", "60")
        .stdout_any()
        .run();
    assert_ne!(narrow.stdout(), wide, "COLUMNS is what a user asks for");
}

#[test]
fn help_names_every_exit_code() {
    for arg in ["-h", "--help"] {
        let text = help(&[arg]);
        for code in [
            "64", "65", "66", "67", "68", "69", "70", "74", "75", "76", "77", "78",
        ] {
            assert!(text.contains(code), "{arg}: {code}");
        }
    }
}

#[test]
fn version_is_one_line() {
    for arg in ["-V", "--version"] {
        assert_eq!(
            help(&[arg]),
            format!("smtpsend {}\n", env!("CARGO_PKG_VERSION"))
        );
    }
}

#[test]
fn usage_errors_are_as_reviewed() {
    let mut all = String::new();
    for args in [
        &["--subjct", "x"][..],
        &["--nonsense"],
        &["--to"],
        &["stray@x.org"],
        &["--body", "x", "--body-file", "y"],
        &["-q", "-v"],
        &["-n", "--json-lines"],
        &["--retry"],
        &["--attachment", "report.pdf"],
        &["--password", "hunter2"],
        &["-t", "-i"],
        &["--insecure"],
        &["-s", "two", "words"],
        &["-s", "-n", "--body", "x"],
        &[
            "merge",
            "letter.txt",
            "--data",
            "rows.csv",
            "--journal",
            "--dry-run",
        ],
        &["merge", "letter.txt", "rows.csv"],
        &["run", "--to", "b@x.org", "backup", "--full"],
        &["chekc"],
        &["--server", "x", "check"],
        &["check", "--to", "b@x.org"],
        &["check", "stray@x.org"],
        &["verify"],
    ] {
        all.push_str(&format!(
            "$ smtpsend {}\n{}\n",
            args.join(" "),
            usage_error(args)
        ));
    }
    matches("usage-errors", &all);
}

#[test]
fn a_mistyped_flag_is_guessed() {
    assert!(usage_error(&["--subjct", "x"]).contains("--subject"));
}

#[test]
fn a_bad_value_says_what_may_stand_there() {
    for (flag, bad, may) in [
        ("--tls", "ssl", "starttls"),
        ("--input", "file", "message"),
        ("--trust", "all", "webpki"),
        ("--auth", "digest", "PLAIN"),
        ("--timeout", "soon", "seconds"),
        ("--retry", "often", "number"),
        ("--retry", "-1", "number"),
        ("--timeout", "-1", "number"),
        ("--dsn-notify", "never,delay", "success,failure,delay"),
        ("--dsn-return", "body", "headers"),
        ("--mail-param", "ret=full", "--dsn-return"),
        (
            "--quit-after",
            "data",
            "connect, ehlo, tls, auth, mail, rcpt",
        ),
    ] {
        let text = usage_error(&["-n", "--to", "b@x.org", flag, bad]);
        assert!(text.contains(may), "{text}");
    }
}
