//! What a command prints: passed through, in order, and whole in the mail, however much it is and whatever stands in it.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;

use crate::parts::{self, DELIVERY, GROUPS};
use crate::run::{at, mailed, script, server};
use crate::support::{Dialogue, Options, Server};

/// The octets of the file that goes with a mail.
fn file_in(mail: &str) -> Vec<u8> {
    assert!(
        mail.contains("filename=\"output.txt.gz\"") || mail.contains("filename=output.txt.gz"),
        "{mail}"
    );
    let part = mail.rsplit("\r\n\r\n").next().unwrap();
    let base64: String = part
        .lines()
        .take_while(|line| !line.starts_with("--"))
        .collect();
    let packed = STANDARD.decode(base64).unwrap();
    let mut octets = Vec::new();
    GzDecoder::new(&*packed).read_to_end(&mut octets).unwrap();
    octets
}

#[test]
fn both_outputs_stand_in_the_mail_in_the_order_in_which_they_were_written() {
    let text = "i=0; while [ $i -lt 1000 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done; exit 1";
    let mail = mailed(&[], text, 1);
    let expected: String = (0..1000).map(|i| format!("o{i}\r\ne{i}\r\n")).collect();
    assert!(mail.ends_with(&expected), "{mail}");
}

#[test]
fn output_is_passed_through_where_that_is_wanted() {
    let server = server();
    let at = at(&server);
    let options: Vec<&str> = at.iter().map(String::as_str).chain(["--tee"]).collect();
    script(&options, "printf one; printf two >&2; printf three")
        .stdout_is("onethree")
        .stderr_is("two")
        .run();
    let mail = server.finish().message().text();
    assert!(
        mail.contains("Subject: WARNING (standard error): "),
        "{mail}"
    );
    for part in ["one", "two", "three"] {
        assert!(mail.contains(part), "{mail}");
    }
}

#[test]
fn what_is_passed_through_and_no_error_is_not_mailed() {
    let tee = ["--to", "b@example.com", "--tee"];
    script(&tee, "echo one > /dev/stdout")
        .stdout_is("one\n")
        .run();
}

#[test]
fn output_that_was_to_be_passed_through_and_is_lost_is_no_success() {
    let full = || {
        std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    let tee = ["--to", "b@example.com", "--tee"];
    script(&tee, "echo one")
        .stdout_to(full())
        .fails_with(74)
        .stderr_has("standard output: ")
        .run();
}

#[test]
fn of_much_the_beginning_and_the_end_are_shown_and_all_goes_along() {
    let mail = mailed(&[], "seq 100000; exit 1", 1);
    let all: String = (1..=100_000).map(|n| format!("{n}\n")).collect();
    assert_eq!(file_in(&mail), all.as_bytes());
    assert!(mail.contains("\r\n\r\n1\r\n2\r\n3\r\n"));
    assert!(mail.contains("\r\n99999\r\n100000\r\n"));
    assert!(mail.contains("octets are left out here: output.txt.gz has all of the output]"));
    assert!(!mail.contains("\r\n50000\r\n"));
}

#[test]
fn what_cannot_be_shown_goes_along_as_it_was() {
    let mail = mailed(
        &[],
        r"printf 'J\366rg \0 \033[31mred\033[0m 10%%\r20%%\n' >&2",
        0,
    );
    assert_eq!(file_in(&mail), b"J\xf6rg \0 \x1b[31mred\x1b[0m 10%\r20%\n");
    assert!(mail.contains("Characters that cannot be shown are left out or replaced below"));
    assert!(mail.contains("charset=utf-8"), "{mail}");
}

#[test]
fn where_the_server_takes_no_file_of_that_size_the_mail_goes_without() {
    let small = "S: 220 mail.test ESMTP\nC: EHLO *\nS: 250-mail.test\nS: 250-PIPELINING\nS: 250 SIZE 150000\n";
    let server = Server::start(
        [
            Dialogue::text(&format!("{small}C? QUIT\n")),
            Dialogue::text(&format!("{small}{DELIVERY}")),
        ],
        Options::default(),
    );
    let text = "head -c 300000 /dev/urandom | od -A n -t x1; exit 1";
    script(&at(&server).each_ref().map(String::as_str), text)
        .fails_with(1)
        .run();
    let mail = server.finish().message().text();
    assert!(
        mail.contains("left out here: the server takes no message with all of them]"),
        "{mail}"
    );
    assert!(!mail.contains("output.txt.gz"));
}

#[test]
fn a_server_that_finds_it_too_large_gets_it_without_as_well() {
    let refusal = "C: MAIL *\nC: RCPT *\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nBODY\nS: 552 5.3.4 too big\nC? QUIT\n";
    let server = Server::start(
        [
            Dialogue::text(&format!("{GROUPS}{refusal}")),
            Dialogue::text(&format!("{GROUPS}{DELIVERY}")),
        ],
        Options::default(),
    );
    script(
        &at(&server).each_ref().map(String::as_str),
        "seq 20000; exit 1",
    )
    .fails_with(1)
    .run();
    let transcript = server.finish();
    assert_eq!(transcript.messages.len(), 2);
    assert!(!transcript.messages[1].text().contains("output.txt.gz"));
}

#[test]
fn what_has_no_room_on_the_disk_is_cut_and_the_mail_says_so() {
    let server = parts::server(&[GROUPS, DELIVERY]);
    let text = "head -c 3000000 /dev/urandom | od -A n -t x1; exit 1";
    // No file may be larger: what would signal that is ignored.
    script(&at(&server).each_ref().map(String::as_str), text)
        .through(
            "sh",
            &["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$@\"", "sh"],
        )
        .fails_with(1)
        .run();
    let mail = server.finish().message().text();
    assert!(
        mail.contains("octets are left out here, and lost: "),
        "{}",
        &mail[..2000]
    );
}
