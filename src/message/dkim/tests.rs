//! What a signature covers, shown by a verifier that takes it apart by the words of RFC 6376; and which
//! keys are taken. Other people's verifiers are asked in `tests/real_servers/dkim.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use super::super::Text;
use super::super::content::tests::octets;
use super::super::tests::{fields, headers, list};
use super::super::{Fields, Store};
use super::folded::LINE_MAX;
use super::*;

const RSA: &str = include_str!("../../../tests/keys/rsa.pem");
const RSA_PKCS1: &str = include_str!("../../../tests/keys/rsa-pkcs1.pem");
const ED25519_KEY: &str = include_str!("../../../tests/keys/ed25519.pem");

fn signer_of(pem: &str, domain: Option<&str>) -> Signer {
    let domain = domain.map(|domain| domain.parse().unwrap());
    let pem = Secret::new(pem.as_bytes().to_vec());
    Signer::new(&pem, "mail".parse().unwrap(), domain).unwrap()
}

fn signer() -> Signer {
    signer_of(ED25519_KEY, None)
}

fn handed_over(input: &str) -> Message {
    Message::handed_over(input.as_bytes().to_vec(), &fields()).unwrap()
}

/// What a server with or without extensions gets of the message, signed.
fn sent(message: Message, signer: &Signer, extensions: bool) -> String {
    let message = message.signed_at(signer, 1_700_000_000).unwrap();
    let content = message.content(extensions, extensions).unwrap();
    String::from_utf8(octets(&content, 1024)).unwrap()
}

fn signed(input: &str) -> String {
    sent(handed_over(input), &signer(), true)
}

/// The value of a tag of the first signature, without white space.
fn tag(message: &str, name: &str) -> String {
    let (field, _) = message.split_once("\r\n\r\n").unwrap();
    let field = field.replace("\r\n ", " ");
    let field = field.lines().next().unwrap();
    let value = field.strip_prefix("DKIM-Signature: ").unwrap();
    let mut tags = value.split(';').map(str::trim);
    let start = format!("{name}=");
    let found = tags.find_map(|tag| tag.strip_prefix(&start));
    found.unwrap_or_default().replace(' ', "")
}

fn squeezed(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the first signature of a message holds.
fn holds(message: &str, signer: &Signer) -> bool {
    let (header, body) = message.split_once("\r\n\r\n").unwrap();
    let header = header.replace("\r\n ", " ").replace("\r\n\t", " ");
    let mut lines: Vec<&str> = header.split("\r\n").collect();
    let signature = lines.remove(0);
    let body: Vec<String> = body
        .split("\r\n")
        .map(|line| {
            let indent = if line.starts_with([' ', '\t']) && !line.trim().is_empty() {
                " "
            } else {
                ""
            };
            format!("{indent}{}\r\n", squeezed(line))
        })
        .collect();
    let body = body.concat();
    let body = body.trim_end_matches("\r\n");
    let body = if body.is_empty() {
        String::new()
    } else {
        format!("{body}\r\n")
    };
    if STANDARD.encode(digest(&SHA256, body.as_bytes())) != tag(message, "bh") {
        return false;
    }
    let canonical = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        format!("{}:{}", name.trim_end().to_lowercase(), squeezed(value))
    };
    let mut data = String::new();
    for name in tag(message, "h").split(':') {
        let is_it = |line: &&str| {
            line.split(':')
                .next()
                .unwrap()
                .trim_end()
                .eq_ignore_ascii_case(name)
        };
        if let Some(at) = lines.iter().rposition(is_it) {
            data.push_str(&format!("{}\r\n", canonical(lines.remove(at))));
        }
    }
    let (unsigned, _) = signature.rsplit_once(" b=").unwrap();
    data.push_str(&canonical(&format!("{unsigned} b=")));
    let proof = STANDARD.decode(tag(message, "b")).unwrap();
    match &signer.key {
        Key::Ed25519(key) => {
            let hash = digest(&SHA256, data.as_bytes());
            let key = UnparsedPublicKey::new(&ED25519, key.public_key());
            key.verify(hash.as_ref(), &proof).is_ok()
        }
        Key::Rsa(key) => {
            let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key());
            key.verify(data.as_bytes(), &proof).is_ok()
        }
    }
}

const PLAIN: &str = "From: Alice <alice@example.com>\nTo: bob@example.org\nSubject: Report\nDate: x\nMessage-ID: <9@x.org>\n";

