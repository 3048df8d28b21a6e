//! What MAIL says of the message, and what this server cannot take at all.

use crate::parts::{self, DELIVERY, GROUPS, call_from, clear_call};
use crate::support::{Server, Smtpsend};

/// The MAIL line for this text (a message) and recipient, where the server offers this.
fn mail_line(offers: &str, text: &str, to: &str) -> (String, usize) {
    let server = Server::text(&format!(
        "S: 220 mail.test\nC: EHLO *\nS: 250-mail.test\n{offers}S: 250 HELP\n\
         C: MAIL FROM:<*>*\nS: 250 ok\nC: RCPT TO:<*>\nS: 250 ok\nC: DATA\nS: 354 go\nBODY\nS: 250 ok\nC: QUIT"
    ));
    Smtpsend::new()
        .server(&server)
        .args(["--tls", "none", "--from", "a@example.com", "--to", to])
        .stdin(text)
        .run();
    let transcript = server.finish();
    let size = transcript.message().data.len();
    (transcript.lines[1].clone(), size)
}

const ASCII: &str = "Subject: x\n\nplain\n.\n..dots\n";
const EIGHT_BIT: &str = "Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\ngr\u{fc}n\n";

#[test]
fn mail_has_no_parameters_where_none_is_offered() {
    let (line, _) = mail_line("", ASCII, "b@example.com");
    assert_eq!(line, "MAIL FROM:<a@example.com>");
}

#[test]
fn size_is_the_size_of_the_message_as_it_arrives() {
    let (line, size) = mail_line("S: 250-SIZE\n", ASCII, "b@example.com");
    assert_eq!(line, format!("MAIL FROM:<a@example.com> SIZE={size}"));
}

#[test]
fn eight_bit_is_announced_exactly_when_there_is_some() {
    let offer = "S: 250-8BITMIME\nS: 250-SMTPUTF8\n";
    let (line, _) = mail_line(offer, EIGHT_BIT, "b@example.com");
    assert_eq!(line, "MAIL FROM:<a@example.com> BODY=8BITMIME");
    let (line, _) = mail_line(offer, ASCII, "b@example.com");
    assert_eq!(line, "MAIL FROM:<a@example.com>");
}

#[test]
fn smtputf8_is_asked_for_exactly_when_an_address_or_header_needs_it() {
    let offer = "S: 250-8BITMIME\nS: 250-SMTPUTF8\n";
    let (line, _) = mail_line(offer, ASCII, "j\u{f6}rg@example.com");
    assert_eq!(line, "MAIL FROM:<a@example.com> SMTPUTF8");
    let (line, _) = mail_line(offer, ASCII, "b@b\u{fc}cher.example");
    assert_eq!(line, "MAIL FROM:<a@example.com>");
    let (line, _) = mail_line(offer, "Subject: gr\u{fc}n\n\nx\n", "b@example.com");
    assert_eq!(line, "MAIL FROM:<a@example.com> SMTPUTF8");
    let (line, _) = mail_line(
        "S: 250-8BITMIME\n",
        "Subject: gr\u{fc}n\n\nx\n",
        "b@example.com",
    );
    assert_eq!(line, "MAIL FROM:<a@example.com>");
}

#[test]
fn an_address_the_server_cannot_take_is_found_before_mail() {
    let server = parts::server(&[GROUPS, "C: QUIT"]);
    call_from(Smtpsend::new().server(&server))
        .args(["--tls", "none", "--to", "j\u{f6}rg@example.com"])
        .fails_with(65)
        .stderr_has("SMTPUTF8")
        .run();
    server.finish();
}

#[test]
fn a_message_larger_than_the_server_takes_is_not_begun() {
    let server = Server::text("S: 220 x\nC: EHLO *\nS: 250-x\nS: 250 SIZE 100\nC: QUIT");
    clear_call(&server)
        .fails_with(65)
        .stderr_has("the server takes 100")
        .run();
    server.finish();
}

#[test]
fn eight_bit_the_server_cannot_take_is_found_before_mail() {
    let server = parts::server(&["S: 220 x\nC: EHLO *\nS: 250 x\nC: QUIT"]);
    let signed = format!("Content-Type: multipart/signed; boundary=a\r\n{EIGHT_BIT}");
    parts::call_from_message(&server, &signed)
        .fails_with(65)
        .stderr_has("8BITMIME")
        .run();
    server.finish();
}

#[test]
fn the_null_sender_is_an_empty_path() {
    let delivery = DELIVERY.replace("<a@example.com>*", "<>");
    let server = parts::server(&[GROUPS, &delivery]);
    clear_call(&server).args(["--envelope-from", "<>"]).run();
    server.finish();
}
