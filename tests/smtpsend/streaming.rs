//! Large input is not held in memory: it arrives as a small one does, from a file and from a pipe.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use tempfile::TempDir;

use crate::delivery::{Delivery, delivered, delivered_where};
use crate::input::WHOLE;
use crate::support::Smtpsend;

/// More than is kept in memory.
pub(crate) const LARGE: usize = 3 << 19;
/// More than that and all that the buffers of two sockets hold.
pub(crate) const VERY_LARGE: usize = 6 << 20;

/// Lines of text, no two the same.
pub(crate) fn lines(size: usize, end: &str) -> String {
    let mut text = String::new();
    for n in 0.. {
        if text.len() >= size {
            break;
        }
        text.push_str(&format!(
            ".{n} and some text up to some sixty octets in a line{end}"
        ));
    }
    text
}

pub(crate) fn message(size: usize, end: &str) -> Vec<u8> {
    let header = format!("{WHOLE}To: b@example.com\r\n\r\n").replace("\r\n", end);
    [header, lines(size, end)].concat().into_bytes()
}

/// A file with these octets, open at its start.
pub(crate) fn file(octets: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(octets).unwrap();
    file.rewind().unwrap();
    file
}

fn fixed(call: Smtpsend) -> Smtpsend {
    let date = "Date: Thu, 1 Jan 1970 00:00:00 +0000";
    call.args(["-H", date, "-H", "Message-ID: <1@x.org>"])
}

/// What a run prints that reads the octets from a pipe, and one that reads them from a file.
fn printed(octets: &[u8], args: &[&str]) -> [Vec<u8>; 2] {
    let call = || {
        let call = fixed(Smtpsend::new()).args(["-n", "--to", "b@example.com"]);
        call.args(args.iter().copied()).stdout_any().stderr_any()
    };
    [
        call().stdin(octets).run().stdout,
        call().stdin_from(&file(octets)).run().stdout,
    ]
}

#[test]
fn a_large_message_arrives_octet_for_octet_from_pipe_and_file() {
    for end in ["\r\n", "\n"] {
        let message = message(LARGE, end);
        let wanted = String::from_utf8(message.clone()).unwrap();
        let wanted = wanted.replace("\r\n", "\n").replace('\n', "\r\n");
        let from_pipe = delivered(|call| call.stdin(&message));
        assert!(from_pipe.message.data == wanted.as_bytes(), "{end:?}");
        let from_file = delivered(|call| call.stdin_from(&file(&message)));
        assert!(from_file.message.data == wanted.as_bytes(), "{end:?}");
    }
}

#[test]
fn a_large_body_arrives_without_loss_whatever_it_needs() {
    let ascii = lines(LARGE, "\n").into_bytes();
    let german = lines(LARGE, " gr\u{fc}\u{df}t\n").into_bytes();
    let greek = lines(LARGE, &"\u{3b1}\u{3b2}\u{3b3}".repeat(20)).into_bytes();
    for (body, encoding) in [
        (&ascii, "7bit"),
        (&german, "quoted-printable"),
        (&greek, "base64"),
    ] {
        let wanted = String::from_utf8(body.clone()).unwrap();
        let mut wanted = wanted.replace('\n', "\r\n");
        if !wanted.ends_with("\r\n") {
            wanted.push_str("\r\n");
        }
        let check = |delivery: Delivery| {
            assert_eq!(delivery.fields("Content-Transfer-Encoding"), [encoding]);
            assert!(delivery.decoded() == wanted.as_bytes(), "{encoding}");
        };
        check(delivered(|call| call.stdin(body)));
        check(delivered(|call| call.stdin_from(&file(body))));
    }
}

#[test]
fn a_large_body_in_another_charset_or_in_none_arrives_without_loss() {
    let (latin1, text): (Vec<u8>, String) = {
        let text = lines(LARGE, " gr\u{fc}n\n");
        (
            text.chars().map(|c| u8::try_from(c).unwrap()).collect(),
            text,
        )
    };
    let data: Vec<u8> = (0..=255).cycle().take(LARGE).collect();
    let wanted = text.replace('\n', "\r\n");
    for stdin in [false, true] {
        let given = |call: Smtpsend, octets: &[u8]| match stdin {
            true => call.stdin(octets).stderr_any(),
            false => call.stdin_from(&file(octets)).stderr_any(),
        };
        let decoded = delivered(|call| given(call.args(["--charset", "latin1"]), &latin1));
        assert!(decoded.decoded() == wanted.as_bytes());
        let unknown = delivered(|call| given(call, &latin1));
        assert_eq!(
            unknown.fields("Content-Type"),
            ["text/plain; charset=unknown-8bit"]
        );
        let sent: Vec<u8> = wanted.chars().map(|c| u8::try_from(c).unwrap()).collect();
        assert!(unknown.decoded() == sent);
        let binary = delivered(|call| given(call.args(["--input", "body"]), &data));
        assert!(binary.decoded() == data);
    }
}

