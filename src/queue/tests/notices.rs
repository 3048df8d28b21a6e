//! What the sender is told of those who did not get the message.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::envelope::Options;
use crate::smtp::{Cause, Enhanced};

/// The text of the notice that comes of these verdicts for a message with this header.
fn notice(header: &str, verdicts: &[(&str, Verdict)], seconds: u64) -> String {
    let (_directory, queue) = queue();
    let to: Vec<&str> = verdicts.iter().map(|(to, _)| *to).collect();
    let (envelope, message) = (
        envelope(&to),
        message(&format!("{header}\n\nsecret body\n")),
    );
    let entry = NewEntry {
        profile: Some("work"),
        ..new(&envelope, &message)
    };
    let claim = queue.claim(queue.add(&entry).unwrap()).unwrap().unwrap();
    let settled = claim
        .settle(&report(verdicts), at(seconds), &schedule())
        .unwrap();
    let (Settled::Failed { notice } | Settled::Waiting { notice, .. }) = settled else {
        panic!("{settled:?}");
    };
    let claim = queue.claim(notice.unwrap()).unwrap().unwrap();
    assert_eq!(claim.entry().profile(), Some("work"));
    let (envelope, mail) = claim.mail().unwrap();
    assert_eq!(envelope.sender(), &ReversePath::Null);
    assert_eq!(envelope.recipients(), ["a@x.org".parse().unwrap()]);
    String::from_utf8(octets(&mail)).unwrap()
}

fn refused(code: u16, enhanced: Option<Enhanced>, text: &str) -> Verdict {
    let reply = Reply {
        enhanced,
        ..reply(code, text)
    };
    let failure = Failure::new(Kind::Recipient, "refused");
    Verdict::Rejected(std::sync::Arc::new(Cause {
        failure,
        reply: Some(reply),
    }))
}

/// The header and the parts of a notice, each part split into its header and its body.
fn parts(notice: &str) -> (String, Vec<(String, String)>) {
    let (header, body) = notice.split_once("\r\n\r\n").unwrap();
    let boundary = header
        .split_once("boundary=\"")
        .unwrap()
        .1
        .split('"')
        .next()
        .unwrap();
    assert!(boundary.len() <= 70);
    let body = format!("\r\n{body}");
    let (body, after) = body.split_once(&format!("\r\n--{boundary}--")).unwrap();
    assert_eq!(after, "\r\n");
    let between = format!("\r\n--{boundary}\r\n");
    let mut pieces = body.split(&between);
    assert_eq!(pieces.next(), Some(""));
    let split = |piece: &str| {
        let (header, body) = piece.split_once("\r\n\r\n").unwrap();
        (header.to_owned(), body.to_owned())
    };
    (header.to_owned(), pieces.map(split).collect())
}

#[test]
fn a_notice_has_the_three_parts_of_rfc_3464() {
    let enhanced = Some(Enhanced(5, 1, 1));
    let notice = notice(
        "Subject: hello\nMessage-ID: <1@x.org>",
        &[
            ("b@x.org", refused(550, enhanced, "no such user")),
            ("c@x.org", accepted()),
        ],
        1,
    );
    let (header, parts) = parts(&notice);
    for line in [
        "From: Mail Delivery System <a@x.org>",
        "To: <a@x.org>",
        "Auto-Submitted: auto-replied",
        "In-Reply-To: <1@x.org>",
        "Content-Type: multipart/report; report-type=delivery-status;",
        "MIME-Version: 1.0",
    ] {
        assert!(header.lines().any(|has| has == line), "{line}: {header}");
    }
    assert!(header.contains("\r\nDate: ") && header.contains("\r\nMessage-ID: <"));
    let [words, status, original] = parts.as_slice() else {
        panic!("{parts:?}");
    };
    assert!(words.0.starts_with("Content-Type: text/plain"));
    assert!(
        words
            .1
            .contains("<b@x.org>:\r\n    550 5.1.1 no such user\r\n")
    );
    assert!(!notice.contains("c@x.org"));

    assert!(
        status
            .0
            .starts_with("Content-Type: message/delivery-status")
    );
    let groups: Vec<&str> = status.1.split("\r\n\r\n").collect();
    assert_eq!(groups.len(), 2);
    assert!(groups[0].starts_with("Reporting-MTA: dns; "));
    for line in [
        "Final-Recipient: rfc822; b@x.org",
        "Action: failed",
        "Status: 5.1.1",
        "Diagnostic-Code: smtp; 550 5.1.1 no such user",
    ] {
        assert!(
            groups[1].lines().any(|has| has == line),
            "{line}: {status:?}"
        );
    }
    assert!(original.0.starts_with("Content-Type: text/rfc822-headers"));
    assert_eq!(original.1, "Subject: hello\r\nMessage-ID: <1@x.org>\r\n");
    assert!(!notice.contains("secret body"));
}

