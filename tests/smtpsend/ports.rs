//! Which servers and ports are tried at all, and which never.

use crate::parts::call_from;
use crate::policy::{call, good};
use crate::support::{Server, Smtpsend, ca_pem, closed_port};

#[test]
fn several_servers_are_tried_in_order() {
    let (first, second) = (Server::text("S: 554 no\nC? QUIT"), good());
    call_from(Smtpsend::new())
        .args(["--to", "b@example.com", "--server"])
        .arg(format!(
            "127.0.0.1:{},localhost:{}",
            first.port(),
            second.port()
        ))
        .arg("--ca-file")
        .arg(ca_pem())
        .stderr_has(format!(
            "warning: 127.0.0.1:{}: greeting: 554 no",
            first.port()
        ))
        .run();
    first.finish();
    second.finish();
}

#[test]
fn a_server_whose_name_is_unknown_is_left_for_the_next() {
    let server = good();
    call_from(Smtpsend::new())
        .args(["--to", "b@example.com", "--server"])
        .arg(format!("nobody.invalid:587,localhost:{}", server.port()))
        .arg("--ca-file")
        .arg(ca_pem())
        .stderr_has("warning: nobody.invalid:587: host name nobody.invalid ")
        .run();
    server.finish();
}

#[test]
fn a_name_nobody_knows_is_told_from_a_server_nobody_reaches() {
    call_from(Smtpsend::new())
        .args(["--to", "b@example.com", "--server", "nobody.invalid"])
        .fails_with(68)
        .stderr_has("host name nobody.invalid is unknown")
        .run();
}

#[test]
fn where_nobody_listens_is_temporary_and_each_rung_is_named() {
    let ports = [closed_port(), closed_port()];
    let output = call(&[(ports[0], "starttls"), (ports[1], "implicit")])
        .fails_with(75)
        .stderr_has("hint: ")
        .run();
    for port in ports {
        let line = format!("smtpsend: localhost:{port}: 127.0.0.1: connection refused\n");
        assert_eq!(
            output.stderr().matches(&line).count(),
            1,
            "{}",
            output.stderr()
        );
    }
}

#[test]
fn port_25_is_never_connected_to() {
    for args in [
        &["--server", "127.0.0.1:25"][..],
        &["--server", "smtp://127.0.0.1:25"],
        &["--server", "smtps://127.0.0.1:25"],
        &["--server", "127.0.0.1", "--ports", "25"],
        &["--server", "127.0.0.1", "--ports", "587,25/starttls"],
        &["--server", "127.0.0.1:587,127.0.0.1:25"],
    ] {
        call_from(Smtpsend::new())
            .args(["--to", "b@example.com"])
            .args(args)
            .fails_with(78)
            .stderr_has("port 25 is for mail between servers")
            .stderr_has("587")
            .run();
    }
}

#[test]
fn a_list_that_names_port_25_among_others_visits_nobody() {
    let server = Server::unvisited();
    call(&[(server.port(), "starttls"), (25, "starttls")])
        .fails_with(78)
        .stderr_has("port 25")
        .run();
    server.finish();
}