#[test]
fn the_signature_stands_first_in_short_lines_and_names_what_it_covers() {
    let message = signed(&format!("{PLAIN}\nhello\n"));
    let start = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com;\r\n \
                 s=mail; t=1700000000;\r\n \
                 h=From:From:Reply-To:To:To:Cc:Subject:Subject:Content-Type:\r\n \
                 Content-Transfer-Encoding:Date:Date:Message-ID:Message-ID;\r\n \
                 bh=zS7KNTV0HyeorkDDGwxB1AV6enuRKzO5rthkhdHIRnY=;\r\n b=";
    assert!(message.starts_with(start), "{message}");
    let (_, rest) = message.split_once("\r\nFrom:").unwrap();
    assert_eq!(
        format!("From:{rest}"),
        format!("{PLAIN}\nhello\n").replace('\n', "\r\n")
    );
    for pem in [RSA, RSA_PKCS1] {
        let message = sent(
            handed_over(&format!("{PLAIN}\nhello\n")),
            &signer_of(pem, None),
            true,
        );
        assert!(
            message.lines().all(|line| line.len() <= LINE_MAX),
            "{message}"
        );
        assert_eq!(tag(&message, "a"), "rsa-sha256");
        assert!(holds(&message, &signer_of(pem, None)));
    }
}

#[test]
fn what_a_relay_changes_without_harm_breaks_nothing_and_what_is_shown_cannot_be_changed() {
    let original = signed(&format!(
        "{PLAIN}MIME-Version: 1.0\n\nhello  world\n\nbye\n"
    ));
    assert!(holds(&original, &signer()));
    for (old, new, harmless) in [
        ("hello  world", "hello world ", true),
        ("bye\r\n", "bye\r\n\r\n\r\n", true),
        ("Subject: Report", "SUBJECT:\r\n\tReport ", true),
        (
            "MIME-Version: 1.0\r\n",
            "MIME-Version: 1.0\r\nReceived: x\r\nList-Id: <l.x>\r\nSender: s@x.org\r\n",
            true,
        ),
        ("hello", "hullo", false),
        ("bye\r\n", "bye\r\nmore\r\n", false),
        ("Subject: Report", "Subject: Re port", false),
        ("From: Alice", "From: Bob", false),
        ("\r\nFrom: ", "\r\nFrom: m@x.org\r\nFrom: ", false),
        ("\r\nFrom: ", "\r\nSubject: x\r\nFrom: ", false),
        ("\r\nFrom: ", "\r\nReply-To: x\r\nFrom: ", false),
        ("\r\nFrom: ", "\r\nCc: x\r\nFrom: ", false),
        ("\r\nFrom: ", "\r\nDate: y\r\nFrom: ", false),
        ("\r\nFrom: ", "\r\nContent-Type: text/html\r\nFrom: ", false),
        ("MIME-Version: 1.0\r\n", "", false),
        ("t=1700000000", "t=1700000001", false),
        ("d=example.com", "d=example.net", false),
    ] {
        let changed = original.replacen(old, new, 1);
        assert_ne!(changed, original, "{old}");
        assert_eq!(holds(&changed, &signer()), harmless, "{old:?} to {new:?}");
    }
}

#[test]
fn of_several_fields_with_one_name_each_is_signed() {
    let list =
        "List-Unsubscribe: <mailto:u@x.org>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n";
    let original = signed(&format!("X: 1\n{PLAIN}Subject: second\n{list}\nx\n"));
    assert!(
        tag(&original, "h").contains(":Subject:Subject:Subject:"),
        "{original}"
    );
    assert!(tag(&original, "h").ends_with(":List-Unsubscribe:List-Unsubscribe-Post"));
    assert!(holds(&original, &signer()));
    for (old, new, harmless) in [
        ("second", "2nd", false),
        ("Report", "report", false),
        ("One-Click", "x", false),
        ("X: 1", "X: 2", true),
    ] {
        assert_eq!(
            holds(&original.replacen(old, new, 1), &signer()),
            harmless,
            "{old}"
        );
    }
}

#[test]
fn what_is_not_sent_or_changes_on_the_way_is_not_signed() {
    let message = handed_over(&format!(
        "Return-Path: <x@x.org>\nReceived: x\nBcc: c@x.org\n{PLAIN}\nx\n"
    ));
    let message = message.signed(&signer()).unwrap();
    assert_eq!(message.recipients().unwrap().len(), 2);
    let message = String::from_utf8(octets(&message.content(true, true).unwrap(), 1024)).unwrap();
    let names = tag(&message, "h").to_lowercase();
    assert!(
        !["bcc", "received", "return-path"]
            .iter()
            .any(|name| names.contains(name)),
        "{names}"
    );
    assert!(!message.contains("c@x.org") && holds(&message, &signer()));
}