#[test]
fn a_file_and_a_pipe_make_the_same_message_on_both_sides_of_the_limit() {
    for size in [(1 << 20) - 1, 1 << 20, (1 << 20) + 1] {
        let mut octets = message(size, "\n");
        octets.truncate(size);
        for args in [&["--input", "message"], &["--input", "body"]] {
            let [pipe, file] = printed(&octets, args);
            assert!(pipe == file, "{size} {args:?}");
            let text = String::from_utf8(octets.clone()).unwrap();
            let text = text.replace('\n', "\r\n") + if text.ends_with('\n') { "" } else { "\r\n" };
            assert!(file.ends_with(&text.as_bytes()[200..]), "{size} {args:?}");
        }
    }
}

#[test]
fn a_large_body_file_is_sent_where_it_is() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("text");
    let text = lines(LARGE, "\n");
    std::fs::write(&path, &text).unwrap();
    let delivery = delivered(|call| {
        let path = path.to_str().unwrap();
        call.args(["--body-file", path]).stdin_never_ends()
    });
    assert!(delivery.body() == text.replace('\n', "\r\n").as_bytes());
}

#[test]
fn a_file_is_read_from_where_it_is_open_and_left_at_its_end() {
    for size in [2000, LARGE] {
        let text = lines(size, "\n");
        let first_line = text.find('\n').unwrap() + 1;
        let mut file = file(text.as_bytes());
        file.seek(SeekFrom::Start(first_line as u64)).unwrap();
        let delivery = delivered(|call| call.stdin_from(&file));
        let rest = &text[first_line..];
        assert!(delivery.body() == rest.replace('\n', "\r\n").as_bytes());
        assert_eq!(file.stream_position().unwrap(), text.len() as u64);
    }
}

#[test]
fn nothing_is_left_of_what_was_too_large_for_memory() {
    let folder = TempDir::new().unwrap();
    let message = message(LARGE, "\r\n");
    let delivery = delivered_where(&["8BITMIME"], 1, |call| {
        call.env("TMPDIR", folder.path()).stdin(&message)
    });
    assert!(delivery.message.data == message);
    assert!(is_empty(folder.path()));
}

#[test]
fn a_temporary_folder_that_cannot_be_used_is_passed_over() {
    let folder = TempDir::new().unwrap();
    let message = message(LARGE, "\r\n");
    let delivery = delivered(|call| {
        call.env("TMPDIR", folder.path().join("none"))
            .stdin(&message)
    });
    assert!(delivery.message.data == message);
    assert!(is_empty(folder.path()));
}

#[test]
fn a_large_input_takes_no_more_memory_than_a_small_one() {
    let text = lines(VERY_LARGE, " gr\u{fc}n\n").repeat(2);
    let message = [WHOLE.as_bytes(), b"\r\n", text.as_bytes()].concat();
    for octets in [text.as_bytes(), &message] {
        let call = || {
            let limited = "ulimit -d 6144 && exec \"$0\" \"$@\"";
            Smtpsend::at("/bin/sh")
                .args(["-c", limited, env!("CARGO_BIN_EXE_smtpsend")])
                .args(["-n", "--to", "b@example.com"])
                .stdout_to(File::options().write(true).open("/dev/null").unwrap())
                .stderr_has("size: 1")
        };
        call().stdin(octets).run();
        call().stdin_from(&file(octets)).run();
    }
}

#[test]
fn what_looks_like_a_header_for_as_long_as_it_lasts_is_a_body() {
    let line = format!("{{\"time\":{}}}", "1,".repeat(LARGE));
    let lines = "{\"time\": 1}\n".repeat(LARGE / 10);
    for text in [line, lines] {
        let delivery = delivered(|call| call.stdin_from(&file(text.as_bytes())));
        let wanted = format!("{}\r\n", text.trim_end().replace('\n', "\r\n"));
        assert!(delivery.decoded() == wanted.as_bytes());
    }
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}
