//! Files that go with a message: every octet of them, from wherever they are read, and nothing else of
//! this machine but their name.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use crate::delivery::{call, delivered, server_without_mail};
use crate::streaming::VERY_LARGE;
use crate::support::{Server, Smtpsend};

/// A part without parts: its header, unfolded, and its octets once they are decoded.
pub(crate) struct Leaf {
    pub(crate) header: String,
    pub(crate) octets: Vec<u8>,
}

impl Leaf {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.octets).unwrap()
    }
}

/// The parts without parts of an entity, in their order.
pub(crate) fn leaves(entity: &str) -> Vec<Leaf> {
    let (header, body) = entity.split_once("\r\n\r\n").unwrap();
    let header = format!("{}\r\n", header.replace("\r\n ", " "));
    let content_type = field(&header, "Content-Type");
    if let Some((_, rest)) = content_type.split_once("boundary=\"") {
        let (boundary, _) = rest.split_once('"').unwrap();
        let delimiter = format!("--{boundary}");
        let (parts, _) = body.split_once(&format!("{delimiter}--")).unwrap();
        let start = format!("{delimiter}\r\n");
        let parts = parts.split(&start).skip(1);
        return parts.flat_map(leaves).collect();
    }
    let octets = match &*field(&header, "Content-Transfer-Encoding") {
        "base64" => STANDARD.decode(body.replace("\r\n", "")).unwrap(),
        _ => body.trim_end().as_bytes().to_vec(),
    };
    vec![Leaf { header, octets }]
}

pub(crate) fn field(header: &str, name: &str) -> String {
    let mut lines = header.lines();
    let start = format!("{name}: ");
    let value = lines.find_map(|line| line.strip_prefix(&start));
    value.unwrap_or_default().to_owned()
}

/// A call that prints a message to b@example.com.
pub(crate) fn printing() -> Smtpsend {
    Smtpsend::new()
        .args(["-n", "--to", "b@example.com"])
        .stdout_any()
        .stderr_any()
}

/// The parts of what is printed.
#[track_caller]
pub(crate) fn printed(with: impl FnOnce(Smtpsend) -> Smtpsend) -> Vec<Leaf> {
    let output = with(printing()).run();
    leaves(&String::from_utf8(output.stdout).unwrap())
}

fn folder_with(name: &str, octets: &[u8]) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(name), octets).unwrap();
    folder
}

#[test]
fn files_of_any_kind_arrive_as_they_are_in_their_order() {
    let folder = TempDir::new().unwrap();
    let all: Vec<u8> = (0..=255).collect();
    let files = [
        ("empty", &b""[..]),
        ("one.bin", b"\0"),
        ("ends.txt", b"a\r\nb\nc\rd"),
        ("all.bin", &all),
        ("-dash.csv", b"a;b\n"),
    ];
    for (name, octets) in files {
        fs::write(folder.path().join(name), octets).unwrap();
    }
    let delivery = delivered(|call| {
        let call = call.folder(folder.path()).args(["--body", "See below."]);
        files
            .iter()
            .fold(call, |call, (name, _)| call.args(["-a", name]))
    });
    let leaves = leaves(&delivery.message.text());
    assert_eq!(leaves[0].text(), "See below.");
    assert_eq!(leaves.len(), 1 + files.len());
    for (leaf, (name, octets)) in leaves[1..].iter().zip(files) {
        let disposition = field(&leaf.header, "Content-Disposition");
        assert_eq!(disposition, format!("attachment; filename=\"{name}\""));
        assert_eq!(leaf.octets, octets);
    }
    let csv = field(&leaves[5].header, "Content-Type");
    assert_eq!(csv, "text/csv; charset=utf-8; name=\"-dash.csv\"");
}

#[test]
fn the_same_file_twice_is_sent_twice() {
    let folder = folder_with("a.txt", b"a");
    let leaves = printed(|call| {
        call.folder(folder.path())
            .args(["-a", "a.txt", "--attach", "./a.txt", "--body", ""])
    });
    assert_eq!(leaves.len(), 3);
}

