//! The test harness, tested by hand-written sockets: it passes what it should, and fails what it should.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use support::{Certificate, Dialogue, Options, Server, Smtpsend, closed_port, tls};

/// A client which does what each test tells it to.
struct Client<S: Read + Write> {
    stream: BufReader<S>,
}

impl Client<TcpStream> {
    fn connect(server: &Server) -> Self {
        let tcp = TcpStream::connect(server.addr()).unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self {
            stream: BufReader::new(tcp),
        }
    }

    fn start_tls(self) -> Client<StreamOwned<ClientConnection, TcpStream>> {
        let name = ServerName::try_from("localhost").unwrap();
        let tls = ClientConnection::new(tls::client_config(), name).unwrap();
        Client {
            stream: BufReader::new(StreamOwned::new(tls, self.stream.into_inner())),
        }
    }
}

impl<S: Read + Write> Client<S> {
    /// Sends all in one go.
    fn say(&mut self, text: &str) {
        let stream = self.stream.get_mut();
        stream.write_all(text.as_bytes()).unwrap();
        stream.flush().unwrap();
    }

    /// Reads replies up to the last line of each, and checks their codes.
    fn hear(&mut self, codes: &[&str]) {
        for code in codes {
            let mut line = String::new();
            while !line.starts_with(&format!("{code} ")) {
                line.clear();
                assert!(self.stream.read_line(&mut line).unwrap() > 0, "closed");
                assert!(line.starts_with(code), "{code} expected, {line:?}");
            }
        }
    }

    fn ask(&mut self, text: &str, code: &str) {
        self.say(text);
        self.hear(&[code]);
    }

    fn hear_end(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset is an end like any other here.
        let _ = self.stream.read_to_end(&mut rest);
        rest
    }
}

const GROUP: &str = "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n";
const BODY: &str = "Subject: x\r\n\r\n..dot\r\n.\r\n";
const PLAIN: &str = "AUTH PLAIN AGJlbmNoAHNlY3JldA==\r\n";

fn patient_for(milliseconds: u64) -> Options {
    Options::default().patience(Duration::from_millis(milliseconds))
}

/// What `finish` says against the client.
fn complaint(server: Server) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| server.finish())).unwrap_err();
    *panic.downcast::<String>().unwrap()
}

#[test]
fn a_pipelined_dialogue_passes_and_keeps_the_message() {
    let server = Server::file("plain-pipelining");
    let mut client = Client::connect(&server);
    client.hear(&["220"]);
    client.ask("EHLO c.test\r\n", "250");
    client.say(GROUP);
    client.hear(&["250", "250", "354"]);
    client.ask(BODY, "250");
    client.ask("QUIT\r\n", "221");
    drop(client);
    let transcript = server.finish();
    assert_eq!(transcript.connections, 1);
    assert_eq!(transcript.waits, 4);
    assert_eq!(transcript.lines[0], "EHLO c.test");
    assert_eq!(transcript.lines.len(), 5);
    let message = transcript.message();
    assert_eq!(message.raw, b"Subject: x\r\n\r\n..dot\r\n");
    assert_eq!(message.text(), "Subject: x\r\n\r\n.dot\r\n");
}

#[test]
fn a_lockstep_dialogue_passes_and_closing_instead_of_quit_is_fine() {
    let server = Server::file("plain-lockstep");
    let mut client = Client::connect(&server);
    client.hear(&["220"]);
    client.ask("EHLO c.test\r\n", "250");
    for (command, code) in GROUP.split_inclusive('\n').zip(["250", "250", "354"]) {
        client.ask(command, code);
    }
    client.ask(BODY, "250");
    drop(client);
    server.finish();
}

#[test]
fn sending_ahead_of_a_lockstep_server_fails() {
    let server = Server::file("plain-lockstep");
    let mut client = Client::connect(&server);
    client.hear(&["220"]);
    client.ask("EHLO c.test\r\n", "250");
    client.say(GROUP);
    client.hear_end();
    let complaint = complaint(server);
    assert!(complaint.contains("QUIET"), "{complaint}");
    assert!(complaint.contains("RCPT TO:<b@example.com>"), "{complaint}");
}

