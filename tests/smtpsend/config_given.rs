//! What flags and variables give to `smtpsend config init`, and how the file comes to be written.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::support::{Smtpsend, ca_pem, write_privately};

/// One that tries nothing.
fn init() -> Smtpsend {
    Smtpsend::new().args(["config", "init", "--no-check"])
}

/// The same with what it needs.
fn complete() -> Smtpsend {
    init().args(["-S", "mail.test", "-f", "a@b.com"])
}

fn file(home: &Path) -> PathBuf {
    home.join(".config/smtpsend/config.toml")
}

fn text(home: &Path) -> String {
    fs::read_to_string(file(home)).unwrap()
}

#[test]
fn profiles_that_are_added_at_the_same_time_are_all_there() {
    let call = complete().settings("retry = 3\n");
    let home = call.home().to_owned();
    let names = (0..12).map(|number| format!("p{number}"));
    std::thread::scope(|scope| {
        for name in names.clone() {
            let home = &home;
            scope.spawn(move || {
                complete()
                    .env("HOME", home)
                    .args(["-p", &name])
                    .stderr_any()
                    .run();
            });
        }
    });
    let text = text(&home);
    for name in names {
        assert!(text.contains(&format!("[profile.{name}]\n")), "{text}");
    }
    drop(call);
}

#[test]
fn what_variables_say_is_written_where_no_flag_does_and_secrets_stay_there() {
    let output = init()
        .env("SMTPSEND_SERVER", "h.test")
        .env("SMTPSEND_FROM", "a@b.com")
        .env("SMTPSEND_USER", "bob")
        .env("SMTPSEND_NO_CHUNKING", "yes")
        .env("SMTPSEND_TIMEOUT", "7")
        .env("SMTPSEND_PASSWORD", "hunter2")
        .env("SMTPSEND_PROXY", "http://me:hunter2@proxy.test")
        .args(["--timeout", "5"])
        .stderr_has("SMTPSEND_PASSWORD is not written down: later runs need it too\n")
        .stderr_has("SMTPSEND_PROXY is not written down: later runs need it too\n")
        .run();
    let expected = "from = \"a@b.com\"\nserver = \"h.test\"\ntimeout = \"5\"\nno-chunking = true\nuser = \"bob\"\n";
    assert_eq!(text(output.home.path()), expected);
}

#[test]
fn a_flag_that_names_the_password_leaves_the_weaker_ones_out() {
    let output = complete()
        .args(["-u", "bob", "--password-command", "pass mail"])
        .env("SMTPSEND_PASSWORD", "hunter2")
        .env("SMTPSEND_PASSWORD_FILE", "/pw")
        .stderr_any()
        .run();
    let text = text(output.home.path());
    assert!(
        text.contains("password-command = \"pass mail\"\n"),
        "{text}"
    );
    assert!(
        !text.contains("password-file") && !text.contains("hunter2"),
        "{text}"
    );
}

#[test]
fn names_of_files_are_written_whole() {
    let call = complete().env("SMTPSEND_PASSWORD_FILE", "pw");
    let folder = call.home().canonicalize().unwrap();
    fs::copy(ca_pem(), folder.join("c.pem")).unwrap();
    let output = call
        .folder(&folder)
        .args(["-u", "bob", "--ca-file", "c.pem"])
        .stderr_any()
        .run();
    let text = text(output.home.path());
    for (key, name) in [("ca-file", "c.pem"), ("password-file", "pw")] {
        let line = format!("{key} = \"{}\"\n", folder.join(name).display());
        assert!(text.contains(&line), "{text}");
    }
}

