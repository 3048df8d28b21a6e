//! Every mechanism with servers that nobody here wrote: it logs in, the report names it, and a wrong proof is
//! refused.

use std::fs;
use std::sync::Arc;

use smtpsend::failure::{Failure, Kind, Result};
use smtpsend::plan::Plan;
use smtpsend::secret::Secret;
use smtpsend::smtp::{AuthChoice, Credentials, Identity, TlsTerms, TokenSource};
use smtpsend::submit::Submission;

use crate::client::Security;
use crate::many::{letter, plan};
use crate::server::{Recipe, Scene};

/// Each of these sends a message, and takes no wrong password.
fn logs_in(recipe: Recipe, names: &[&str]) {
    let Some(scene) = Scene::with(recipe) else {
        return;
    };
    let to = scene.address("b");
    for name in names {
        let mark = format!("X-Mark: {name}");
        let options = ["--to", &to, "--body", "x", "-H", &mark, "--auth", name];
        for security in [Security::Starttls, Security::Implicit] {
            let run = crate::send(&scene, security, "secret", &options, b"");
            run.expect(0, "sent");
            assert_eq!(run.json()["auth"], *name, "{run}");
        }
        scene.mailbox().wait_for(&format!("\n{mark}\n"));
        let refused = crate::send(&scene, Security::Starttls, "wrong", &options, b"");
        refused.expect(77, "failed");
    }
}

/// Without a name this is taken.
fn prefers(recipe: Recipe, name: &str) {
    let Some(scene) = Scene::with(recipe) else {
        return;
    };
    let to = scene.address("b");
    let options = ["--to", &to, "--body", "x", "-H", "X-Mark: auto"];
    let run = crate::send(&scene, Security::Starttls, "secret", &options, b"");
    run.expect(0, "sent");
    assert_eq!(run.json()["auth"], name, "{run}");
    scene.mailbox().wait_for("\nX-Mark: auto\n");
}

#[test]
fn dovecot_lets_in_by_every_mechanism_for_passwords() {
    let names = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"];
    logs_in(Recipe::Dovecot, &names);
}

#[test]
fn postfix_with_cyrus_sasl_lets_in_by_every_mechanism_for_passwords() {
    let names = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"];
    logs_in(Recipe::Postfix, &names);
}

#[test]
fn exim_lets_in_by_its_own_mechanisms() {
    logs_in(Recipe::Exim, &["PLAIN", "LOGIN", "CRAM-MD5"]);
}

#[test]
fn dovecot_lets_in_bound_to_the_connection() {
    let names = ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"];
    logs_in(Recipe::Dovecot24, &names);
}

#[test]
fn scramp_lets_in_bound_to_the_certificate_under_tls_1_2() {
    let Some(scene) = Scene::with(Recipe::Scramp) else {
        return;
    };
    for name in ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"] {
        let options = ["--to", "b@example.com", "--body", "x", "--auth", name];
        let run = crate::send(&scene, Security::Starttls, "secret", &options, b"");
        run.expect(0, "sent");
        assert_eq!(run.json()["auth"], name, "{run}");
        assert_eq!(run.json()["server"]["tls"], "TLSv1.2", "{run}");
        let refused = crate::send(&scene, Security::Starttls, "wrong", &options, b"");
        refused.expect(77, "failed");
    }
}

#[test]
fn the_strongest_that_a_server_offers_is_taken() {
    prefers(Recipe::Dovecot24, "SCRAM-SHA-256-PLUS");
    prefers(Recipe::Postfix, "SCRAM-SHA-256");
    prefers(Recipe::Exim, "CRAM-MD5");
    prefers(Recipe::Chasquid, "PLAIN");
}

/// Gives one token for ever.
struct Always(Secret);

impl TokenSource for Always {
    fn token(&self) -> Result<Secret> {
        Ok(self.0.clone())
    }
}

/// A token that the recipe made.
fn token(scene: &Scene, name: &str) -> Secret {
    let path = scene.server_directory().join(name);
    Secret::new(fs::read(path).unwrap())
}

/// Sends one letter with these credentials, and gives back the mechanism or the failure.
fn submit(scene: &Scene, credentials: Credentials, choice: &str) -> Result<&'static str> {
    let plan = Plan {
        credentials: Some(credentials),
        auth: choice.parse::<AuthChoice>()?,
        ..plan(scene)
    };
    submit_by(plan)
}

