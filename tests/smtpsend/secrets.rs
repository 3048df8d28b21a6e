//! The sources of the password, their order, and that the password shows up nowhere.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::{Server, Smtpsend, closed_port, write_privately};

/// A server that knows bench by the password "secret".
fn server() -> Server {
    Server::file("starttls-auth-pipelining")
}

fn call(server: &Server) -> Smtpsend {
    Smtpsend::new()
        .server(server)
        .args(["--to", "b@x.org", "--body", "x", "-u", "bench"])
}

fn program(folder: &Path, script: &str) -> String {
    let path = folder.join("program");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_command_prints_the_password() {
    for command in [
        "printf 'secret\\nmore\\n'",
        "echo wrong | sed s/wrong/secret/",
    ] {
        let server = server();
        call(&server).args(["--password-command", command]).run();
        server.finish();
    }
}

#[test]
fn a_command_that_fails_is_told_with_its_status_and_its_words() {
    let folder = tempfile::tempdir().unwrap();
    for (script, code, status) in [
        ("echo no such key >&2; exit 3", 78, "exit status: 3"),
        ("echo no such key >&2; exit 75", 75, "exit status: 75"),
        ("echo no such key >&2; kill -9 $$", 78, "signal: 9"),
        ("echo no such key >&2", 78, "its first line is empty"),
    ] {
        let server = Server::unvisited();
        call(&server)
            .args(["--password-command", &program(folder.path(), script)])
            .fails_with(code)
            .stderr_has("no such key\n")
            .stderr_has("smtpsend: --password-command: ")
            .stderr_has(status)
            .run();
        server.finish();
    }
}

#[test]
fn a_command_sees_neither_the_password_in_its_environment_or_an_argument_nor_the_message() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let script = format!(
        "env > {0}; cat >> {0}; cat /proc/$PPID/cmdline /proc/$$/cmdline >> {0}; echo secret",
        seen.display()
    );
    let server = server();
    Smtpsend::new()
        .server(&server)
        .args(["--to", "b@x.org", "-u", "bench"])
        .args(["--password-command", &program(folder.path(), &script)])
        .env("SMTPSEND_PASSWORD", "hunter2")
        .stdin("the message\n")
        .run();
    server.finish();
    let seen = fs::read_to_string(seen).unwrap();
    assert!(
        !seen.contains("hunter2") && !seen.contains("message"),
        "{seen}"
    );
}

#[test]
fn a_descriptor_holds_the_password() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    write_privately(&folder.path().join("password"), "secret\n");
    let own = call(&server);
    let script = format!(
        "exec \"$0\" \"$@\" --password-fd 3 3< {}/password",
        folder.path().display()
    );
    own.through("sh", &["-c", &script]).run();
    server.finish();
}

#[test]
fn a_descriptor_that_is_not_open_or_is_wanted_for_the_message_is_refused() {
    for (number, code, told) in [
        ("9", 66, "--password-fd: "),
        ("two", 64, "--password-fd: "),
        ("1", 64, "standard output"),
    ] {
        let server = Server::unvisited();
        call(&server)
            .args(["--password-fd", number])
            .fails_with(code)
            .stderr_has(told)
            .run();
        server.finish();
    }
    let server = Server::unvisited();
    call(&server)
        .env("SMTPSEND_PASSWORD_FD", "x")
        .fails_with(78)
        .stderr_has("SMTPSEND_PASSWORD_FD: ")
        .run();
    server.finish();
    let server = Server::unvisited();
    Smtpsend::new()
        .server(&server)
        .args(["--to", "b@x.org", "-u", "bench", "--password-fd", "0"])
        .stdin("secret\n")
        .fails_with(64)
        .stderr_has("both read standard input\nhint: ")
        .run();
    server.finish();
}

#[test]
fn standard_input_may_hold_the_password_when_the_text_is_a_flag() {
    let server = server();
    call(&server)
        .args(["--password-fd", "0"])
        .stdin("secret\n")
        .run();
    server.finish();
}

#[test]
fn a_credential_of_the_service_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("smtpsend.password");
    fs::write(&path, "secret\n").unwrap();
    // An access list of systemd's shows as bits of the group.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
    let server = server();
    call(&server)
        .env("CREDENTIALS_DIRECTORY", folder.path())
        .arg("-v")
        .stderr_has("the password is from the credential smtpsend.password\n")
        .run();
    server.finish();
}

#[test]
fn netrc_has_the_password_of_the_host_and_the_user() {
    let text = "machine other.test login bench password wrong\n\
                machine localhost login alice password wrong\n\
                machine localhost login bench password secret\n";
    for mode in [0o600, 0o644] {
        let server = server();
        let call = Smtpsend::new()
            .args(["-S", &format!("localhost:{}", server.port())])
            .env("SMTPSEND_CA_FILE", crate::support::ca_pem())
            .args(["--to", "b@x.org", "--body", "x", "-u", "bench", "-v"]);
        let path = call.home().join(".netrc");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        if mode == 0o600 {
            call.stderr_has("the password is from ~/.netrc (machine localhost)\n")
                .run();
            server.finish();
        } else {
            drop(server);
            call.fails_with(78).stderr_has("chmod 600").run();
        }
    }
}