#[test]
fn standard_input_is_a_file_when_it_has_a_name() {
    let data: Vec<u8> = (0..=255).cycle().take(3 << 19).collect();
    for (args, text) in [(&[][..], ""), (&["--body", "The dump."][..], "The dump.")] {
        let leaves = printed(|call| {
            let call = call.args(["--attach-stdin", "../../etc/dump\r\n\"x\".gz"]);
            call.args(args.iter().copied()).stdin(&data)
        });
        assert_eq!(leaves.len(), 2);
        assert_eq!(leaves[0].text(), text);
        assert_eq!(
            field(&leaves[1].header, "Content-Disposition"),
            r#"attachment; filename="dump__\"x\".gz""#
        );
        assert!(leaves[1].octets == data);
    }
}

#[test]
fn a_name_that_is_no_utf_8_is_shown_as_far_as_it_is() {
    let folder = TempDir::new().unwrap();
    let name = std::ffi::OsStr::from_bytes(b"gr\xfcn.txt");
    fs::write(folder.path().join(name), "x").unwrap();
    let leaves = printed(|call| {
        call.args(["--body", "", "-a"])
            .arg(folder.path().join(name))
    });
    let disposition = field(&leaves[1].header, "Content-Disposition");
    assert_eq!(disposition, "attachment; filename*=utf-8''gr%EF%BF%BDn.txt");
}

#[test]
fn pipes_are_read_to_their_end() {
    let folder = TempDir::new().unwrap();
    let fifo = folder.path().join("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let path = fifo.clone();
    let writer = std::thread::spawn(move || fs::write(path, b"through\0 a pipe").unwrap());
    let leaves = printed(|call| call.args(["--body", "", "-a"]).arg(&fifo));
    writer.join().unwrap();
    assert_eq!(leaves[1].octets, b"through\0 a pipe");

    let script = "exec \"$0\" -n --to b@example.com --body x -a /dev/fd/3 3<&0";
    let output = Smtpsend::at("/bin/sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_smtpsend")])
        .stdin(b"through\0 a descriptor")
        .stdout_any()
        .stderr_any()
        .run();
    let leaves = crate::attachments::leaves(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(leaves[1].octets, b"through\0 a descriptor");
}

#[test]
fn what_cannot_be_read_is_66_and_named_before_anything_is_connected() {
    let folder = folder_with("a.txt", b"a");
    symlink("loop", folder.path().join("loop")).unwrap();
    let server = Server::unvisited();
    for (path, words) in [
        ("none.pdf", "none.pdf: No such file"),
        (".", ".: Is a directory"),
        ("loop", "loop: Too many levels"),
        ("a.txt/b", "a.txt/b: Not a directory"),
    ] {
        for flag in ["--attach", "--inline", "--html"] {
            call(&server)
                .folder(folder.path())
                .args(["--to", "b@example.com", "--user", "alice"])
                .args([flag, path])
                .stdin_never_ends()
                .fails_with(66)
                .stderr_has(format!("smtpsend: {flag}: {words}"))
                .run();
        }
    }
    server.finish();
}

#[test]
fn what_would_be_too_large_for_the_server_is_not_sent() {
    let folder = folder_with("large.bin", &vec![0; 90_000]);
    let server = server_without_mail(&["SIZE 100000"]);
    call(&server)
        .folder(folder.path())
        .args(["--to", "b@example.com", "--body", "x", "-a", "large.bin"])
        .fails_with(65)
        .stderr_has("100000")
        .run();
    server.finish();
    fs::write(folder.path().join("large.bin"), vec![0; 70_000]).unwrap();
    let delivery = crate::delivery::delivered_where(&["SIZE 100000"], 1, |call| {
        let call = call.folder(folder.path()).args(["--to", "b@example.com"]);
        call.args(["--body", "x", "-a", "large.bin"])
    });
    let said = format!("SIZE={}", delivery.message.data.len());
    assert!(delivery.mail().contains(&said), "{}", delivery.mail());
}