#[test]
fn starttls_and_auth_make_eight_waits() {
    let server = Server::file("starttls-auth-pipelining");
    let mut client = Client::connect(&server);
    client.hear(&["220"]);
    client.ask("EHLO c.test\r\n", "250");
    client.ask("STARTTLS\r\n", "220");
    let mut client = client.start_tls();
    client.ask("EHLO c.test\r\n", "250");
    client.ask(PLAIN, "235");
    client.say(GROUP);
    client.hear(&["250", "250", "354"]);
    client.ask(BODY, "250");
    client.say("QUIT\r\n");
    drop(client);
    let transcript = server.finish();
    assert_eq!(transcript.waits, 8);
    assert_eq!(transcript.server_names, [Some("localhost".to_owned())]);
}

#[test]
fn a_pipelined_auth_saves_a_wait() {
    let server = Server::file("implicit-auth");
    let mut client = Client::connect(&server).start_tls();
    client.hear(&["220"]);
    client.ask("EHLO c.test\r\n", "250");
    client.say(&format!("{PLAIN}{GROUP}"));
    client.hear(&["235", "250", "250", "354"]);
    client.ask(BODY, "250");
    client.say("QUIT\r\n");
    drop(client);
    assert_eq!(server.finish().waits, 5);
}

#[test]
fn implicit_tls_is_an_option_of_any_dialogue() {
    let dialogue = Dialogue::text("S: 220 x\nC: QUIT\nS: 221 x");
    let server = Server::start([dialogue], Options::default().implicit_tls());
    let mut client = Client::connect(&server).start_tls();
    client.hear(&["220"]);
    client.ask("QUIT\r\n", "221");
    drop(client);
    assert_eq!(server.finish().waits, 2);
}

#[test]
fn login_is_asked_for_in_base64() {
    let server = Server::file("login");
    let mut client = Client::connect(&server);
    client.hear(&["220"]);
    client.ask("EHLO c.test\r\n", "250");
    client.ask("STARTTLS\r\n", "220");
    let mut client = client.start_tls();
    client.ask("EHLO c.test\r\n", "250");
    client.ask("AUTH LOGIN\r\n", "334");
    client.ask("YmVuY2g=\r\n", "334");
    client.ask("c2VjcmV0\r\n", "235");
    client.say(GROUP);
    client.hear(&["250", "250", "354"]);
    client.ask(BODY, "250");
    client.ask("QUIT\r\n", "221");
    drop(client);
    server.finish();
}

#[test]
fn chunks_are_joined_and_answered() {
    let server = Server::file("plain-chunking");
    let mut client = Client::connect(&server);
    client.hear(&["220"]);
    client.ask("EHLO c.test\r\n", "250");
    client.say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 4\r\n.\r\n.BDAT 3 LAST\r\n\0\r\n");
    client.hear(&["250", "250", "250", "250"]);
    client.ask("QUIT\r\n", "221");
    drop(client);
    assert_eq!(server.finish().message().data, b".\r\n.\0\r\n");
}

#[test]
fn every_bad_certificate_is_refused() {
    for (name, certificate) in Certificate::bad() {
        assert_eq!(Certificate::named(name), Some(certificate));
        for version in ["1.2", "1.3"] {
            let server = Server::text(&format!("TLSFAIL {name} {version}"));
            let mut client = Client::connect(&server).start_tls();
            client.stream.get_mut().flush().unwrap_err();
            drop(client);
            server.finish();
        }
    }
}

#[test]
fn a_client_that_takes_a_certificate_it_should_refuse_fails() {
    let server = Server::text("TLSFAIL good");
    let mut client = Client::connect(&server).start_tls();
    client.say("EHLO c.test\r\n");
    client.hear_end();
    assert!(complaint(server).contains("EHLO c.test"));
}

#[test]
fn a_client_that_never_shakes_hands_has_not_refused() {
    let server = Server::text("TLSFAIL expired");
    drop(Client::connect(&server));
    assert!(complaint(server).contains("the client closed"));
    let server = Server::text("TLSFAIL expired");
    let mut client = Client::connect(&server);
    client.say("QUIT\r\n");
    client.hear_end();
    assert!(complaint(server).contains("a client that refuses"));
}

#[test]
fn an_unvisited_dialogue_fails() {
    assert!(complaint(Server::file("login")).contains("the dialogue login was not visited"));
}

#[test]
fn a_visit_to_an_unvisited_server_fails() {
    Server::unvisited().finish();
    let server = Server::unvisited();
    Client::connect(&server).hear_end();
    assert!(complaint(server).contains("a connection came"));
}