#[test]
fn what_is_wrong_with_a_flag_is_told_by_its_name() {
    for (flag, value, code) in [
        ("--timeout", "soon", 64),
        ("--tls", "some", 64),
        ("--input", "some", 64),
        ("--user", "a\tb", 64),
        ("--password-command", "'a", 64),
        ("--reply-to", "a@", 65),
        ("--from", "A <a@b.com>, c@d.com", 65),
    ] {
        let output = init()
            .env("SMTPSEND_FROM", "a@b.com")
            .args(["-S", "mail.test", flag, value])
            .fails_with(code)
            .stderr_has(format!("smtpsend: {flag}: "))
            .run();
        assert!(!output.home.path().join(".config").exists());
    }
    init()
        .env("SMTPSEND_TIMEOUT", "soon")
        .fails_with(78)
        .stderr_has("smtpsend: SMTPSEND_TIMEOUT: ")
        .run();
}

#[test]
fn a_file_that_is_broken_or_open_to_others_can_be_replaced() {
    for (broken, mode) in [("= ?\n", 0o600), ("retry = 3\n", 0o644)] {
        let call = complete().settings(broken).arg("--force");
        let path = file(call.home());
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let output = call.stderr_any().run();
        assert!(text(output.home.path()).starts_with("from = \"a@b.com\"\n"));
        let mode = fs::metadata(file(output.home.path()))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_pipe_is_no_settings_file_and_is_not_waited_for() {
    for args in [
        &["config", "show"][..],
        &["--to", "b@x.org", "--body", "x"],
        &[
            "config",
            "init",
            "--force",
            "-S",
            "m.test",
            "-f",
            "a@b.com",
            "--no-check",
        ],
    ] {
        let call = Smtpsend::new().args(args.iter().copied());
        let path = call.home().join("pipe");
        let made = std::process::Command::new("mkfifo")
            .arg("-m600")
            .arg(&path)
            .status();
        assert!(made.unwrap().success());
        call.arg("--config")
            .arg(&path)
            .fails_with(78)
            .stderr_has("pipe: not a regular file\n")
            .run();
    }
    let call = Smtpsend::new().args(["config", "import", "--deadline", "0.2", "-n", "pipe"]);
    let folder = call.home().to_owned();
    let made = std::process::Command::new("mkfifo")
        .arg(folder.join("pipe"))
        .status();
    assert!(made.unwrap().success());
    call.folder(folder)
        .fails_with(75)
        .stderr_has("pipe: did not end before the deadline\n")
        .run();
}

#[test]
fn a_link_stays_one_also_where_it_leads_to_nothing() {
    let call = complete();
    let home = call.home().to_owned();
    fs::create_dir_all(home.join(".config/smtpsend")).unwrap();
    symlink("../../dots/mail.toml", file(&home)).unwrap();
    let output = call.stderr_any().run();
    assert!(fs::symlink_metadata(file(&home)).unwrap().is_symlink());
    assert!(home.join("dots/mail.toml").is_file());
    complete()
        .env("HOME", &home)
        .arg("--force")
        .stderr_any()
        .run();
    assert!(fs::symlink_metadata(file(&home)).unwrap().is_symlink());
    drop(output);
}

#[test]
fn what_cannot_be_written_leaves_nothing_and_names_only_the_file() {
    let args = ["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"];
    let call = complete();
    let path = file(call.home());
    let output = call
        .through("sh", &args)
        .fails_with(74)
        .stderr_is(format!(
            "smtpsend: {}: File too large (os error 27)\n",
            path.display()
        ))
        .run();
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);
    drop(output);
}

#[test]
fn what_a_killed_run_has_left_is_removed_after_a_day() {
    let call = complete();
    let folder = call.home().join(".config/smtpsend");
    fs::create_dir_all(&folder).unwrap();
    let now = SystemTime::now();
    for (name, hours) in [
        (".smtpsend-unfinished-old", 25),
        (".smtpsend-unfinished-new", 23),
        ("mine", 99),
    ] {
        write_privately(&folder.join(name), "password = \"hunter2\"\n");
        let written = fs::File::options()
            .append(true)
            .open(folder.join(name))
            .unwrap();
        written
            .set_modified(now - Duration::from_secs(hours * 3600))
            .unwrap();
    }
    let output = call.stderr_any().run();
    let names = fs::read_dir(&folder).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".smtpsend-unfinished-new", "config.toml", "mine"]);
    drop(output);
}