#[test]
fn whatever_a_server_says_a_notice_is_well_formed() {
    let long = "ü".repeat(3000);
    for text in [
        "",
        "grün",
        &long,
        ".",
        "a\u{85}b \"c\" \\ <d> --=_",
        &"word ".repeat(200),
    ] {
        let notice = notice("Subject: grün", &[("b@x.org", refused(554, None, text))], 1);
        assert!(notice.lines().all(|line| line.len() <= 998));
        let (_, parts) = parts(&notice);
        assert_eq!(parts.len(), 3);
        assert!(parts[0].1.is_ascii() && parts[1].1.is_ascii());
        assert!(parts[1].1.contains("Status: 5.0.0\r\n"));
        assert!(parts[2].0.contains("message/global-headers"));
        assert!(parts[2].0.contains("base64"));
        let header = STANDARD.decode(parts[2].1.replace("\r\n", "")).unwrap();
        assert_eq!(String::from_utf8(header).unwrap(), "Subject: grün\r\n");
        assert!(notice.is_ascii(), "no server may refuse it");
    }
}

#[test]
fn who_was_given_up_is_told_of_with_what_was_said_last() {
    let days = 5 * 24 * 3600;
    let verdicts = [
        ("b@x.org", failed(Kind::Temporary, "connection refused")),
        ("c@x.org", failed(Kind::Uncertain, "cut off")),
    ];
    let (_, parts) = parts(&notice("A: 1", &verdicts, days));
    assert!(parts[0].1.contains("connection refused"));
    assert!(parts[0].1.contains("it may have been delivered; cut off"));
    assert!(parts[1].1.contains("Status: 4.4.7\r\n"));
    assert!(
        parts[1]
            .1
            .contains("Diagnostic-Code: x-smtpsend; connection refused\r\n")
    );
}

#[test]
fn addresses_beyond_ascii_are_written_in_ascii_where_they_must() {
    let (_, parts) = parts(&notice(
        "A: 1",
        &[("jörg@x.org", refused(550, None, "no"))],
        1,
    ));
    assert!(
        parts[1]
            .1
            .contains("Final-Recipient: utf-8; j\\x{F6}rg@x.org\r\n")
    );
}

#[test]
fn nobody_is_told_where_the_sender_is_null() {
    let (_directory, queue) = queue();
    let envelope = Envelope::new(ReversePath::Null, vec!["b@x.org".parse().unwrap()]).unwrap();
    let message = message("A: 1\n\n");
    let entry = new(&envelope, &message);
    let id = queue.add(&entry).unwrap();
    let claim = queue.claim(id).unwrap().unwrap();
    let report = report(&[("b@x.org", failed(Kind::Refused, "no"))]);
    let settled = claim.settle(&report, at(1), &schedule()).unwrap();
    assert_eq!(settled, Settled::Failed { notice: None });
    assert_eq!(queue.ids().unwrap(), [(id, Place::Failed)]);
    assert_eq!(
        fs::read_dir(queue.path().join("active")).unwrap().count(),
        0
    );
}

#[test]
fn options_of_the_message_decide_over_its_notice() {
    let (_directory, queue) = queue();
    let asked = |notify: Option<&str>| Options {
        notify: notify.map(|text| text.parse().unwrap()),
        envid: Some("my id".parse().unwrap()),
        require_tls: true,
        ..Options::default()
    };
    for (notify, is_told) in [
        (Some("never"), false),
        (Some("success"), false),
        (Some("failure"), true),
        (None, true),
    ] {
        let envelope = envelope(&["b@x.org"]).with_options(asked(notify));
        let message = message("A: 1\n\n");
        let id = queue.add(&new(&envelope, &message)).unwrap();
        let claim = queue.claim(id).unwrap().unwrap();
        assert_eq!(claim.mail().unwrap().0, envelope);
        let report = report(&[("b@x.org", failed(Kind::Refused, "no"))]);
        let Settled::Failed { notice } = claim.settle(&report, at(1), &schedule()).unwrap() else {
            panic!("{notify:?}");
        };
        assert_eq!(notice.is_some(), is_told, "{notify:?}");
        if let Some(notice) = notice {
            let (envelope, mail) = queue.claim(notice).unwrap().unwrap().mail().unwrap();
            assert!(envelope.options().require_tls && envelope.options().envid.is_none());
            let text = String::from_utf8(octets(&mail)).unwrap();
            assert!(text.contains("\r\nOriginal-Envelope-Id: my id\r\n"));
        }
    }
}

#[test]
fn each_recipient_is_told_of_once() {
    let (_directory, queue) = queue();
    let id = add(&queue, &["b@x.org", "c@x.org"]);
    let no = || failed(Kind::Refused, "no");
    let later = || failed(Kind::Temporary, "later");
    let rounds: [(&[(&str, Verdict)], usize); 3] = [
        (&[("b@x.org", no()), ("c@x.org", later())], 2),
        (&[("c@x.org", later())], 2),
        (&[("c@x.org", no())], 3),
    ];
    for (verdicts, files) in rounds {
        let claim = queue.claim(id).unwrap().unwrap();
        claim.settle(&report(verdicts), at(1), &schedule()).unwrap();
        assert_eq!(queue.ids().unwrap().len(), files);
    }
}
