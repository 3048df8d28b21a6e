//! The README cannot rot: its commands are run, and its options and exit codes compared with the
//! program's own.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::staggering::Hole;
use crate::support::{Dialogue, Options, Server, Smtpsend, ca_pem};

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The blocks fenced with this language.
fn blocks(language: &str) -> Vec<String> {
    let readme = readme();
    let mut found = Vec::new();
    let mut lines = readme.lines();
    while let Some(line) = lines.next() {
        if line.strip_prefix("```") == Some(language) {
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            found.push(block.join("\n"));
        }
    }
    found
}

/// The template of a message per row.
fn template() -> String {
    let texts = blocks("text");
    let template = texts.into_iter().find(|text| text.contains("Attach:"));
    template.unwrap()
}

/// Runs a command line as the README's reader would, with the settings in the environment.
/// Gives back how many messages the server took.
fn run_by_shell(script: &str) -> usize {
    let server = Server::start(
        [Dialogue::file("starttls-auth-pipelining")],
        Options::default().every_connection(),
    );
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("msg.txt"), "The text.\n").unwrap();
    fs::write(folder.path().join("report.txt"), "All is well.\n").unwrap();
    fs::write(
        folder.path().join("addresses.txt"),
        "bob@example.com\ncarol@example.com\n",
    )
    .unwrap();
    fs::write(
        folder.path().join("msg.eml"),
        "From: a@example.com\nTo: b@example.com\n\nHello\n",
    )
    .unwrap();
    for (name, text) in [
        ("report.pdf", "%PDF-1.4\n"),
        ("data.csv", "a;b\n"),
        ("report.md", "# Report\n"),
        ("newsletter.html", "<img src=cid:logo.png>\n"),
        ("images/logo.png", "\u{89}PNG"),
        ("tickets/7.pdf", "%PDF-1.4\n"),
        ("guests.csv", "name,email,ticket\nBob,b@x.org,7\n"),
        ("invitation.txt", &template()),
        ("pg_dump", "#!/bin/sh\necho 'SELECT 1;'\n"),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::write(folder.path().join("backup"), "#!/bin/sh\necho saved\n").unwrap();
    fs::write(folder.path().join("failing"), "echo broken\nexit 1\n").unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_smtpsend")).parent().unwrap();
    // What a reader has besides, such as pg_dump, is a script of its folder.
    let script = &script.replace("pg_dump", "sh ./pg_dump");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-e", "-c", script])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", path)
        .env("HOME", folder.path())
        .env(
            "GIT_DIR",
            Path::new(env!("CARGO_MANIFEST_DIR")).join(".git"),
        )
        .env("SMTPSEND_SERVER", format!("localhost:{}", server.port()))
        .env("SMTPSEND_CA_FILE", ca_pem())
        .env("SMTPSEND_USER", "bench")
        .env("SMTPSEND_PASSWORD", "secret")
        .env("SMTPSEND_FROM", "Alice <alice@example.com>")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{said}");
    server.finish().messages.len()
}

#[test]
fn each_shell_command_sends() {
    let scripts = blocks("sh");
    assert!(scripts.len() >= 5, "{scripts:?}");
    for script in scripts {
        let expected = if script.contains("addresses.txt") {
            2
        } else {
            1
        };
        // One message at once, and the one that was queued.
        let expected = expected + usize::from(script.contains("smtpsend queue run"));
        assert_eq!(run_by_shell(&script), expected, "{script}");
    }
}

#[test]
fn the_cron_job_mails_its_failure() {
    let jobs = blocks("crontab").join("\n");
    let mut jobs = jobs.lines().filter(|line| line.contains("/smtpsend "));
    let (job, other) = (jobs.next().unwrap(), jobs.next());
    assert_eq!(other, None);
    let command = job.splitn(6, ' ').nth(5).unwrap();
    let command = command.replace("/usr/local/bin/backup", "sh ./failing");
    let command = command.replace("/usr/local/bin/", "");
    let script = format!("MAILTO=ops@example.com {command} || test $? = 1");
    assert_eq!(run_by_shell(&script), 1, "{job}");
}

#[test]
fn the_ci_step_sends() {
    let step = blocks("yaml").concat();
    let command = step
        .lines()
        .find(|line| line.contains("| smtpsend"))
        .unwrap();
    assert_eq!(run_by_shell(command.trim()), 1);
}

#[test]
fn the_php_setting_sends_what_mail_hands_over() {
    let settings = blocks("ini").concat();
    let line = settings
        .lines()
        .find(|line| line.starts_with("sendmail_path"))
        .unwrap();
    let command = line
        .split('"')
        .nth(1)
        .unwrap()
        .replace("/usr/local/bin/", "")
        .replace(" --server smtp.example.com --user alice@example.com --password-file /etc/smtp-password", "");
    let script = format!(
        "printf 'To: b@example.com\\nSubject: x\\nX-PHP-Originating-Script: 0:a.php\\n\\nHello' | {command}"
    );
    assert_eq!(run_by_shell(&script), 1);
}

#[test]
fn the_systemd_service_sends() {
    let settings = blocks("ini").concat();
    let line = settings
        .lines()
        .find(|line| line.starts_with("ExecStart="))
        .unwrap();
    let command = line.split('\'').nth(1).unwrap();
    let command = command
        .replace("systemctl status --full \"%i\"", "echo failed")
        .replace('%', "")
        .replace("/usr/local/bin/", "");
    assert_eq!(run_by_shell(&command), 1);
}

