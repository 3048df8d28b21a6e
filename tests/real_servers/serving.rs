//! A program that speaks SMTP to `sendmail -bs`, and hears what a real server says.

use crate::client::{Security, smtpsend};
use crate::server::{Recipe, Scene};

const SAYS: &str = "EHLO me\r\n\
    MAIL FROM:<a@example.com> BODY=8BITMIME\r\n\
    RCPT TO:<b@example.com>\r\n\
    DATA\r\n\
    Subject: gr\u{fc}n\r\nMessage-ID: <served@example.com>\r\nBcc: c@example.com\r\n\r\n\
    ..\r\n.hidden\r\nh\u{e4}llo\r\n.\r\n\
    RSET\r\nQUIT\r\n";

#[test]
fn postfix_takes_a_message_from_a_caller_and_answers_each_command() {
    let Some(scene) = Scene::with(Recipe::Postfix) else {
        return;
    };
    for security in [Security::Starttls, Security::Implicit] {
        let mut arguments = vec!["sendmail".to_owned(), "-bs".to_owned()];
        arguments.extend(scene.server_options(security));
        let says = SAYS.replace("served", &format!("served{}", arguments[3]));
        let mark = arguments[3].clone();
        let run = smtpsend(scene.directory(), "secret", &arguments, says.as_bytes());
        assert_eq!(run.exit, Some(0), "{run}");
        let replies: Vec<&str> = run.stdout.lines().collect();
        let is_queued =
            |line: &&str| line.starts_with("250 2.0.0 Ok: ") && line.contains(" queued as ");
        assert_eq!(
            replies.iter().filter(|line| is_queued(line)).count(),
            1,
            "{run}"
        );
        assert!(
            replies.contains(&"250 2.1.0 Ok") && replies.contains(&"250 2.1.5 Ok"),
            "{run}"
        );
        let message = String::from_utf8(scene.mailbox().wait_for(&mark)).unwrap();
        assert!(
            message.ends_with("\n\n.\nhidden\nh\u{e4}llo\n"),
            "{message}"
        );
        assert!(!message.contains("Bcc"), "{message}");
    }
}
