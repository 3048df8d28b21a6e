//! Files that are changed while they are sent: never one half of the old and one of the new text.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::SystemTime;

use rustix::net::sockopt;
use tempfile::TempDir;

use crate::streaming::{LARGE, VERY_LARGE, file, message};
use crate::support::Smtpsend;

#[test]
fn a_name_that_goes_and_a_mode_that_changes_are_no_change_of_the_text() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("text");
    std::fs::write(&path, message(VERY_LARGE, "\r\n")).unwrap();
    let file = File::open(&path).unwrap();
    let (port, server) = server_that_meddles(move || {
        let mut mode = path.metadata().unwrap().permissions();
        mode.set_readonly(true);
        std::fs::set_permissions(&path, mode).unwrap();
        std::fs::remove_file(&path).unwrap();
    });
    call_to(port).stdin_from(&file).run();
    assert_eq!(server.join().unwrap(), End::Whole);
}

#[test]
fn a_file_that_changes_while_it_is_sent_is_74_and_never_ends_at_the_server() {
    let changes: [fn(&mut File); 3] = [
        |file| file.set_len(LARGE as u64).unwrap(),
        |file| {
            file.seek(SeekFrom::End(0)).unwrap();
            file.write_all(b"more").unwrap();
        },
        |file| {
            file.seek(SeekFrom::Start(LARGE as u64)).unwrap();
            file.write_all(b"else").unwrap();
        },
    ];
    for change in changes {
        for end in ["\r\n", "\n"] {
            let given = tempfile::NamedTempFile::new().unwrap();
            let mut other = given.reopen().unwrap();
            other.write_all(&message(VERY_LARGE, end)).unwrap();
            // Any time but now, so that a write within the same tick of the clock shows.
            other.set_modified(SystemTime::UNIX_EPOCH).unwrap();
            let (port, server) = server_that_meddles(move || change(&mut other));
            call_to(port)
                .stdin_from(&given.reopen().unwrap())
                .fails_with(74)
                .stderr_has("the file was changed while it was being sent")
                .run();
            assert_eq!(server.join().unwrap(), End::CutShort);
        }
    }
}

#[test]
fn a_file_that_changes_while_it_is_printed_is_74() {
    let given = file(&message(VERY_LARGE, "\r\n"));
    let other = given.try_clone().unwrap();
    let (mut output, stdout) = std::io::pipe().unwrap();
    let reader = std::thread::spawn(move || {
        output.read_exact(&mut [0; 1000]).unwrap();
        other.set_len(LARGE as u64).unwrap();
        output.read_to_end(&mut Vec::new()).unwrap()
    });
    Smtpsend::new()
        .args(["-n", "--to", "b@example.com"])
        .stdin_from(&given)
        .stdout_to(stdout)
        .fails_with(74)
        .stderr_has("smtpsend: the message cannot be read any more: the file was changed")
        .stderr_has("hint: send a copy of it")
        .run();
    assert!(reader.join().unwrap() < VERY_LARGE);
}

/// Whether the message came to its end.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Whole,
    CutShort,
}

/// A server that reads the start of a message, does what it is told, and then reads the rest. The
/// buffers between the two are too small for the rest to be under way already.
fn server_that_meddles(meddle: impl FnOnce() + Send + 'static) -> (u16, JoinHandle<End>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    sockopt::set_socket_recv_buffer_size(&listener, 4096).unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = move || {
        let (stream, _) = listener.accept().unwrap();
        let mut answer = stream.try_clone().unwrap();
        let mut input = BufReader::new(stream);
        answer.write_all(b"220 mail.test\r\n").unwrap();
        for reply in ["250 mail.test", "250 ok", "250 ok", "354 go"] {
            input.read_line(&mut String::new()).unwrap();
            answer.write_all(format!("{reply}\r\n").as_bytes()).unwrap();
        }
        let mut message = vec![0; 1000];
        input.read_exact(&mut message).unwrap();
        meddle();
        loop {
            let mut line = Vec::new();
            match input.read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return End::CutShort,
                Ok(_) if line == b".\r\n" => {
                    answer.write_all(b"250 ok\r\n").unwrap();
                    return End::Whole;
                }
                Ok(_) => {}
            }
        }
    };
    (port, std::thread::spawn(serve))
}

fn call_to(port: u16) -> Smtpsend {
    Smtpsend::new()
        .args(["--tls", "none", "--server", &format!("127.0.0.1:{port}")])
        .args(["--to", "b@example.com"])
}
