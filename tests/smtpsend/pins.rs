//! TLS by pins, by another name and from a least version on.

use smtpsend::certificate::Pin;

use crate::parts::{BEFORE_TLS, DELIVERY, WITHIN_TLS, call, call_from, secure_server};
use crate::support::{Certificate, Server, Smtpsend, ca_pem, certs};

/// The pins of a certificate and of its public key.
fn pins(certificate: Certificate) -> [String; 2] {
    let der = certs::identity(certificate).der();
    let pins = [Pin::of_certificate(der), Pin::of_public_key(der).unwrap()];
    pins.map(|pin| pin.to_string())
}

/// `hello` over STARTTLS, with no authority named.
fn pinned_call(server: &Server, pin: &str) -> Smtpsend {
    let place = server.addr().to_string();
    call_from(Smtpsend::new()).args([
        "--to",
        "b@example.com",
        "--server",
        &place,
        "--tls-pin",
        pin,
    ])
}

#[test]
fn a_pin_is_enough_whatever_the_certificate_says() {
    for (name, certificate) in Certificate::bad() {
        for pin in pins(certificate) {
            let server = Server::text(&format!("{BEFORE_TLS}TLS {name}\n{WITHIN_TLS}{DELIVERY}"));
            pinned_call(&server, &pin).run();
            server.finish();
        }
    }
}

#[test]
fn any_of_several_pins_will_do() {
    let [other, _] = pins(Certificate::Expired);
    let [certificate, public_key] = pins(Certificate::Good);
    let spelt = public_key.to_uppercase();
    for list in [
        format!("{other},{certificate}"),
        format!("{other}, {spelt}"),
    ] {
        let server = secure_server(&[WITHIN_TLS, DELIVERY]);
        pinned_call(&server, &list).run();
        server.finish();
    }
    let server = secure_server(&[WITHIN_TLS, DELIVERY]);
    pinned_call(&server, &other)
        .args(["--tls-pin", &certificate])
        .run();
    server.finish();
}

#[test]
fn a_certificate_that_is_not_pinned_is_refused_although_its_authority_is_trusted() {
    let [wrong, _] = pins(Certificate::Expired);
    let [certificate, public_key] = pins(Certificate::Good);
    for authorities in [false, true] {
        let server = Server::text(&format!("{BEFORE_TLS}TLSFAIL"));
        let mut call = pinned_call(&server, &wrong);
        if authorities {
            call = call.arg("--ca-file").arg(ca_pem());
        }
        call.fails_with(69)
            .stderr_has(format!(
                "not the one that is pinned: its pin is {certificate}, its public key's {public_key}\n"
            ))
            .stderr_has("hint: nothing was sent; give the new pin with --tls-pin if")
            .run();
        server.finish();
    }
}

#[test]
fn a_pin_does_not_excuse_what_the_authorities_would_refuse() {
    let [pin, _] = pins(Certificate::Expired);
    let server = Server::text(&format!("{BEFORE_TLS}TLSFAIL expired"));
    pinned_call(&server, &pin)
        .arg("--ca-file")
        .arg(ca_pem())
        .fails_with(69)
        .stderr_has("expired on Thu, 31 Dec 2020")
        .stderr_has(
            "\nhint: its pin is right, but together with --ca-file or --trust both have to hold",
        )
        .run();
    server.finish();
    let [pin, _] = pins(Certificate::Good);
    let server = Server::text(&format!("{BEFORE_TLS}TLSFAIL"));
    pinned_call(&server, &pin)
        .args(["--trust", "webpki"])
        .fails_with(69)
        .stderr_has("which is not trusted")
        .run();
    server.finish();
}

#[test]
fn the_name_asked_for_and_verified_can_be_another_than_the_servers() {
    let server = secure_server(&[WITHIN_TLS, DELIVERY]);
    call(&server).args(["--tls-name", "mail.test"]).run();
    let names = server.finish().server_names;
    assert_eq!(names, [Some("mail.test".to_owned())]);
    let server = Server::text(&format!("{BEFORE_TLS}TLSFAIL"));
    call(&server)
        .args(["--tls-name", "other.test"])
        .fails_with(69)
        .stderr_has("not for other.test")
        .run();
    server.finish();
}

#[test]
fn a_server_that_speaks_tls_1_2_only_can_be_refused() {
    let server = Server::text(&format!("{BEFORE_TLS}TLSFAIL 1.2"));
    call(&server)
        .args(["--tls-min", "1.3"])
        .fails_with(69)
        .stderr_has("--tls-min 1.3 demands more")
        .run();
    server.finish();
    let server = Server::text(&format!("{BEFORE_TLS}TLS 1.3\n{WITHIN_TLS}{DELIVERY}"));
    call(&server).args(["--tls-min", "1.3"]).run();
    server.finish();
}

#[test]
fn what_is_wrong_in_these_settings_is_told_before_anything_is_connected() {
    for (flag, value, words) in [
        ("--tls-pin", "sha256:00", "\"sha256:00\" is no pin"),
        ("--tls-pin", "sha1:00", "\"sha1:00\" is no pin"),
        ("--tls-name", "a b", "\"a b\" is no host name"),
        ("--tls-min", "1.1", "\"1.1\" is neither 1.2 nor 1.3"),
    ] {
        let server = Server::unvisited();
        call(&server)
            .args([flag, value])
            .fails_with(64)
            .stderr_has(format!("{flag}: {words}"))
            .run();
        server.finish();
    }
}
