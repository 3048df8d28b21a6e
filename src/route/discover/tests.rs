//! Finding servers in zones as domains publish them, and as forgers would.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod hostile;
mod responder;

use std::time::{Duration, Instant};

use self::responder::{Responder, Zone, alias, mx, srv};
use super::*;

const IMPLICIT: &str = "_submissions._tcp.example.com";
const STARTTLS: &str = "_submission._tcp.example.com";

/// A zone in which the domain itself exists.
fn zone() -> Zone {
    Zone::default().with("example.com", Vec::new())
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn of(zone: Zone) -> Result<Discovery> {
    let responder = Responder::of(zone);
    discover("example.com", &Dns::new(vec![responder.address]), soon())
}

fn shown(rungs: &[Rung]) -> Vec<String> {
    let show = |rung: &Rung| format!("{rung}/{}", rung.security.name());
    rungs.iter().map(show).collect()
}

#[test]
fn both_services_are_found_in_the_order_published() {
    let found = of(zone()
        .with(STARTTLS, vec![srv(5, 0, 587, "Mail.Example.com")])
        .with(
            IMPLICIT,
            vec![
                srv(9, 0, 4650, "b.example.com"),
                srv(5, 0, 465, "example.com"),
            ],
        ))
    .unwrap();
    assert_eq!(
        shown(&found.rungs(None).unwrap()),
        [
            "example.com:465/implicit",
            "mail.example.com:587/starttls",
            "b.example.com:4650/implicit"
        ]
    );
    assert_eq!(found.notes, [""; 0]);
}

#[test]
fn a_server_elsewhere_is_refused_until_somebody_confirms_it() {
    for target in [
        "mail.forged.example",
        "notexample.com",
        "example.com.forged.example",
        "com",
    ] {
        let found = of(zone().with(STARTTLS, vec![srv(0, 0, 587, target)])).unwrap();
        let failure = found.rungs(None).unwrap_err();
        assert_eq!(failure.kind, Kind::Config);
        assert!(failure.message.contains(target), "{failure}");
        let word = ForeignServers::dangerous_allow();
        assert_eq!(
            shown(&found.rungs(Some(word)).unwrap()),
            [format!("{target}:587/starttls")]
        );
    }
}

#[test]
fn a_server_elsewhere_is_named_as_it_has_to_be_confirmed() {
    for (service, port, words) in [
        (IMPLICIT, 41465, "--server smtps://mail.test:41465"),
        (IMPLICIT, 465, "--server smtps://mail.test:465"),
        (STARTTLS, 41587, "--server mail.test:41587"),
    ] {
        let found = of(zone().with(service, vec![srv(0, 0, port, "mail.test")])).unwrap();
        let hint = found.rungs(None).unwrap_err().hint.unwrap();
        assert!(hint.ends_with(words), "{hint}");
        let (_, named) = hint.rsplit_once(' ').unwrap();
        let server: crate::route::Server = named.parse().unwrap();
        let word = ForeignServers::dangerous_allow();
        assert_eq!(
            server.rungs(None, None).unwrap(),
            found.rungs(Some(word)).unwrap()
        );
    }
}

#[test]
fn a_server_elsewhere_never_stands_in_for_one_of_the_domain() {
    let found = of(zone()
        .with(IMPLICIT, vec![srv(0, 0, 465, "mail.forged.example")])
        .with(STARTTLS, vec![srv(1, 0, 587, "mail.example.com")]))
    .unwrap();
    assert_eq!(
        shown(&found.rungs(None).unwrap()),
        ["mail.example.com:587/starttls"]
    );
}

#[test]
fn below_a_domain_of_one_label_everybody_is_foreign() {
    let zone = Zone::default()
        .with("_submission._tcp.home", vec![srv(0, 0, 587, "evil.home")])
        .with("_submissions._tcp.home", vec![srv(0, 0, 465, "home")]);
    let responder = Responder::of(zone);
    let found = discover("home", &Dns::new(vec![responder.address]), soon()).unwrap();
    assert_eq!(shown(&found.rungs(None).unwrap()), ["home:465/implicit"]);
}

#[test]
fn an_alias_of_the_service_does_not_make_its_target_trusted() {
    let found = of(zone().with(STARTTLS, vec![alias("s.example.net")]).with(
        "s.example.net",
        vec![
            srv(0, 0, 587, "mail.example.net"),
            srv(1, 0, 587, "mail.example.com"),
        ],
    ))
    .unwrap();
    assert_eq!(
        shown(&found.rungs(None).unwrap()),
        ["mail.example.com:587/starttls"]
    );
}

#[test]
fn a_dot_means_that_submission_is_not_offered() {
    let no = || vec![srv(0, 0, 0, ".")];
    for zone in [
        zone().with(STARTTLS, no()).with(IMPLICIT, no()),
        zone()
            .with(STARTTLS, no())
            .with("example.com", vec![mx(0, "aspmx.l.google.com")]),
    ] {
        let found = of(zone).unwrap();
        assert!(matches!(found.found, Found::NotOffered));
        assert_eq!(found.rungs(None).unwrap_err().kind, Kind::Config);
    }
    let found = of(zone()
        .with(STARTTLS, no())
        .with(IMPLICIT, vec![srv(0, 0, 465, "mail.example.com")]))
    .unwrap();
    assert_eq!(found.rungs(None).unwrap().len(), 1);
}

#[test]
fn port_25_and_what_is_no_server_are_left_out_with_a_note() {
    let found = of(zone().with(
        STARTTLS,
        vec![
            srv(0, 0, 25, "mail.example.com"),
            srv(1, 0, 0, "mail.example.com"),
            srv(2, 0, 587, "192.0.2.1"),
            srv(3, 0, 587, "a\x1bb.example.com"),
            srv(4, 0, 587, "mail.example.com"),
            srv(4, 0, 587, "MAIL.example.com"),
        ],
    ))
    .unwrap();
    assert_eq!(
        shown(&found.rungs(None).unwrap()),
        ["mail.example.com:587/starttls"]
    );
    assert_eq!(found.notes.len(), 4, "{:?}", found.notes);
    assert_eq!(
        found.notes[0],
        "_submission._tcp.example.com names mail.example.com:25: \
         port 25 is for mail between servers, not for submission"
    );
    assert!(!found.notes[3].contains('\x1b'));
}

#[test]
fn a_dot_beside_port_25_is_no_word_about_both_services() {
    let found = of(zone()
        .with(IMPLICIT, vec![srv(0, 0, 0, ".")])
        .with(STARTTLS, vec![srv(0, 0, 25, "mail.example.com")]))
    .unwrap();
    assert!(matches!(found.found, Found::Nothing));
    assert_eq!(found.notes.len(), 1);
}

#[test]
fn of_many_servers_a_few_are_used() {
    let many = (0..200)
        .map(|i| srv(i, 0, 587, &format!("m{i}.example.com")))
        .collect();
    let found = of(zone().with(STARTTLS, many));
    let found = found.unwrap();
    assert_eq!(found.rungs(None).unwrap().len(), RECORDS_MAX);
    assert_eq!(found.notes.len(), 1);
}

#[test]
fn who_takes_the_mail_leads_to_a_provider_that_has_to_be_confirmed() {
    let found = of(zone().with(
        "example.com",
        vec![mx(20, "mail.example.com"), mx(5, "aspmx.l.google.com")],
    ))
    .unwrap();
    let failure = found.rungs(None).unwrap_err();
    assert!(
        failure.message.contains("Gmail and Google Workspace"),
        "{failure}"
    );
    let rungs = found
        .rungs(Some(ForeignServers::dangerous_allow()))
        .unwrap();
    assert_eq!(
        shown(&rungs),
        ["smtp.gmail.com:587/starttls", "smtp.gmail.com:465/implicit"]
    );
    let Found::Servers(servers) = found.found else {
        panic!("no servers");
    };
    assert_eq!(servers.source, Source::Mx);
}

#[test]
fn where_nothing_is_published_nothing_is_found() {
    for zone in [zone(), zone().with("example.com", vec![mx(0, ".")])] {
        let found = of(zone).unwrap();
        assert!(matches!(found.found, Found::Nothing));
        assert_eq!(found.rungs(None).unwrap_err().kind, Kind::Config);
    }
}

#[test]
fn a_domain_that_does_not_exist_is_said_to_be_so() {
    assert_eq!(of(Zone::default()).unwrap_err().kind, Kind::Host);
}

#[test]
fn a_large_provider_and_an_address_literal_need_no_dns() {
    let nobody = Dns::new(Vec::new());
    let found = discover("Googlemail.com", &nobody, soon()).unwrap();
    assert_eq!(
        found.rungs(None).unwrap()[0].to_string(),
        "smtp.gmail.com:587"
    );
    let found = discover("[192.0.2.1]", &nobody, soon()).unwrap();
    assert!(matches!(found.found, Found::Nothing));
    assert_eq!(
        discover("example.com", &nobody, soon()).unwrap_err().kind,
        Kind::Temporary
    );
    assert_eq!(
        discover("exa mple", &nobody, soon()).unwrap_err().kind,
        Kind::Message
    );
}

#[test]
fn a_domain_too_long_for_a_service_has_none() {
    let label = "a".repeat(60);
    let domain = format!("{label}.{label}.{label}.{label}.com");
    let responder = Responder::of(Zone::default().with(&domain, Vec::new()));
    let found = discover(&domain, &Dns::new(vec![responder.address]), soon()).unwrap();
    assert!(matches!(found.found, Found::Nothing));
}

#[test]
fn guesses_stay_within_the_domain() {
    let names: Vec<_> = guesses("example.com")
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        names,
        [
            "smtp.example.com",
            "mail.example.com",
            "submission.example.com",
            "example.com"
        ]
    );
    assert_eq!(guesses("[192.0.2.1]"), []);
}
