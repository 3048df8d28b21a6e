//! Finding submission servers by way of a real DNS resolver; its zone is in `tests/servers/unbound.sh`.

use crate::server::{Recipe, Scene};
use smtpsend::failure::{Kind, Result};
use smtpsend::route::Rung;
use smtpsend::route::discover::{Discovery, Dns, ForeignServers, Found, discover};
use std::time::{Duration, Instant};

/// Looks for the servers of `domain`; `None` when there is no resolver.
fn look_for(domain: &str) -> Option<Result<Discovery>> {
    let scene = Scene::with(Recipe::Unbound)?;
    Some(look_for_within(&scene, domain))
}

fn look_for_within(scene: &Scene, domain: &str) -> Result<Discovery> {
    let deadline = Instant::now() + Duration::from_secs(20);
    discover(domain, &Dns::new(vec![scene.plain_address()]), deadline)
}

fn shown(rungs: &[Rung]) -> Vec<String> {
    let show = |rung: &Rung| format!("{rung}/{}", rung.security.name());
    rungs.iter().map(show).collect()
}

#[test]
fn both_services_are_found_in_order_of_priority_and_weight() {
    let Some(scene) = Scene::with(Recipe::Unbound) else {
        return;
    };
    let mut heavy_first = 0;
    for _ in 0..5 {
        let found = look_for_within(&scene, "both.example").unwrap();
        let rungs = shown(&found.rungs(None).unwrap());
        assert_eq!(rungs.len(), 4);
        assert_eq!(rungs[0], "mail.both.example:465/implicit");
        assert_eq!(rungs[3], "spare.both.example:4650/implicit");
        heavy_first += u32::from(rungs[1] == "mail.both.example:587/starttls");
    }
    // Each time with a chance of 65535 in 65536.
    assert!(heavy_first >= 3, "{heavy_first} of 5");
}

#[test]
fn a_forged_server_is_refused_until_it_is_confirmed() {
    let Some(found) = look_for("forged.example") else {
        return;
    };
    let found = found.unwrap();
    let failure = found.rungs(None).unwrap_err();
    assert_eq!(failure.kind, Kind::Config);
    assert!(failure.message.contains("mail.attacker.example:465"));
    let rungs = found.rungs(Some(ForeignServers::dangerous_allow()));
    assert_eq!(
        shown(&rungs.unwrap()),
        [
            "mail.attacker.example:465/implicit",
            "forged.attacker.example:587/starttls"
        ]
    );
}

#[test]
fn the_domain_s_own_server_is_used_and_the_forged_one_is_not() {
    let Some(found) = look_for("mixed.example") else {
        return;
    };
    assert_eq!(
        shown(&found.unwrap().rungs(None).unwrap()),
        ["mixed.example:587/starttls"]
    );
}

#[test]
fn port_25_is_never_used() {
    let Some(found) = look_for("port25.example") else {
        return;
    };
    let found = found.unwrap();
    assert!(matches!(found.found, Found::Nothing));
    assert!(found.notes[0].contains("mail.port25.example:25"));
}

#[test]
fn a_dot_says_that_submission_is_not_offered() {
    let Some(found) = look_for("none.example") else {
        return;
    };
    assert!(matches!(found.unwrap().found, Found::NotOffered));
}

#[test]
fn an_alias_of_the_service_is_followed() {
    let Some(found) = look_for("alias.example") else {
        return;
    };
    assert_eq!(
        shown(&found.unwrap().rungs(None).unwrap()),
        ["mail.alias.example:587/starttls"]
    );
}

#[test]
fn aliases_in_a_circle_end() {
    let Some(found) = look_for("circle.example") else {
        return;
    };
    let kind = found.unwrap_err().kind;
    assert!(matches!(kind, Kind::Config | Kind::Temporary), "{kind:?}");
}

#[test]
fn an_answer_too_large_for_udp_comes_over_tcp() {
    let Some(found) = look_for("large.example") else {
        return;
    };
    let found = found.unwrap();
    assert!(found.notes[0].contains("of 90 SRV records"));
    let rungs = found.rungs(None).unwrap();
    assert_eq!(rungs[0].to_string(), "mail-1.large.example:587");
}

#[test]
fn a_customer_s_domain_leads_to_the_provider_to_be_confirmed() {
    let Some(scene) = Scene::with(Recipe::Unbound) else {
        return;
    };
    for (domain, server) in [
        ("workspace.example", "smtp.gmail.com:587/starttls"),
        ("contoso.example", "smtp.office365.com:587/starttls"),
    ] {
        let found = look_for_within(&scene, domain).unwrap();
        assert_eq!(found.rungs(None).unwrap_err().kind, Kind::Config);
        let rungs = found.rungs(Some(ForeignServers::dangerous_allow()));
        assert_eq!(shown(&rungs.unwrap())[0], server);
    }
}

#[test]
fn no_record_no_domain_and_no_answer_are_three_things() {
    let Some(scene) = Scene::with(Recipe::Unbound) else {
        return;
    };
    let plain = look_for_within(&scene, "plain.example").unwrap();
    assert!(matches!(plain.found, Found::Nothing));
    let missing = look_for_within(&scene, "missing.example").unwrap_err();
    assert_eq!(missing.kind, Kind::Host);
    let failure = look_for_within(&scene, "lame.example").unwrap_err();
    assert_eq!(failure.kind, Kind::Temporary);
    assert!(failure.message.contains("SERVFAIL"), "{failure}");
}
