//! Handshakes, AUTH inside of them, and the certificates a client has to refuse.

use std::io::Write;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::client::{BODY, Client, GROUP, PLAIN};
use super::failures::complaint;
use super::support::certs::client_pem;
use super::support::{Certificate, Dialogue, Options, Server, tls};

#[test]
fn starttls_and_auth_make_eight_waits() {
    let server = Server::file("starttls-auth-pipelining");
    let mut client = Client::connect(&server);
    client.hear(&["220"]);
    client.ask("EHLO c.test\r\n", "250");
    client.ask("STARTTLS\r\n", "220");
    let mut client = client.start_tls();
    client.ask("EHLO c.test\r\n", "250");
    client.ask(PLAIN, "235");
    client.say(GROUP);
    client.hear(&["250", "250", "354"]);
    client.ask(BODY, "250");
    client.say("QUIT\r\n");
    drop(client);
    let transcript = server.finish();
    assert_eq!(transcript.waits, 8);
    assert_eq!(transcript.server_names, [Some("localhost".to_owned())]);
}

#[test]
fn a_pipelined_auth_saves_a_wait() {
    let server = Server::file("implicit-auth");
    let mut client = Client::connect(&server).start_tls();
    client.hear(&["220"]);
    client.ask("EHLO c.test\r\n", "250");
    client.say(&format!("{PLAIN}{GROUP}"));
    client.hear(&["235", "250", "250", "354"]);
    client.ask(BODY, "250");
    client.say("QUIT\r\n");
    drop(client);
    assert_eq!(server.finish().waits, 5);
}

#[test]
fn implicit_tls_is_an_option_of_any_dialogue() {
    let dialogue = Dialogue::text("S: 220 x\nC: QUIT\nS: 221 x");
    let server = Server::start([dialogue], Options::default().implicit_tls());
    let mut client = Client::connect(&server).start_tls();
    client.hear(&["220"]);
    client.ask("QUIT\r\n", "221");
    drop(client);
    assert_eq!(server.finish().waits, 2);
}

#[test]
fn login_is_asked_for_in_base64() {
    let server = Server::file("login");
    let mut client = Client::connect(&server);
    client.hear(&["220"]);
    client.ask("EHLO c.test\r\n", "250");
    client.ask("STARTTLS\r\n", "220");
    let mut client = client.start_tls();
    client.ask("EHLO c.test\r\n", "250");
    client.ask("AUTH LOGIN\r\n", "334");
    client.ask("YmVuY2g=\r\n", "334");
    client.ask("c2VjcmV0\r\n", "235");
    client.say(GROUP);
    client.hear(&["250", "250", "354"]);
    client.ask(BODY, "250");
    client.ask("QUIT\r\n", "221");
    drop(client);
    server.finish();
}

#[test]
fn every_bad_certificate_is_refused_for_its_own_reason() {
    let reasons = [
        (Certificate::Expired, "Expired"),
        (Certificate::NotYet, "NotValidYet"),
        (Certificate::WrongName, "NotValidForName"),
        (Certificate::SelfSigned, "UnknownIssuer"),
        (Certificate::OtherCa, "UnknownIssuer"),
        (Certificate::ClientOnly, "InvalidPurpose"),
        (Certificate::CnOnly, "NotValidForName"),
        (Certificate::CaLeaf, "EndEntityUsedAsCa"),
    ];
    for ((name, bad), (certificate, reason)) in Certificate::bad().zip(reasons) {
        assert_eq!(bad, certificate);
        for version in ["1.2", "1.3"] {
            let server = Server::text(&format!("TLSFAIL {name} {version}"));
            let mut client = Client::connect(&server).start_tls();
            let error = client.stream.get_mut().flush().unwrap_err();
            drop(client);
            server.finish();
            assert!(format!("{error:?}").contains(reason), "{name}: {error:?}");
        }
    }
}

#[test]
fn a_mutual_handshake_needs_a_client_certificate() {
    let server = Server::text("TLSFAIL mutual 1.2");
    let mut client = Client::connect(&server).start_tls();
    client.stream.get_mut().flush().unwrap_err();
    drop(client);
    server.finish();

    let server = Server::text("TLS mutual\nS: 220 x\nC: QUIT");
    let mut config = ClientConfig::clone(&tls::client_config());
    let (certificate, key) = client_pem();
    let certificate = CertificateDer::from_pem_file(certificate).unwrap();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let provider = rustls::crypto::ring::default_provider();
    let known = CertifiedKey::from_der(vec![certificate], key, &provider).unwrap();
    config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(known));
    let mut client = Client::connect(&server).start_tls_with(config);
    client.hear(&["220"]);
    client.say("QUIT\r\n");
    drop(client);
    server.finish();
}

#[test]
fn a_client_that_takes_a_certificate_it_should_refuse_fails() {
    let server = Server::text("TLSFAIL good");
    let mut client = Client::connect(&server).start_tls();
    client.say("EHLO c.test\r\n");
    client.hear_end();
    assert!(complaint(server).contains("EHLO c.test"));
}

#[test]
fn a_client_that_never_shakes_hands_has_not_refused() {
    let server = Server::text("TLSFAIL expired");
    drop(Client::connect(&server));
    assert!(complaint(server).contains("the client closed"));
    let server = Server::text("TLSFAIL expired");
    let mut client = Client::connect(&server);
    client.say("QUIT\r\n");
    client.hear_end();
    assert!(complaint(server).contains("a client that refuses"));
}