#[test]
fn an_unfinished_dialogue_fails() {
    let server = Server::file("plain-pipelining");
    let mut client = Client::connect(&server);
    client.hear(&["220"]);
    client.say("EHLO c.te");
    drop(client);
    let complaint = complaint(server);
    assert!(complaint.contains("EHLO c.te (then closed)"), "{complaint}");
}

#[test]
fn a_surprise_fails_and_shows_where() {
    let server = Server::text("S: 220 x\nC: EHLO *\nS: 250 x\nC: QUIT");
    let mut client = Client::connect(&server);
    client.hear(&["220"]);
    client.ask("EHLO c.test\r\n", "250");
    client.say("NOOP\r\n");
    client.hear_end();
    assert_eq!(
        complaint(server),
        "connection 1: the dialogue (inline) was surprised
  at line 4: C: QUIT
  expected: C: QUIT
  got:      NOOP
  so far:
    S: 220 x
    C: EHLO c.test
    S: 250 x
    C: NOOP"
    );
}

#[test]
fn a_word_after_the_end_fails() {
    let server = Server::text("S: 220 x\nC: QUIT\nS: 221 x");
    let mut client = Client::connect(&server);
    client.ask("QUIT\r\nNOOP\r\n", "220");
    client.hear_end();
    assert!(complaint(server).contains("at its end"));
}

#[test]
fn a_bare_line_feed_fails() {
    let server = Server::text("C: MAIL*");
    let mut client = Client::connect(&server);
    client.say("MAIL FROM:<a>\nRCPT TO:<b>\r\n");
    client.hear_end();
    assert!(complaint(server).contains(r"MAIL FROM:<a>\nRCPT TO:<b>"));
}

#[test]
fn a_client_that_hangs_is_given_up() {
    let server = Server::start([Dialogue::text("C: EHLO *")], patient_for(50));
    let client = Client::connect(&server);
    assert!(complaint(server).contains("nothing for 50ms"));
    drop(client);
}

#[test]
fn ten_thousand_pipelined_lines_do_not_deadlock() {
    let replies = 10_000;
    let server = Server::text(&format!(
        "REPEAT {replies}\nC: RCPT TO:*\nS: 250 2.1.5 recipient ok\nEND\nC: QUIT"
    ));
    let mut client = Client::connect(&server);
    let recipients: String = (0..replies)
        .map(|n| format!("RCPT TO:<{n}@example.com>\r\n"))
        .collect();
    client.say(&recipients);
    client.hear(&vec!["250"; replies]);
    client.say("QUIT\r\n");
    drop(client);
    let transcript = server.finish();
    assert_eq!(transcript.lines.len(), replies + 1);
    assert_eq!(transcript.lines[9_999], "RCPT TO:<9999@example.com>");
    assert_eq!(transcript.waits, 1);
}

#[test]
fn a_client_that_only_writes_is_stuck_against_narrow_buffers() {
    let text = "REPEAT 200000\nC: NOOP\nS: 250 2.0.0 nothing was done, and done well\nEND";
    let options = patient_for(300).narrow();
    let server = Server::start([Dialogue::text(text)], options);
    let mut client = Client::connect(&server);
    let commands = "NOOP\r\n".repeat(200_000);
    let writing = client.stream.get_mut().write_all(commands.as_bytes());
    assert!(writing.is_err() || complaint(server).contains("a client that reads the replies"));
}

#[test]
fn a_flood_stops_when_the_client_goes() {
    let server = Server::text(
        r"S* 100000000 250-AAAA\r\n
        EOF",
    );
    let mut client = Client::connect(&server);
    let mut line = String::new();
    client.stream.read_line(&mut line).unwrap();
    assert_eq!(line, "250-AAAA\r\n");
    drop(client);
    server.finish();
}

#[test]
fn drops_and_resets_end_the_connection() {
    for end in ["DROP", "RESET"] {
        let server = Server::text(&format!("S: 220 x\n{end}"));
        let mut client = Client::connect(&server);
        if end == "DROP" {
            client.hear(&["220"]);
        }
        client.hear_end();
        server.finish();
    }
}

