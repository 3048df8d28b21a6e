//! Many messages over one session to real servers: by way of the library.

use std::sync::Mutex;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use smtpsend::envelope::{Envelope, ReversePath};
use smtpsend::message::Message;
use smtpsend::plan::Plan;
use smtpsend::route::{self, Security};
use smtpsend::secret::Secret;
use smtpsend::smtp::{Credentials, Observer, Trust};
use smtpsend::submit::Submission;

use crate::client;
use crate::server::{Recipe, Scene};

const COUNT: usize = 20;

/// Counts the sessions.
#[derive(Default)]
struct Greetings(Mutex<usize>);

impl Observer for Greetings {
    fn received(&self, line: &str) {
        if line.starts_with("220 ") && !line.contains("TLS") {
            *self.0.lock().unwrap() += 1;
        }
    }
}

/// Over STARTTLS as bench.
pub(crate) fn plan(scene: &Scene) -> Plan {
    let options = scene.server_options(client::Security::Starttls);
    let mut server = options.iter().skip_while(|option| *option != "--server");
    let server: route::Server = server.nth(1).unwrap().parse().unwrap();
    let authority = CertificateDer::from_pem_file(scene.ca_file()).unwrap();
    let password = Secret::new(b"secret".to_vec());
    Plan {
        trust: Trust {
            authorities: vec![authority],
            ..Trust::default()
        },
        credentials: Some(Credentials::new("bench", password).unwrap()),
        ..Plan::new(server.rungs(None, Some(Security::StartTls)).unwrap())
    }
}

fn mark(number: usize) -> String {
    format!("Message-ID: <many-{number}@example.com>\n")
}

/// Every third is too large to leave together with its envelope.
pub(crate) fn letter(number: usize) -> (Envelope, Message) {
    let sender = ReversePath::parse("a@example.com").unwrap();
    let recipient = "b@example.com".parse().unwrap();
    let lines = if number % 3 == 1 { 1000 } else { 3 };
    let body = format!(".{number} {}\n", "x".repeat(60)).repeat(lines);
    let text = format!(
        "Date: Thu, 01 Jan 2026 00:00:00 +0000\nFrom: a@example.com\n{}\n{body}",
        mark(number)
    );
    let message = Message::from_raw(text.replace('\n', "\r\n").as_bytes()).unwrap();
    (Envelope::new(sender, vec![recipient]).unwrap(), message)
}

fn twenty_messages_arrive_once_each_over_one_session(recipe: Recipe) {
    let Some(scene) = Scene::with(recipe) else {
        return;
    };
    let greetings = Greetings::default();
    let mut numbers = Vec::new();
    let submission = Submission::new(plan(&scene));
    submission.submit_all((0..COUNT).map(letter), &greetings, |number, report| {
        assert_eq!(report.status().name(), "sent", "{number}: {report:?}");
        numbers.push(number);
    });
    assert_eq!(numbers, (0..COUNT).collect::<Vec<_>>());
    assert_eq!(*greetings.0.lock().unwrap(), 1, "sessions");
    for number in 0..COUNT {
        let stored = String::from_utf8(scene.mailbox().wait_for(&mark(number))).unwrap();
        let lines = stored
            .lines()
            .filter(|line| line.starts_with(&format!(".{number} ")));
        assert_eq!(lines.count(), if number % 3 == 1 { 1000 } else { 3 });
    }
    assert_eq!(scene.mailbox().messages().len(), COUNT);
}

#[test]
fn postfix_takes_twenty_messages_over_one_session() {
    twenty_messages_arrive_once_each_over_one_session(Recipe::Postfix);
}

#[test]
fn exim_takes_twenty_messages_over_one_session() {
    twenty_messages_arrive_once_each_over_one_session(Recipe::Exim);
}
