//! Who logs in: the strongest layer of settings says so, and a password is sent for nobody but its user.

use crate::support::{Server, Smtpsend};

/// A call whose settings file follows `%` for the server's name.
fn call(server: &Server, file: &str) -> Smtpsend {
    let file = file.replace('%', &server.addr().to_string());
    Smtpsend::new()
        .settings(format!(
            "tls = \"none\"\nallow-cleartext-auth = true\n{file}"
        ))
        .args(["--to", "b@x.org", "--body", "x"])
}

#[track_caller]
fn logs_in_as(
    user: &str,
    password: &str,
    file: &str,
    with: impl FnOnce(Smtpsend, &str) -> Smtpsend,
) {
    let server = Server::text(&format!(
        "S: 220 mail.test\nC: EHLO *\nS: 250-mail.test\nS: 250 AUTH PLAIN\n\
         C64: AUTH PLAIN \\0{user}\\0{password}\nS: 235 ok\nC: MAIL FROM:<*>\nS: 250 ok\n\
         C: RCPT TO:<*>\nS: 250 ok\nC: DATA\nS: 354 go\nBODY\nS: 250 ok\nC? QUIT\nS: 221 bye\n",
    ));
    with(call(&server, file), &server.addr().to_string()).run();
    server.finish();
}

#[track_caller]
fn has_no_password(user: &str, file: &str, with: impl FnOnce(Smtpsend) -> Smtpsend) {
    let unvisited = Server::unvisited();
    with(call(&unvisited, file))
        .fails_with(78)
        .stderr_has(format!("no password for the user {user}"))
        .run();
    unvisited.finish();
}

const ALICE: &str = "user = \"alice\"\npassword = \"a\"\nserver = \"%\"\n";

#[test]
fn a_user_in_a_server_counts_in_the_layer_of_the_server() {
    let as_carol = |call: Smtpsend, server: &str| {
        let call = call.args(["-S", &format!("smtp://carol@{server}")]);
        call.env("SMTPSEND_PASSWORD", "c")
    };
    logs_in_as("carol", "c", ALICE, as_carol);
    logs_in_as("dave", "c", ALICE, |call, server| {
        as_carol(call, server).args(["-u", "dave"])
    });
    let both = "server = \"smtp://carol@%\"\nuser = \"alice\"\npassword = \"a\"\n";
    logs_in_as("alice", "a", both, |call, _| call);
    logs_in_as("alice", "e", "server = \"smtp://carol@%\"\n", |call, _| {
        call.env("SMTPSEND_USER", "alice")
            .env("SMTPSEND_PASSWORD", "e")
    });
}

#[test]
fn a_password_beside_another_user_is_not_sent() {
    let file = format!("{ALICE}[profile.w]\nuser = \"walter\"\n");
    has_no_password("walter", &file, |call| call.args(["-p", "w"]));
    has_no_password("carol", ALICE, |call| call.args(["-u", "carol"]));
    has_no_password("carol", ALICE, |call| {
        call.env("SMTPSEND_USER", "dave")
            .env("SMTPSEND_PASSWORD", "d")
            .args(["-u", "carol"])
    });
    let in_server = "server = \"smtp://alice@%\"\npassword = \"a\"\n";
    has_no_password("carol", in_server, |call| call.args(["-u", "carol"]));
}

#[test]
fn a_password_beside_nobody_or_the_same_user_is_sent() {
    let nobodys = "password = \"p\"\nserver = \"%\"\n";
    logs_in_as("carol", "p", nobodys, |call, _| call.args(["-u", "carol"]));
    logs_in_as("carol", "e", ALICE, |call, _| {
        call.env("SMTPSEND_PASSWORD", "e").args(["-u", "carol"])
    });
    let file = format!("{ALICE}[profile.a]\nuser = \"alice\"\n");
    logs_in_as("alice", "a", &file, |call, _| call.args(["-p", "a"]));
}