#[test]
fn a_silent_server_waits_for_the_client_to_go() {
    let server = Server::text("S: 220 x\nWAIT");
    let mut client = Client::connect(&server);
    client.hear(&["220"]);
    client.say("QUIT\r\n");
    drop(client);
    assert_eq!(server.finish().lines, ["QUIT"]);
}

#[test]
fn drips_come_one_octet_at_a_time() {
    let server = Server::text(
        r"DRIP 20 220 x\r\n
        DRIP* 5 250-
        EOF",
    );
    let mut client = Client::connect(&server);
    let start = Instant::now();
    client.hear(&["220"]);
    assert!(start.elapsed() >= Duration::from_millis(100));
    let mut some = [0; 8];
    client.stream.read_exact(&mut some).unwrap();
    assert_eq!(&some, b"250-250-");
    drop(client);
    server.finish();
}

#[test]
fn connections_take_dialogues_in_order_and_may_overlap() {
    let greet = |code: &str| Dialogue::text(&format!("S: {code} x\nC: QUIT"));
    let server = Server::start([greet("220"), greet("421")], Options::default());
    let mut first = Client::connect(&server);
    let mut second = Client::connect(&server);
    second.hear(&["421"]);
    second.say("QUIT\r\n");
    first.hear(&["220"]);
    first.say("QUIT\r\n");
    drop((first, second));
    assert_eq!(server.finish().connections, 2);
}

#[test]
fn one_dialogue_can_serve_every_connection() {
    let dialogue = Dialogue::text("S: 220 x\nC? QUIT");
    let server = Server::start([dialogue], Options::default().every_connection());
    for _ in 0..3 {
        Client::connect(&server).hear(&["220"]);
    }
    assert_eq!(server.finish().connections, 3);
}

#[test]
fn a_server_dropped_without_finish_does_not_hang() {
    let server = Server::file("login");
    let client = Client::connect(&server);
    drop(server);
    drop(client);
}

#[test]
fn nobody_listens_at_a_closed_port() {
    TcpStream::connect(("127.0.0.1", closed_port())).unwrap_err();
}

#[test]
fn dialogues_with_mistakes_name_the_line() {
    for (text, mistake) in [
        ("S: 220 x\nHELLO", "x:2: HELLO: unknown step"),
        ("REPEAT 2\nQUIET", "x:1: REPEAT without END"),
        ("END", "x:1: END: nothing to end"),
        ("TLS nice", "x:1: TLS nice: \"nice\" is no certificate"),
        ("S~ \\q", "x:1: S~ \\q: unknown escape in \"\\\\q\""),
        ("DROP it", "x:1: DROP it: DROP takes nothing, found \"it\""),
        ("# nothing", "x: no steps"),
    ] {
        assert_eq!(Dialogue::parse("x", text).unwrap_err(), mistake);
    }
}

#[test]
fn every_dialogue_file_is_well_formed() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialogues");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        Dialogue::file(path.file_stem().unwrap().to_str().unwrap());
    }
}

#[test]
fn a_run_of_a_program_meets_its_expectations() {
    let output = shell("cat; echo oops >&2; exit 3")
        .stdin("{\"a\": 1}")
        .fails_with(3)
        .stdout_is("{\"a\": 1}")
        .stderr_has("oops")
        .stderr_lacks("secret")
        .run();
    assert_eq!(output.json()["a"], 1);
}

#[test]
fn stray_output_and_a_wrong_exit_are_reported_in_full() {
    let run = || shell("echo stray; exit 1").env("A", "b c").run();
    let panic = catch_unwind(AssertUnwindSafe(run)).err().unwrap();
    let report = *panic.downcast::<String>().unwrap();
    assert_eq!(
        report,
        "exit 0 was expected, exit status: 1 came
stdout is not empty
--- command ---
A='b c' /bin/sh -c 'echo stray; exit 1'
--- stdin ---

--- status ---
exit status: 1
--- stdout ---
stray

--- stderr ---
"
    );
}

#[test]
fn a_program_that_hangs_is_killed() {
    let run = || shell("sleep 600").limit(Duration::from_millis(50)).run();
    let panic = catch_unwind(AssertUnwindSafe(run)).err().unwrap();
    let report = *panic.downcast::<String>().unwrap();
    assert!(report.contains("it had not ended after 50ms"), "{report}");
}

fn shell(script: &str) -> Smtpsend {
    Smtpsend::at("/bin/sh").args(["-c", script])
}
