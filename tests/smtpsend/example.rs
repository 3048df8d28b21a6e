//! The settings file among the examples cannot rot: it is read, with every setting that there is.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::Smtpsend;

fn example() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/config.toml")).unwrap()
}

/// The key of a line, commented out or not.
fn key(line: &str) -> Option<&str> {
    let (key, _) = line.trim_start_matches('#').split_once(" = ")?;
    key.chars()
        .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-')
        .then_some(key)
}

#[test]
fn it_is_read_as_it_is() {
    for (args, server) in [
        (["-p", "work"], "mail.work.example:465"),
        (["-f", "bob@work.example"], "mail.work.example:465"),
        (["-f", "bob@elsewhere.example"], "smtp.example.com:587"),
    ] {
        Smtpsend::new()
            .settings(example())
            .args(["-n", "--to", "b@x.org"])
            .args(args)
            .stdout_any()
            .stderr_has(format!("plan: {server} "))
            .run();
    }
}

#[test]
fn each_line_of_it_can_be_switched_on() {
    let top = example();
    let top = top.split("[profile.").next().unwrap();
    for line in top
        .lines()
        .filter(|line| line.starts_with('#') && key(line).is_some())
    {
        let call = Smtpsend::new()
            .settings(line.trim_start_matches('#'))
            .args(["config", "show"]);
        let name = key(line).unwrap();
        call.stdout_has(format!("\n{name} = ")).run();
    }
}

#[test]
fn each_line_about_programs_that_call_sendmail_can_be_switched_on() {
    let text = example();
    let (_, sendmail) = text.split_once("[sendmail]\n").unwrap();
    let (sendmail, _) = sendmail.split_once("[aliases]").unwrap();
    let lines: Vec<&str> = sendmail
        .lines()
        .filter(|line| key(line).is_some())
        .collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    for line in lines {
        let line = line.trim_start_matches('#');
        let call = Smtpsend::new()
            .settings(format!("[sendmail]\n{line}\n"))
            .args(["config", "show"]);
        let shown = format!("\nsendmail-{} = ", key(line).unwrap());
        call.stdout_has(shown).run();
    }
    Smtpsend::new()
        .settings(text)
        .args(["sendmail", "-bv", "postmaster"])
        .stdout_is("postmaster: alice@example.com, ops@example.com\n")
        .run();
}

#[test]
fn every_setting_stands_in_it() {
    let text = example();
    let shown: BTreeSet<&str> = text.lines().filter_map(key).collect();
    let help = Smtpsend::new().arg("--help").stdout_any().run();
    let help = help.stdout().to_owned();
    let mut missing: Vec<&str> = Vec::new();
    let mut settings = 0;
    let lines: Vec<&str> = help.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = line
            .trim_start()
            .split("--")
            .nth(1)
            .filter(|_| line.trim_start().starts_with('-'))
        else {
            continue;
        };
        let name = name.split([' ', '\n']).next().unwrap();
        let mut about = lines[at + 1..]
            .iter()
            .take_while(|line| !line.trim().is_empty());
        if about.any(|line| line.contains("[setting]")) {
            settings += 1;
            let only_typed = ["password-fd", "profile", "config"].contains(&name);
            if !only_typed && !shown.contains(name) {
                missing.push(name);
            }
        }
    }
    assert!(settings > 30, "{settings}");
    assert_eq!(missing, [""; 0]);
}
