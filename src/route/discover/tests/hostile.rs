//! Servers that are broken, slow or forged.

use std::net::{TcpListener, UdpSocket};

use proptest::prelude::*;
use simple_dns::{Name, Packet, PacketFlag, RCODE};

use super::responder::{Responder, Zone, alias, framed, record, refusal, reply_to, srv};
use super::{IMPLICIT, STARTTLS, shown, soon, zone};
use crate::failure::{Kind, Result};
use crate::route::discover::question::{Asked, Over, Question};
use crate::route::discover::{Discovery, Dns, discover};
use std::time::{Duration, Instant};

const FOUND: &str = "mail.example.com:587/starttls";

fn good() -> Zone {
    zone().with(STARTTLS, vec![srv(0, 0, 587, "mail.example.com")])
}

fn ask(servers: &[&Responder]) -> Result<Discovery> {
    let servers = servers.iter().map(|server| server.address).collect();
    let dns = Dns::new(servers).with_wait(Duration::from_millis(400));
    discover("example.com", &dns, soon())
}

fn assert_found(servers: &[&Responder]) {
    assert_eq!(shown(&ask(servers).unwrap().rungs(None).unwrap()), [FOUND]);
}

fn assert_temporary(servers: &[&Responder]) {
    let failure = ask(servers).unwrap_err();
    assert_eq!(failure.kind, Kind::Temporary, "{failure}");
}

/// Replies that nobody should take for an answer to `query`; they name a forger's server.
fn strays(query: &[u8]) -> Vec<Vec<u8>> {
    let question = Packet::parse(query).unwrap();
    let owner = question.questions[0].qname.to_string();
    let mut forged = reply_to(&question);
    let evil = srv(0, 0, 587, "evil.example.com");
    forged.answers.push(record(&owner, evil));
    let octets = forged.build_bytes_vec().unwrap();

    let mut wrong_id = octets.clone();
    wrong_id[1] ^= 1;
    let mut a_question = octets.clone();
    a_question[2] &= 0x7f;
    let mut other_name = forged.clone();
    other_name.questions[0].qname = Name::new("_submission._tcp.example.org").unwrap();
    let mut other_type = forged.clone();
    other_type.questions[0].qtype = simple_dns::QTYPE::ANY;
    let mut no_question = forged.clone();
    no_question.questions.clear();
    // The name of the answer points to itself.
    let mut a_loop = octets.clone();
    let after_question = 12 + owner.len() + 2 + 4;
    a_loop.truncate(after_question);
    let pointer = 0xc000 | u16::try_from(after_question).unwrap();
    a_loop.extend(pointer.to_be_bytes());
    a_loop.extend([0; 10]);
    vec![
        Vec::new(),
        octets[..11].to_vec(),
        octets[..octets.len() - 3].to_vec(),
        wrong_id,
        a_question,
        other_name.build_bytes_vec().unwrap(),
        other_type.build_bytes_vec().unwrap(),
        no_question.build_bytes_vec().unwrap(),
        a_loop,
    ]
}

#[test]
fn what_is_no_answer_is_passed_over() {
    let server = Responder::new(|query, _| {
        let mut replies = strays(query);
        replies.push(good().reply(query));
        replies
    });
    assert_found(&[&server]);
}