#[test]
fn a_file_that_changes_while_it_is_read_is_74() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("log.bin");
    fs::write(&path, vec![0; VERY_LARGE]).unwrap();
    let (mut output, stdout) = std::io::pipe().unwrap();
    let reader = std::thread::spawn(move || {
        output.read_exact(&mut [0; 1000]).unwrap();
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(b"more").unwrap();
        let mut rest = Vec::new();
        output.read_to_end(&mut rest).unwrap();
        rest
    });
    Smtpsend::new()
        .args([
            "-n",
            "--to",
            "b@example.com",
            "--body",
            "x",
            "-a",
            "log.bin",
        ])
        .folder(folder.path())
        .stdout_to(stdout)
        .fails_with(74)
        .stderr_has("the file was changed while it was being sent")
        .run();
    assert!(!reader.join().unwrap().ends_with(b"--\r\n"));
}

#[test]
fn a_large_file_takes_no_more_memory_than_a_small_one() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("large.bin");
    File::create(&path).unwrap().set_len(25 << 20).unwrap();
    let limited = |redirection: &str, args: &[&str]| {
        let script = format!("ulimit -d 6144 && exec \"$0\" \"$@\" {redirection}");
        Smtpsend::at("/bin/sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_smtpsend")])
            .args(["-n", "--to", "b@example.com", "--body", "x"])
            .args(args.iter().copied())
            .folder(folder.path())
            .stdout_to(File::options().write(true).open("/dev/null").unwrap())
            .stderr_has("size: 35")
            .run();
    };
    limited("", &["-a", "large.bin"]);
    limited("< large.bin", &["--attach-stdin", "large.bin"]);
}

#[test]
fn what_reads_standard_input_twice_is_a_mistake() {
    for (args, words) in [
        (
            &["--attach-stdin", "a", "--body-file", "-"][..],
            "--body-file - and --attach-stdin both read standard input",
        ),
        (
            &["--attach-stdin", "a", "--html", "-"],
            "--html - and --attach-stdin both read standard input",
        ),
        (
            &["--attach-stdin", "a", "--input", "body"],
            "--input reads standard input, and so does --attach-stdin",
        ),
        (&["-a", "-"], "--attach - has no name"),
        (&["--inline", "-"], "--inline - has no name"),
        (
            &["--attach-stdin", "a", "--password-fd", "0"],
            "standard input",
        ),
    ] {
        Smtpsend::new()
            .args(["-n", "--to", "b@example.com"])
            .args(args)
            .stdin_never_ends()
            .fails_with(64)
            .stderr_has(words)
            .run();
    }
}

#[test]
fn nothing_is_attached_to_a_message_that_is_there_already() {
    let folder = folder_with("a.txt", b"a");
    let message = "Subject: x\nTo: b@example.com\n\nhello\n";
    let with = |args: &[&str]| {
        let call = printing().folder(folder.path()).args(args.iter().copied());
        call.stdin(message)
    };
    for args in [
        &["-a", "a.txt"][..],
        &["--inline", "a.txt"],
        &["--markdown"],
        &["-a", "a.txt", "--input", "message"],
    ] {
        with(args)
            .fails_with(64)
            .stderr_has("standard input is a message, to which --")
            .stderr_has("--input body")
            .run();
    }
    let output = with(&["-a", "a.txt", "--input", "body"]).run();
    let leaves = leaves(&String::from_utf8(output.stdout).unwrap());
    assert!(leaves[0].text().starts_with("Subject: x"));
    assert_eq!(leaves.len(), 2);
}

#[test]
fn what_other_programs_call_attaching_gets_a_hint() {
    for flag in ["--attachment", "-A"] {
        Smtpsend::new()
            .args([flag, "a.pdf"])
            .fails_with(64)
            .stderr_has("a file is attached with -a PATH")
            .run();
    }
}

#[test]
fn a_path_says_nothing_but_the_name() {
    let folder = folder_with("a.txt", b"a");
    let path = folder.path().join("a.txt");
    let output = printing().args(["--body", "", "-a"]).arg(&path).run();
    let parent = Path::new(folder.path()).display().to_string();
    assert!(!String::from_utf8(output.stdout).unwrap().contains(&parent));
}