#[test]
fn a_signature_that_is_there_stays_below_ours() {
    let message = signed(&format!("DKIM-Signature: v=1; theirs\n{PLAIN}\nx\n"));
    let (ours, rest) = message.split_once("\r\nDKIM-Signature: ").unwrap();
    assert!(
        ours.starts_with("DKIM-Signature: v=1; a=") && rest.starts_with("v=1; theirs\r\nFrom:")
    );
    assert!(holds(&message, &signer()));
}

#[test]
fn every_server_gets_the_octets_that_were_signed() {
    let flags = Fields {
        to: list("Jörg <j@bücher.example>"),
        subject: Some("größer".repeat(30)),
        headers: headers(&["X-A: ü"]),
        from: Some(list("alice@bücher.example")),
        ..fields()
    };
    let composed = || Message::compose(&flags, Text::from("ü\n.\n\n\n".to_owned())).unwrap();
    let raw = || {
        handed_over(&format!(
            "{PLAIN}Cc: Jörg <j@bücher.example>\nX: ü\n\ngrün\n"
        ))
    };
    let parts = |kind: &str| {
        let part =
            "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\ngrün\n";
        let head = format!("MIME-Version: 1.0\nContent-Type: multipart/{kind}; boundary=b");
        handed_over(&format!("{PLAIN}{head}\n\n--b\n{part}--b\n{part}--b--\n"))
    };
    let mixed = || parts("mixed");
    for make in [&composed as &dyn Fn() -> Message, &raw, &mixed] {
        let message = sent(make(), &signer(), true);
        assert!(
            message.is_ascii() && holds(&message, &signer()),
            "{message}"
        );
        assert_eq!(sent(make(), &signer(), false), message);
    }
    let untouched = sent(parts("signed"), &signer(), true);
    assert!(untouched.contains("\r\n\r\ngrün\r\n") && holds(&untouched, &signer()));
    assert_eq!(
        tag(&sent(composed(), &signer(), true), "d"),
        "xn--bcher-kva.example"
    );
    let needy = handed_over(&format!("{PLAIN}Cc: jörg@x.org\nX: ü\n\ngrün\n"));
    let message = sent(needy, &signer(), true);
    assert!(message.contains("jörg@x.org\r\nX: ü\r\n") && message.ends_with("=C3=BCn\r\n"));
    assert!(holds(&message, &signer()));
}

#[test]
fn a_queued_message_comes_back_with_its_signature() {
    let message = signed(&format!("{PLAIN}\n hello\n\n\n"));
    let kept = Message::kept(Store::from(message.clone().into_bytes())).unwrap();
    let content = kept.content(false, false).unwrap();
    assert_eq!(octets(&content, 1024), message.as_bytes());
}

#[test]
fn the_domain_is_that_of_from_unless_one_is_set() {
    let domain_and_warnings = |from: &str, domain: Option<&str>| {
        let message = handed_over(&format!("From: {from}\nTo: b@x.org\n\nx\n"));
        let message = message.signed(&signer_of(ED25519_KEY, domain)).unwrap();
        let text = String::from_utf8(octets(&message.content(true, true).unwrap(), 1024)).unwrap();
        let is_signed = text.starts_with(SIGNATURE);
        let domain = if is_signed {
            tag(&text, "d")
        } else {
            String::new()
        };
        (domain, message.warnings().join("\n"))
    };
    for (from, set, domain, warning) in [
        ("a@mail.Example.com", None, "mail.example.com", ""),
        ("a@mail.example.com", Some("Example.com"), "example.com", ""),
        (
            "a@example.com",
            Some("mail.example.com"),
            "mail.example.com",
            "",
        ),
        (
            "a@one.example.com",
            Some("two.example.com"),
            "two.example.com",
            "",
        ),
        (
            "a@example.com",
            Some("example.net"),
            "example.net",
            "of example.net and From of example.com: DMARC does not count it",
        ),
        ("root (Cron Daemon)", Some("example.net"), "example.net", ""),
        (
            "root (Cron Daemon)",
            None,
            "",
            "not signed by DKIM: From names no domain",
        ),
        ("root@web1", None, "", "not signed by DKIM"),
        ("root@[192.0.2.1]", None, "", "not signed by DKIM"),
    ] {
        let (found, warnings) = domain_and_warnings(from, set);
        assert_eq!(found, domain, "{from}");
        assert_eq!(warnings.is_empty(), warning.is_empty(), "{warnings}");
        assert!(warnings.contains(warning), "{warnings}");
    }
}