#[test]
fn without_an_answer_the_wait_ends() {
    let server = Responder::new(|query, _| strays(query));
    let deadline = Instant::now() + Duration::from_millis(300);
    let started = Instant::now();
    let failure = discover("example.com", &Dns::new(vec![server.address]), deadline).unwrap_err();
    assert_eq!(failure.kind, Kind::Temporary);
    assert!(failure.message.contains("gives no answer"), "{failure}");
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[test]
fn a_record_of_another_name_is_not_taken() {
    let server = Responder::new(|query, _| {
        let question = Packet::parse(query).unwrap();
        let mut reply = reply_to(&question);
        let evil = srv(0, 0, 587, "evil.example.com");
        reply
            .answers
            .push(record("_submission._tcp.example.org", evil));
        vec![reply.build_bytes_vec().unwrap()]
    });
    assert!(ask(&[&server]).unwrap().rungs(None).is_err());
}

#[test]
fn an_answer_that_was_cut_is_asked_for_over_tcp() {
    let server = Responder::new(|query, over| match over {
        Over::Udp => {
            let question = Packet::parse(query).unwrap();
            let mut reply = reply_to(&question);
            reply.set_flags(PacketFlag::TRUNCATION);
            let mut cut = reply.build_bytes_vec().unwrap();
            // Some cut within a record.
            cut[7] = 3;
            cut.extend([0xc0, 12, 0, 33]);
            vec![cut]
        }
        Over::Tcp => vec![framed(&good().reply(query))],
    });
    assert_found(&[&server]);
}

#[test]
fn letters_in_another_case_are_not_believed_but_asked_again_over_tcp() {
    let lower = |query: &[u8], zone: Zone| {
        let mut query = Packet::parse(query).unwrap().into_reply();
        let name = query.questions[0].qname.to_string();
        let other = name.chars().map(|c| match c {
            c if c.is_ascii_lowercase() => c.to_ascii_uppercase(),
            c => c.to_ascii_lowercase(),
        });
        let other: String = other.collect();
        query.questions[0].qname = Name::new(&other).unwrap();
        query.remove_flags(PacketFlag::RESPONSE);
        zone.reply(&query.build_bytes_vec().unwrap())
    };
    let server = Responder::new(move |query, over| match over {
        Over::Udp => {
            let forged = zone().with(STARTTLS, vec![srv(0, 0, 587, "evil.example.com")]);
            vec![lower(query, forged)]
        }
        Over::Tcp => vec![framed(&lower(query, good()))],
    });
    assert_found(&[&server]);
}

#[test]
fn over_tcp_a_false_length_or_silence_ends_in_time() {
    let cut = |_: &[u8], query: &[u8]| {
        let question = Packet::parse(query).unwrap();
        let mut reply = reply_to(&question);
        reply.set_flags(PacketFlag::TRUNCATION);
        vec![reply.build_bytes_vec().unwrap()]
    };
    let short = Responder::new(move |query, over| match over {
        Over::Udp => cut(&[], query),
        Over::Tcp => vec![vec![0xff, 0xff, 1, 2, 3]],
    });
    assert_temporary(&[&short]);
    let stray = Responder::new(move |query, over| match over {
        Over::Udp => cut(&[], query),
        Over::Tcp => strays(query)
            .last()
            .map(|stray| framed(stray))
            .into_iter()
            .collect(),
    });
    assert_temporary(&[&stray]);
    assert_found(&[&short, &stray, &Responder::of(good())]);
}

#[test]
fn a_server_that_fails_says_nothing_about_the_name() {
    for code in [RCODE::ServerFailure, RCODE::Refused, RCODE::YXDOMAIN] {
        let broken = Responder::new(move |query, _| vec![refusal(query, code)]);
        assert_temporary(&[&broken]);
        assert_found(&[&broken, &Responder::of(good())]);
    }
}

#[test]
fn a_server_that_is_silent_or_closed_is_followed_by_the_next() {
    let silent = Responder::new(|_, _| Vec::new());
    assert_found(&[&silent, &Responder::of(good())]);
    let closed = UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let last = Responder::of(good());
    let started = Instant::now();
    let dns = Dns::new(vec![closed, last.address]);
    let found = discover("example.com", &dns, soon()).unwrap();
    assert_eq!(shown(&found.rungs(None).unwrap()), [FOUND]);
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[test]
fn one_service_that_cannot_be_asked_for_does_not_hide_the_other() {
    let server = Responder::new(|query, _| {
        let name = Packet::parse(query).unwrap().questions[0].qname.to_string();
        vec![if name.eq_ignore_ascii_case(IMPLICIT) {
            refusal(query, RCODE::ServerFailure)
        } else {
            good().reply(query)
        }]
    });
    let found = ask(&[&server]).unwrap();
    assert_eq!(shown(&found.rungs(None).unwrap()), [FOUND]);
    assert!(found.notes[0].contains("SERVFAIL"), "{:?}", found.notes);
}

#[test]
fn a_server_older_than_edns_is_asked_without_it() {
    let server = Responder::new(|query, _| {
        let asked = Packet::parse(query).unwrap();
        vec![if asked.opt().is_some() {
            // The header alone, as some do.
            let mut header = Packet::new_reply(asked.id());
            *header.rcode_mut() = RCODE::FormatError;
            header.build_bytes_vec().unwrap()
        } else {
            good().reply(query)
        }]
    });
    assert_found(&[&server]);
}

#[test]
fn aliases_are_followed_within_an_answer_and_beyond_it() {
    let there = || vec![srv(0, 0, 587, "mail.example.com")];
    let zone = zone().with(STARTTLS, vec![alias("a.example.com")]);
    let within = zone.clone().with("a.example.com", there());
    assert_found(&[&Responder::of(within)]);
    // Who is asked for the service tells the alias alone, without what it leads to.
    let beyond = Responder::new(move |query, _| {
        let asked = Packet::parse(query).unwrap();
        let mut reply = reply_to(&asked);
        let name = asked.questions[0].qname.to_string().to_lowercase();
        match name.as_str() {
            STARTTLS => reply.answers.push(record(&name, alias("a.example.com"))),
            "a.example.com" => reply.answers.push(record(&name, there().remove(0))),
            _ => {}
        }
        vec![reply.build_bytes_vec().unwrap()]
    });
    assert_found(&[&beyond]);
}

#[test]
fn aliases_without_end_are_left() {
    let circle = zone()
        .with(STARTTLS, vec![alias("a.example.com")])
        .with("a.example.com", vec![alias(STARTTLS)]);
    let failure = ask(&[&Responder::of(circle)]).unwrap_err();
    assert_eq!(failure.kind, Kind::Config, "{failure}");
    assert!(failure.message.contains("aliases"), "{failure}");
}

#[test]
fn a_tcp_port_that_never_answers_is_left_at_the_deadline() {
    // A listener that nobody accepts from: connected by the system, and then silence.
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind(tcp.local_addr().unwrap());
    let Ok(udp) = udp else { return };
    let address = udp.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let mut buffer = [0; 512];
        let (length, client) = udp.recv_from(&mut buffer).unwrap();
        let mut cut = buffer[..length].to_vec();
        cut[2] |= 0x82;
        udp.send_to(&cut, client).unwrap();
    });
    let deadline = Instant::now() + Duration::from_millis(300);
    let failure = discover("example.com", &Dns::new(vec![address]), deadline).unwrap_err();
    assert_eq!(failure.kind, Kind::Temporary);
    server.join().unwrap();
}

proptest! {
    #[test]
    fn no_octets_make_the_reader_stumble(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let question = Question::new(STARTTLS, Asked::Srv).unwrap();
        let zone = zone()
            .with(STARTTLS, vec![alias("a.example.com")])
            .with("a.example.com", vec![srv(0, 0, 587, "mail.example.com")]);
        let mut octets = zone.reply(&question.octets(true).unwrap());
        for (index, octet) in changes {
            let place = 2 + index.index(octets.len() - 2);
            octets[place] = octet;
        }
        octets.truncate(cut.index(octets.len()) + 1);
        for over in [Over::Udp, Over::Tcp] {
            let _ = question.read(&octets, over);
        }
    }
}