#[test]
fn netrc_is_asked_for_an_address_as_for_a_name() {
    let server = server();
    let call = call(&server).args(["-v"]);
    write_privately(
        &call.home().join(".netrc"),
        "machine 127.0.0.1 login bench password secret\n",
    );
    call.stderr_has("the password is from ~/.netrc (machine 127.0.0.1)\n")
        .run();
    server.finish();
}

#[test]
fn a_signal_that_ends_the_program_ends_the_command_and_what_that_started() {
    let start = std::time::Instant::now();
    // Without a terminal, wherever the tests run; all of them hold standard error.
    let output = std::process::Command::new("setsid")
        .arg(env!("CARGO_BIN_EXE_smtpsend"))
        .args(["-S", "127.0.0.1:1", "--to", "b@x.org", "--body", "x"])
        .args(["-u", "bench", "--password-command"])
        .arg("kill -TERM $PPID; sleep 60")
        .output()
        .unwrap();
    assert_eq!(output.status.signal(), Some(15), "{output:?}");
    assert!(start.elapsed() < std::time::Duration::from_secs(30));
}

#[test]
fn a_signal_that_the_caller_ignores_stays_ignored() {
    let server = server();
    let line = "kill -HUP $PPID; echo secret";
    let trapping = ["-c", "trap '' HUP; exec \"$@\"", "sh"];
    call(&server)
        .args(["--password-command", line])
        .through("sh", &trapping)
        .run();
    server.finish();
}

#[test]
fn a_password_for_one_host_is_not_given_to_a_list_of_them() {
    let call = Smtpsend::new()
        .args([
            "-S",
            &format!("localhost:{},127.0.0.1:{}", closed_port(), closed_port()),
        ])
        .args(["--to", "b@x.org", "--body", "x", "-u", "bench"]);
    write_privately(
        &call.home().join(".netrc"),
        "machine localhost login bench password secret\n",
    );
    call.fails_with(78)
        .stderr_has("no password for the user bench")
        .run();
}

#[test]
fn two_flags_that_name_the_password_contradict_each_other() {
    let server = Server::unvisited();
    call(&server)
        .args([
            "--password-file",
            "/etc/x",
            "--password-command",
            "cat /etc/x",
        ])
        .fails_with(64)
        .stderr_has("--password-file and --password-command both name the password\nhint: ")
        .run();
    server.finish();
}

#[test]
fn the_strongest_layer_that_names_a_source_wins() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("smtpsend.password"), "wrong\n").unwrap();
    let server = server();
    call(&server)
        .env("CREDENTIALS_DIRECTORY", folder.path())
        .settings("password = \"wrong\"\n[profile.a]\npassword-command = \"echo secret\"\n")
        .args(["-p", "a"])
        .run();
    server.finish();
    let server = self::server();
    call(&server)
        .settings("[profile.a]\npassword-command = \"echo wrong\"\n")
        .env("SMTPSEND_PASSWORD_COMMAND", "echo secret")
        .args(["-p", "a"])
        .run();
    server.finish();
}

/// A password that is nowhere by chance.
const CANARY: &str = "canary-Fr1tillary-7731";

#[test]
fn the_password_shows_up_nowhere() {
    let forms = [
        CANARY.to_owned(),
        STANDARD.encode(CANARY),
        STANDARD.encode(format!("\0bench\0{CANARY}")),
    ];
    let quoting = format!(
        "S: 220 mail.test\nC: EHLO *\nS: 250-mail.test\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS\n\
         C: EHLO *\nS: 250-mail.test\nS: 250 AUTH PLAIN\nC: AUTH PLAIN *\nS: 535 5.7.8 {CANARY} is wrong, {}\n\
         C? QUIT\nS: 221 bye\n",
        forms[2]
    );
    for output in ["-v", "--json"] {
        for source in ["environment", "file", "command", "settings"] {
            let server = Server::text(&quoting);
            let call = call(&server).arg(output);
            let path = call.home().join("canary");
            write_privately(&path, CANARY);
            let name = path.to_str().unwrap().to_owned();
            let call = match source {
                "environment" => call.env("SMTPSEND_PASSWORD", CANARY),
                "file" => call.args(["--password-file", &name]),
                "command" => call.args(["--password-command", &format!("cat {name}")]),
                _ => call.settings(format!("password = \"{CANARY}\"\n")),
            };
            let log = call.home().join("log");
            let call = call.arg("--log").arg(&log);
            let output = call.fails_with(77).stdout_any().stderr_any().run();
            let logged = fs::read(log).unwrap();
            let said = [output.stdout, output.stderr, logged].concat();
            let said = String::from_utf8(said).unwrap();
            for form in &forms {
                assert!(!said.contains(form), "{source}: {said}");
            }
            server.finish();
        }
    }
}