#[test]
fn what_is_not_signed_stays_as_it_is_and_a_body_alone_stays_a_body() {
    let input = "From: root (Cron Daemon)\nDate: x\nMessage-ID: <1@x.org>\n\ngrün\n";
    let unsigned = handed_over(input).signed(&signer()).unwrap();
    let unsigned = octets(&unsigned.content(true, true).unwrap(), 1024);
    assert_eq!(unsigned, input.replace('\n', "\r\n").into_bytes());
    let signer = signer_of(ED25519_KEY, Some("example.com"));
    let message = sent(Message::from_raw(b"Hello\n").unwrap(), &signer, true);
    assert!(message.ends_with("\r\n\r\nHello\r\n") && holds(&message, &signer));
}

#[test]
fn a_from_in_no_charset_names_its_domain() {
    let input = b"From: J\xf6rg <a@example.com>\nTo: b@x.org\n\nx\n".to_vec();
    let message = Message::handed_over(input, &fields()).unwrap();
    let message = sent(message, &signer(), true);
    assert_eq!(tag(&message, "d"), "example.com");
    assert!(holds(&message, &signer()));
}

#[test]
fn a_name_is_one_of_dns() {
    for text in [
        "", "a b", "a;b", "a\r\nb", "a=b", "a..b", "-a", "a.", "ü\u{0}",
    ] {
        let failure = text.parse::<Name>().unwrap_err();
        assert_eq!(failure.kind, Kind::Usage, "{text:?}");
    }
    assert!(Name::of_domain("localhost").is_err() && Name::of_domain("x.org").is_ok());
    assert_eq!(
        "S2024.Mail".parse::<Name>().unwrap().to_string(),
        "s2024.mail"
    );
}

#[test]
fn a_long_domain_folds_as_it_can() {
    let domain = vec!["d".repeat(60); 4].join(".");
    let input = "From: a@x.org\nTo: b@x.org\n\nx\n";
    let signer = signer_of(RSA, Some(&domain));
    let message = sent(handed_over(input), &signer, true);
    assert!(holds(&message, &signer), "{message}");
}

#[test]
fn a_key_that_cannot_sign_is_told_apart() {
    for (pem, words) in [
        (
            include_str!("../../../tests/keys/rsa-1024.pem"),
            "an RSA key of less than 2048 bits",
        ),
        (
            include_str!("../../../tests/keys/ec.pem"),
            "neither RSA nor Ed25519",
        ),
        (include_str!("../../../tests/keys/ec-sec1.pem"), "an EC key"),
        (
            include_str!("../../../tests/keys/encrypted.pem"),
            "is encrypted",
        ),
        (
            include_str!("../../../tests/keys/encrypted-pkcs1.pem"),
            "is encrypted",
        ),
        (
            include_str!("../../../tests/keys/ed25519-public.pem"),
            "no private key in it (-----BEGIN PRIVATE KEY-----), but a public one",
        ),
        ("", "no private key in it"),
        (
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----\n",
            "cannot be used",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\n????\n-----END PRIVATE KEY-----\n",
            "no private key in it",
        ),
    ] {
        let failure = Signer::new(
            &Secret::new(pem.as_bytes().to_vec()),
            Name("s".into()),
            None,
        )
        .unwrap_err();
        assert_eq!(failure.kind, Kind::Config);
        assert!(failure.message.contains(words), "{failure}");
        let body = pem.lines().nth(1).unwrap_or("none");
        assert!(!failure.message.contains(body), "{failure}");
    }
    assert_eq!(
        format!("{:?}", Key::from_pem(&Secret::new(RSA.into())).unwrap()),
        "Key(rsa-sha256, ***)"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_handed_over_holds_and_is_the_same_for_every_server(
        names in proptest::collection::vec("Subject|to|X-A|LIST-ID ?|content-type", 0..6),
        value in "[a\t \u{e9}]{0,20}|[a ]{0,5}\n[ \t]{1,2}[a \u{e9}]{1,5}",
        body in "[a\u{e9} \t\n.]{0,60}|(a{0,20}[ \t]{0,2}\r\n){0,9}",
    ) {
        let fields: Vec<String> = names.iter().map(|name| format!("{name}: {value}x\n")).collect();
        let input = format!("From: a@example.com\n{}\n{body}", fields.concat());
        let message = signed(&input);
        prop_assert!(holds(&message, &signer()), "{}", message);
        if message.is_ascii() {
            prop_assert_eq!(&sent(handed_over(&input), &signer(), false), &message);
        }
        let changed = message.replacen("From: a@", "From: b@", 1);
        prop_assert!(!holds(&changed, &signer()));
    }
}
