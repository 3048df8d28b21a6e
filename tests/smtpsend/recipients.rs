//! Who gets the message and from whom: the envelope, from flags and from the message itself.

use crate::delivery::{call, delivered, delivered_where, server_without_mail};
use crate::support::{Server, Smtpsend};

/// Told before anybody is connected to.
#[track_caller]
fn refused(with: impl FnOnce(Smtpsend) -> Smtpsend, code: i32, why: &str) {
    let server = Server::unvisited();
    with(call(&server)).fails_with(code).stderr_has(why).run();
    server.finish();
}

/// The commands of a delivery of `message` to so many recipients.
#[track_caller]
fn envelope(args: &[&str], message: &str, recipients: usize) -> (String, Vec<String>) {
    let delivery = delivered_where(&[], recipients, |call| {
        call.args(args.iter().copied()).stdin(message)
    });
    let sender = delivery
        .mail()
        .strip_prefix("MAIL FROM:")
        .unwrap()
        .to_owned();
    let recipients = delivery.recipients().into_iter().map(str::to_owned);
    (sender, recipients.collect())
}

const MESSAGE: &str = "From: m@x.org\nTo: t@x.org\nCc: C <c@x.org>\nBcc: d@x.org\n\nhi\n";

#[test]
fn flags_are_the_envelope() {
    let args = [
        "--to",
        "1@x.org, 2@x.org",
        "-b",
        "4@x.org",
        "-c",
        "3@x.org",
        "--to",
        "5@x.org",
    ];
    let (_, recipients) = envelope(&args, MESSAGE, 5);
    assert_eq!(
        recipients,
        ["1@x.org", "2@x.org", "5@x.org", "3@x.org", "4@x.org"]
    );
}

#[test]
fn without_flags_the_message_names_the_recipients() {
    let (_, recipients) = envelope(&[], MESSAGE, 3);
    assert_eq!(recipients, ["t@x.org", "c@x.org", "d@x.org"]);
}

#[test]
fn read_recipients_adds_those_of_the_message() {
    let (_, recipients) = envelope(&["--to", "1@x.org", "--read-recipients"], MESSAGE, 4);
    assert_eq!(recipients, ["1@x.org", "t@x.org", "c@x.org", "d@x.org"]);
}

#[test]
fn a_header_flag_names_recipients_too() {
    let (_, recipients) = envelope(&["-H", "To: h@x.org"], "hello\n", 1);
    assert_eq!(recipients, ["h@x.org"]);
}

#[test]
fn lists_are_read_as_people_write_them() {
    let list = r#"team: a@x.org, "B, C" <b@x.org>;, (comment) d@x.org (Dave \) x),, "e f"@x.org, <@r.org:g@x.org>"#;
    for (args, message) in [
        (vec!["--to", list], "hello\n".to_owned()),
        (vec![], format!("To: {list}\n\nhi\n")),
    ] {
        let (_, recipients) = envelope(&args, &message, 5);
        assert_eq!(
            recipients,
            ["a@x.org", "b@x.org", "d@x.org", "\"e f\"@x.org", "g@x.org"]
        );
    }
}

#[test]
fn a_folded_list_with_many_names_is_read_whole() {
    let list: Vec<String> = (0..50).map(|n| format!("N{n} <n{n}@x.org>")).collect();
    let (_, recipients) = envelope(&[], &format!("To: {}\n\nhi\n", list.join(",\n\t")), 50);
    assert_eq!(recipients[49], "n49@x.org");
}

#[test]
fn a_recipient_named_twice_is_sent_to_once() {
    let args = [
        "--to",
        "a@x.org,a@X.ORG",
        "-c",
        "\"a\"@x.org",
        "-b",
        "A@x.org",
    ];
    let (_, recipients) = envelope(&args, "hello\n", 2);
    assert_eq!(recipients, ["a@x.org", "A@x.org"]);
}

#[test]
fn international_domains_become_a_labels() {
    let args = ["--to", "b@Bücher.example", "-f", "a@例え.テスト"];
    let (sender, recipients) = envelope(&args, "hello\n", 1);
    assert_eq!(sender, "<a@xn--r8jz45g.xn--zckzah>");
    assert_eq!(recipients, ["b@xn--bcher-kva.example"]);
}

#[test]
fn an_address_that_starts_with_a_dash_is_an_address() {
    let (_, recipients) = envelope(&["--to=-f@x.org"], "hello\n", 1);
    assert_eq!(recipients, ["-f@x.org"]);
}

