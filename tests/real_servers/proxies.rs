//! Delivery through real proxies, SOCKS 5 and HTTP, with and without a user.

use crate::client::Security;
use crate::server::{Recipe, Scene};

/// What the proxy's log has to say of a server that was asked for by this name and port.
type Logged = fn(u16) -> String;

const SOCKS: (Recipe, &str, Logged) = (Recipe::Microsocks, "socks5", |port| {
    format!("connected to localhost:{port}")
});
const HTTP: (Recipe, &str, Logged) = (Recipe::Tinyproxy, "http", |port| {
    format!("CONNECT localhost:{port} HTTP/1.1")
});

#[test]
fn socks_leads_to_the_server_by_its_name() {
    delivers_through(SOCKS, "");
}

#[test]
fn socks_with_a_user_leads_to_the_server() {
    delivers_through(SOCKS, "bench:secret@");
}

#[test]
fn http_leads_to_the_server_by_its_name() {
    delivers_through(HTTP, "");
}

#[test]
fn http_with_a_user_leads_to_the_server() {
    delivers_through(HTTP, "bench:secret@");
}

#[test]
fn a_wrong_password_for_the_proxy_is_exit_77() {
    for (recipe, scheme, _) in [SOCKS, HTTP] {
        let (Some(scene), Some(proxy)) = (Scene::with(Recipe::Aiosmtpd), Scene::with(recipe))
        else {
            return;
        };
        for login in ["", "bench:wrong@"] {
            let url = format!("{scheme}://{login}127.0.0.1:{}", proxy.ports().starttls);
            send(&scene, &url).expect(77, "failed");
        }
        assert!(scene.mailbox().messages().is_empty());
    }
}

#[test]
fn a_server_that_is_not_there_is_told_by_the_proxy() {
    for (recipe, scheme, _) in [SOCKS, HTTP] {
        let Some(proxy) = Scene::with(recipe) else {
            return;
        };
        let url = format!("{scheme}://127.0.0.1:{}", proxy.ports().plain);
        let closed = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let server = format!("127.0.0.1:{}", closed.local_addr().unwrap().port());
        drop(closed);
        let arguments = [
            "--server",
            &server,
            "--to",
            "b@example.com",
            "--body",
            "x",
            "--proxy",
            &url,
        ];
        let run = crate::client::smtpsend(proxy.directory(), "", &arguments.map(String::from), b"");
        run.expect(75, "deferred");
    }
}

#[test]
fn a_port_that_the_proxy_forbids_is_exit_69() {
    let (Some(scene), Some(proxy)) = (
        Scene::with(Recipe::Aiosmtpd),
        Scene::with(Recipe::Tinyproxy),
    ) else {
        return;
    };
    let url = format!("http://127.0.0.1:{}", proxy.ports().implicit);
    send(&scene, &url).expect(69, "rejected");
}

fn send(scene: &Scene, proxy: &str) -> crate::client::Run {
    let options = [
        "--to",
        "b@example.com",
        "--body",
        "x",
        "-H",
        "X-Mark: proxied",
        "--proxy",
        proxy,
    ];
    crate::send(scene, Security::Starttls, "secret", &options, b"")
}

fn delivers_through((recipe, scheme, logged): (Recipe, &str, Logged), login: &str) {
    let (Some(scene), Some(proxy)) = (Scene::with(Recipe::Aiosmtpd), Scene::with(recipe)) else {
        return;
    };
    let port = match login {
        "" => proxy.ports().plain,
        _ => proxy.ports().starttls,
    };
    send(&scene, &format!("{scheme}://{login}127.0.0.1:{port}")).expect(0, "sent");
    scene.mailbox().wait_for("\nX-Mark: proxied\n");
    let (log, expected) = (proxy.log(), logged(scene.ports().starttls));
    assert!(log.contains(&expected), "no {expected:?} in:\n{log}");
}