/// Sends one letter by this plan, and gives back the mechanism or the failure.
fn submit_by(plan: Plan) -> Result<&'static str> {
    let mut reports = Vec::new();
    Submission::new(plan).submit_all([letter(0)], &(), |_, report| reports.push(report));
    let report = reports.remove(0);
    match report.failures().first() {
        Some(failure) => Err((*failure).clone()),
        None => Ok(report.auth.unwrap()),
    }
}

#[test]
fn dovecot_lets_in_with_a_token_and_tells_why_it_does_not() {
    let Some(scene) = Scene::with(Recipe::Dovecot) else {
        return;
    };
    let good = || token(&scene, "token");
    let expired = || token(&scene, "token.expired");
    for (name, status) in [("OAUTHBEARER", "invalid_token"), ("XOAUTH2", "401")] {
        let credentials = Credentials::token("bench", good(), None).unwrap();
        assert_eq!(submit(&scene, credentials, name).unwrap(), name);

        let credentials = Credentials::token("bench", expired(), None).unwrap();
        let Failure { kind, message, .. } = submit(&scene, credentials, name).unwrap_err();
        assert_eq!(kind, Kind::Auth);
        assert!(message.contains(&format!("status {status}")), "{message}");

        let source = Arc::new(Always(good()));
        let credentials = Credentials::token("bench", expired(), Some(source)).unwrap();
        assert_eq!(submit(&scene, credentials, "auto").unwrap(), "OAUTHBEARER");
    }
    scene.mailbox().wait_for("<many-0@example.com>");
}

/// The plan with this identity in the handshake, and nothing else to say who we are.
fn plan_with_certificate(scene: &Scene, user: Option<&str>) -> Plan {
    let read = |name: &str| fs::read(scene.directory().join("certs").join(name)).unwrap();
    let identity = Identity::from_pem(&read("client.pem"), &Secret::new(read("client.key")));
    Plan {
        credentials: Some(Credentials::certificate(user.map(str::to_owned)).unwrap()),
        tls: TlsTerms {
            identity: Some(identity.unwrap()),
            ..TlsTerms::default()
        },
        ..plan(scene)
    }
}

/// Whoever shows the certificate of bench is bench, and nobody is without one.
fn knows_certificates(recipe: Recipe, users: &[Option<&str>]) {
    let Some(scene) = Scene::with(recipe) else {
        return;
    };
    for user in users {
        let plan = plan_with_certificate(&scene, *user);
        assert_eq!(submit_by(plan).unwrap(), "EXTERNAL", "{user:?}");
    }
    let without = Plan {
        tls: TlsTerms::default(),
        ..plan_with_certificate(&scene, None)
    };
    assert_eq!(submit_by(without).unwrap_err().kind, Kind::Auth);
    scene.mailbox().wait_for("<many-0@example.com>");
}

#[test]
fn dovecot_lets_in_with_a_client_certificate() {
    knows_certificates(Recipe::Dovecot, &[None, Some("bench")]);
}

#[test]
fn exim_lets_in_with_a_client_certificate() {
    knows_certificates(Recipe::Exim, &[None, Some("bench")]);
}

#[test]
fn dovecot_knows_us_by_our_certificate() {
    let Some(scene) = Scene::with(Recipe::Dovecot) else {
        return;
    };
    let certs = scene.directory().join("certs");
    let file = |name: &str| certs.join(name).into_os_string().into_string().unwrap();
    let (certificate, key) = (file("client.pem"), file("client.key"));
    let to = scene.address("b");
    let options = ["--to", &to, "--body", "x", "-H", "X-Mark: certificate"];
    let external = [
        &options[..],
        &[
            "--auth",
            "EXTERNAL",
            "--client-cert",
            &certificate,
            "--client-key",
            &key,
        ],
    ]
    .concat();
    let run = crate::send(&scene, Security::Starttls, "none", &external, b"");
    run.expect(0, "sent");
    assert_eq!(run.json()["auth"], "EXTERNAL", "{run}");
    scene.mailbox().wait_for("\nX-Mark: certificate\n");
}