#[test]
fn a_bad_address_names_its_flag() {
    for flag in [
        "--to",
        "--cc",
        "--bcc",
        "--from",
        "--reply-to",
        "--envelope-from",
    ] {
        for bad in [
            "bob",
            "bob@",
            "@x.org",
            "a@b@x.org",
            "a b@x.org",
            "a@x..org",
            "a@x.org>",
            "<a@x.org",
        ] {
            let why = format!("smtpsend: {flag}: ");
            refused(|call| call.args(["--to", "b@x.org", flag, bad]), 65, &why);
        }
    }
}

#[test]
fn a_bad_address_in_the_message_names_its_field() {
    for (field, name) in [
        ("To: bob", "To"),
        ("Cc: a@x.org b@x.org", "Cc"),
        ("Bcc: <a@", "Bcc"),
    ] {
        let message = format!("{field}\n\nhi\n");
        refused(|call| call.stdin(message), 65, &format!("{name}: "));
    }
}

#[test]
fn nobody_to_send_to_is_a_usage_error() {
    for (args, message) in [
        (&[][..], "hello\n"),
        (&[], "Subject: x\n\nhi\n"),
        (&["--to", ""], "hello\n"),
        (&["--to", "undisclosed-recipients:;"], "hello\n"),
        (&["--read-recipients"], "To: nobody:;\n\nhi\n"),
    ] {
        let with = |call: Smtpsend| call.args(args.iter().copied()).stdin(message);
        refused(with, 64, "smtpsend: no recipient\nhint: ");
    }
}

#[test]
fn the_envelope_sender_is_the_first_that_is_said() {
    let whole = "Sender: s@x.org\nFrom: m@x.org\nTo: t@x.org\n\nhi\n";
    for (args, message, sender) in [
        (
            &["--envelope-from", "e@x.org", "-f", "f@x.org"][..],
            whole,
            "<e@x.org>",
        ),
        (&["--envelope-from", "<e@x.org>"], whole, "<e@x.org>"),
        (&["-f", "F <f@x.org>"], whole, "<f@x.org>"),
        (&[], whole, "<s@x.org>"),
        (
            &[],
            "From: M <m@x.org>, n@x.org\nTo: t@x.org\n\nhi\n",
            "<m@x.org>",
        ),
        (&[], "To: t@x.org\n\nhi\n", "<setting@x.org>"),
        (
            &[],
            "From: root (Cron Daemon)\nTo: t@x.org\n\nhi\n",
            "<setting@x.org>",
        ),
        (&["--to", "t@x.org"], "hello\n", "<setting@x.org>"),
        (
            &["--to", "t@x.org", "-H", "From: h@x.org"],
            "hello\n",
            "<h@x.org>",
        ),
    ] {
        let delivery = delivered_where(&[], 1, |call| {
            call.args(args.iter().copied())
                .env("SMTPSEND_FROM", "setting@x.org")
                .stdin(message)
        });
        assert_eq!(
            delivery.mail(),
            format!("MAIL FROM:{sender}"),
            "{args:?} {message}"
        );
    }
}

#[test]
fn without_any_word_of_it_the_sender_is_this_user_on_this_host() {
    let delivery = delivered(|call| call.args(["--body", "x"]));
    let [from] = delivery.fields("From").try_into().unwrap();
    assert_eq!(delivery.mail(), format!("MAIL FROM:<{from}>"));
    assert!(from.contains('@'), "{from}");
}

#[test]
fn the_null_sender_is_sent_as_it_is() {
    let (sender, _) = envelope(&["--envelope-from", "<>", "-f", "f@x.org"], MESSAGE, 3);
    assert_eq!(sender, "<>");
}

#[test]
fn a_local_part_beyond_ascii_needs_smtputf8() {
    let delivery = delivered_where(&["8BITMIME", "SMTPUTF8"], 1, |call| {
        call.args(["--to", "jörg@x.org", "--body", "x"])
    });
    assert_eq!(delivery.recipients(), ["jörg@x.org"]);
    assert!(
        delivery.mail().ends_with(" SMTPUTF8"),
        "{}",
        delivery.mail()
    );

    for args in [
        ["--to", "jörg@x.org"],
        ["-b", "jörg@x.org"],
        ["--envelope-from", "jörg@x.org"],
    ] {
        let server = server_without_mail(&["8BITMIME"]);
        call(&server)
            .args(["--body", "x", "--to", "b@x.org"])
            .args(args)
            .fails_with(65)
            .stderr_has("SMTPUTF8")
            .run();
        server.finish();
    }
}
