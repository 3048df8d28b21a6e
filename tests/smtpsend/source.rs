//! Where connections come from: an address of this machine, a version of IP.

use crate::parts::{DELIVERY, WITHIN_TLS, call, call_from, secure_server};
use crate::support::{Server, Smtpsend};

#[test]
fn an_address_of_this_machine_can_be_asked_for() {
    let server = secure_server(&[WITHIN_TLS, DELIVERY]);
    call(&server).args(["--bind", "::ffff:127.0.0.1"]).run();
    server.finish();
}

#[test]
fn an_address_of_another_machine_is_a_setting_that_is_wrong() {
    let server = Server::unvisited();
    call(&server)
        .args(["--bind", "192.0.2.1"])
        .fails_with(78)
        .stderr_has("cannot connect from 192.0.2.1: cannot assign requested address\n")
        .stderr_has("hint: --bind takes an address of this machine")
        .run();
    server.finish();
}

#[test]
fn only_one_version_of_ip_can_be_asked_for() {
    let server = secure_server(&[WITHIN_TLS, DELIVERY]);
    let place = format!("localhost:{}", server.port());
    call(&server).args(["--server", &place, "-4"]).run();
    server.finish();
    let server = Server::unvisited();
    for args in [&["-6"][..], &["--bind", "::1"]] {
        call(&server)
            .args(args)
            .fails_with(68)
            .stderr_has("127.0.0.1 has no IPv6 address\n")
            .run();
    }
    server.finish();
}

#[test]
fn a_flag_goes_before_a_variable_of_the_other_version() {
    let server = secure_server(&[WITHIN_TLS, DELIVERY]);
    call(&server).arg("-4").env("SMTPSEND_IPV6", "1").run();
    server.finish();
}

#[test]
fn contradictions_are_told_before_anything_is_connected() {
    for (args, exit, words) in [
        (
            &["-4", "-6"][..],
            64,
            "--ipv4 and --ipv6 contradict each other",
        ),
        (
            &["-4", "--bind", "::1"],
            64,
            "--bind: ::1 is no IPv4 address",
        ),
        (
            &["--bind", "localhost"],
            64,
            "--bind: \"localhost\" is no IP address",
        ),
        (
            &["--bind", "255.255.255.255"],
            64,
            "--bind: 255.255.255.255 is no address of one machine",
        ),
    ] {
        call_from(Smtpsend::new())
            .args(["--to", "b@example.com", "--server", "mail.test"])
            .args(args)
            .fails_with(exit)
            .stderr_has(words)
            .run();
    }
    call_from(Smtpsend::new())
        .args(["--to", "b@example.com", "--server", "mail.test"])
        .env("SMTPSEND_BIND", "::1")
        .env("SMTPSEND_IPV4", "yes")
        .fails_with(78)
        .stderr_has("smtpsend: SMTPSEND_BIND: ::1 is no IPv4 address")
        .run();
}