#[test]
fn the_settings_for_sendmail_say_where_mail_for_root_goes() {
    Smtpsend::new()
        .settings(blocks("toml").concat())
        .args(["sendmail", "-bv", "root", "www-data"])
        .stdout_is("root: ops@example.com, carol@example.com\nwww-data: www-data@example.com\n")
        .run();
}

/// What follows this command in a block of commands with what they print.
fn printed_by(command: &str) -> String {
    let prompt = format!("$ {command}\n");
    let block = blocks("console").into_iter();
    let mut found = block.filter_map(|block| Some(block.strip_prefix(&prompt)?.to_owned() + "\n"));
    found.next().unwrap()
}

#[test]
fn a_check_prints_what_the_readme_shows() {
    let (hole, server) = (
        Hole::new(),
        Server::text(
            "TLS\nS: 220 smtp.example.com ESMTP\nC: EHLO *\nS: 250-x\nS: 250-PIPELINING\nS: 250-SIZE 52428800\n\
             S: 250-8BITMIME\nS: 250 AUTH PLAIN LOGIN\nC: AUTH PLAIN *\nS: 235 ok\nC: QUIT\n",
        ),
    );
    let (closed, open) = (hole.address().port(), server.port());
    let output = Smtpsend::new()
        .args(["check", "--server", "localhost"])
        .args(["--ports", &format!("{closed}/starttls,{open}/implicit")])
        .env("SMTPSEND_CONNECT_TIMEOUT", "0.5")
        .env("SMTPSEND_CA_FILE", ca_pem())
        .env("SMTPSEND_USER", "alice@example.com")
        .env("SMTPSEND_PASSWORD", "secret")
        .stdout_any()
        .run();
    let shown = printed_by("smtpsend check")
        .replace("smtp.example.com:587", &format!("localhost:{closed}"))
        .replace("smtp.example.com:465", &format!("localhost:{open}"))
        .replace("10 s", "0.5 s");
    let shown = shown.lines().collect::<Vec<_>>();
    let lines = output.stdout().lines().collect::<Vec<_>>();
    assert_eq!(shown.len(), lines.len(), "{}", output.stdout());
    // What differs from one server to another.
    let facts = ["addresses", "connected", "TLS", "certificate", ""];
    for (shown, line) in shown.into_iter().zip(lines) {
        let label = |text: &str| text.get(2..15).map(|label| label.trim().to_owned());
        if shown.starts_with("  ") && facts.contains(&label(shown).unwrap().as_str()) {
            assert_eq!(label(line), label(shown), "{line}");
        } else if shown.starts_with("use: ") {
            assert_eq!(
                line,
                format!("use: --server localhost:{open} --tls implicit")
            );
        } else {
            assert_eq!(line, shown);
        }
    }
    server.finish();
}

#[test]
fn an_address_is_asked_about_as_the_readme_shows() {
    let server = Server::text(
        "S: 220 x\nC: EHLO *\nS: 250 x\nC: VRFY bob@example.com\nS: 252 2.0.0 bob@example.com\nC: QUIT\n",
    );
    let command = "smtpsend verify bob@example.com";
    Smtpsend::new()
        .args(command.split(' ').skip(1))
        .server(&server)
        .args(["--tls", "none"])
        .stdout_is(printed_by(command))
        .run();
    server.finish();
}

#[test]
fn what_is_installed_beside_the_program_is_printed() {
    let lines = blocks("console").concat();
    let prompts = lines
        .lines()
        .filter_map(|line| line.split_once("$ smtpsend "));
    let commands = prompts.filter_map(|(_, rest)| rest.split_once(" | sudo tee "));
    let commands: Vec<&str> = commands.map(|(command, _)| command).collect();
    assert_eq!(commands, ["man", "completions bash"]);
    for command in commands {
        Smtpsend::new()
            .args(command.split(' '))
            .stdout_has("smtpsend")
            .run();
    }
}

#[test]
fn every_option_the_readme_names_exists() {
    let mut known = BTreeSet::new();
    for subcommand in [
        None,
        Some("check"),
        Some("verify"),
        Some("run"),
        Some("merge"),
    ] {
        let call = Smtpsend::new().args(subcommand).arg("--help");
        known.extend(options(call.stdout_any().run().stdout()));
    }
    // The one that is named because it does not exist, and those of cargo, of other programs and of the benchmark.
    let others = [
        "--password",
        "--example",
        "--path",
        "--open",
        "--since",
        "--stat",
        "--full",
        "--attachment",
        "--only",
    ];
    for option in options(&readme()) {
        assert!(
            known.contains(&option) || others.contains(&option.as_str()),
            "{option} is not in --help"
        );
    }
}

#[test]
fn the_exit_codes_are_those_of_the_help() {
    let help = Smtpsend::new().arg("--help").stdout_any().run();
    let rows = readme()
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            Some((
                cells.next()?.parse::<u8>().ok()?,
                cells.next()?.trim_end_matches(" |").to_owned(),
            ))
        })
        .collect::<Vec<_>>();
    assert_eq!(rows.len(), 14);
    for (code, meaning) in rows {
        let line = format!("{code:>4}  {meaning}");
        assert!(
            help.stdout().lines().any(|l| l.trim() == line.trim()),
            "{line}"
        );
    }
}

/// The long options in a text.
fn options(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .filter(|word| word.len() > 3 && word.starts_with("--") && !word.starts_with("---"))
        .map(str::to_owned)
        .collect()
}
