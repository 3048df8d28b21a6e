//! What `smtpsend check` and `smtpsend verify` find at real servers.

use serde_json::Value;

use crate::client::{Run, Security, smtpsend};
use crate::server::{Recipe, Scene};

/// `smtpsend TASK` with the options that lead to the scene's server, and more.
fn run(scene: &Scene, task: &str, security: Security, password: &str, more: &[&str]) -> Run {
    let mut arguments = vec![task.to_owned()];
    arguments.extend(scene.server_options(security));
    arguments.extend(more.iter().map(ToString::to_string));
    smtpsend(scene.directory(), password, &arguments, b"")
}

fn text<'j>(json: &'j Value, name: &str) -> &'j str {
    json[name].as_str().unwrap_or_default()
}

fn describes_a_good_server(recipe: Recipe) {
    let Some(scene) = Scene::with(recipe) else {
        return;
    };
    for security in [Security::Starttls, Security::Implicit] {
        let found = run(&scene, "check", security, "secret", &[]);
        assert_eq!(found.exit, Some(0), "{found}");
        let json = found.json();
        let rung = &json["rungs"][0];
        assert_eq!(rung["login"]["status"], "accepted", "{found}");
        assert_eq!(rung["certificate"]["trusted"], true, "{found}");
        assert!(text(rung, "tls").starts_with("TLSv1."), "{found}");
        assert!(text(rung, "greeting").starts_with("220 "), "{found}");
        assert!(
            text(&json, "use").contains("--server localhost:"),
            "{found}"
        );
    }
}

#[test]
fn postfix_is_described() {
    describes_a_good_server(Recipe::Postfix);
}

#[test]
fn exim_is_described() {
    describes_a_good_server(Recipe::Exim);
}

#[test]
fn dovecot_is_described() {
    describes_a_good_server(Recipe::Dovecot);
}

#[test]
fn chasquid_is_described() {
    describes_a_good_server(Recipe::Chasquid);
}

#[test]
fn a_wrong_password_is_named() {
    let Some(scene) = Scene::with(Recipe::Postfix) else {
        return;
    };
    let found = run(&scene, "check", Security::Starttls, "wrong", &[]);
    assert_eq!(found.exit, Some(77), "{found}");
    assert!(text(&found.json(), "verdict").contains(": 535 "), "{found}");
    assert!(
        text(&found.json(), "advice").contains("check --user and the password"),
        "{found}"
    );
}

/// `smtpsend check` of a port by the kind of TLS that it does not speak.
fn check_wrongly(scene: &Scene, security: Security, spoken: &str, asked: &str) -> Run {
    let mut arguments = vec!["check".to_owned()];
    arguments.extend(scene.server_options(security));
    let mode = arguments.iter_mut().find(|argument| *argument == spoken);
    *mode.unwrap() = asked.to_owned();
    arguments.extend(["--connect-timeout", "4"].map(String::from));
    smtpsend(scene.directory(), "secret", &arguments, b"")
}

fn recognises_the_other_kind_of_tls(recipe: Recipe) {
    let Some(scene) = Scene::with(recipe) else {
        return;
    };
    for (security, spoken, asked, exit, option) in [
        (
            Security::Implicit,
            "implicit",
            "starttls",
            75,
            " --tls implicit",
        ),
        (Security::Starttls, "starttls", "implicit", 76, ""),
    ] {
        let found = check_wrongly(&scene, security, spoken, asked);
        assert_eq!(found.exit, Some(exit), "{found}");
        let json = found.json();
        let advice = format!("use --tls {spoken} for this port");
        assert_eq!(text(&json, "advice"), advice, "{found}");
        assert!(text(&json, "use").contains(option), "{found}");
        assert_eq!(
            json["rungs"][0]["instead"]["outcome"], "connected",
            "{found}"
        );
    }
}

#[test]
fn postfix_asked_for_the_other_kind_of_tls_is_recognised() {
    recognises_the_other_kind_of_tls(Recipe::Postfix);
}

#[test]
fn dovecot_asked_for_the_other_kind_of_tls_is_recognised() {
    recognises_the_other_kind_of_tls(Recipe::Dovecot);
}

#[test]
fn an_authority_that_nobody_named_is_named() {
    let Some(scene) = Scene::with(Recipe::Postfix) else {
        return;
    };
    let found = run(
        &scene,
        "check",
        Security::Starttls,
        "secret",
        &["--trust", "webpki"],
    );
    assert_eq!(found.exit, Some(0), "both are trusted: {found}");
    let mut arguments = vec!["check".to_owned()];
    let options = scene.server_options(Security::Starttls);
    arguments.extend(
        options
            .into_iter()
            .take_while(|option| option != "--ca-file"),
    );
    let found = smtpsend(scene.directory(), "secret", &arguments, b"");
    assert_eq!(found.exit, Some(69), "{found}");
    assert_eq!(
        found.json()["rungs"][0]["certificate"]["trusted"],
        false,
        "{found}"
    );
}

#[test]
fn postfix_says_what_it_knows_of_an_address() {
    let Some(scene) = Scene::with(Recipe::Postfix) else {
        return;
    };
    for (addresses, exit, standings) in [
        (&["b@example.com"][..], 0, &["undecided"][..]),
        (
            &["b@example.com", "nobody@refused.example"],
            67,
            &["undecided", "unknown"],
        ),
        (
            &["nobody@refused.example", "later@refused.example"],
            75,
            &["unknown", "later"],
        ),
        (&["--expand", "b@example.com"], 69, &["not-offered"]),
    ] {
        let found = run(&scene, "verify", Security::Starttls, "secret", addresses);
        assert_eq!(found.exit, Some(exit), "{found}");
        let json = found.json();
        let found_standings: Vec<_> = json
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| text(finding, "status"))
            .collect();
        assert_eq!(found_standings, standings, "{found}");
    }
}
