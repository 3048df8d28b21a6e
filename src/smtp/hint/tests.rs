//! The table is held against replies as servers give them.

use super::*;
use crate::smtp::reply::{Inbox, ReplyReader};
use MechanismName::{External, Plain, ScramSha256, Xoauth2};

const GMAIL: &str = "smtp.gmail.com";
const MICROSOFT: &str = "smtp.office365.com";
const SES: &str = "email-smtp.eu-central-1.amazonaws.com";
const SENDGRID: &str = "smtp.sendgrid.net";
const OTHER: &str = "mail.example.com";

fn mail() -> Stage {
    Stage::Mail("a@example.com".to_owned())
}

fn rcpt() -> Stage {
    Stage::Rcpt("b@example.com".to_owned())
}

fn reply(line: &str) -> Reply {
    let mut inbox = Inbox::default();
    inbox.push(format!("{line}\r\n").as_bytes());
    let reply = ReplyReader::default().take(&mut inbox);
    reply.unwrap().unwrap()
}

fn refusal(host: &str, stage: &Stage, line: &str) -> Refusal {
    let circumstances = Circumstances::at(&host.parse().unwrap()).as_stranger();
    Refusal::new(circumstances, stage, &reply(line), Kind::Refused)
}

/// The number of the row that is used.
fn row(host: &str, stage: &Stage, line: &str) -> Option<usize> {
    let refusal = refusal(host, stage, line);
    ROWS.iter().position(|row| row.fits(&refusal))
}

/// The hint to a reply of somebody who is not a stranger.
fn hint(host: &str, stage: &Stage, line: &str) -> String {
    let circumstances = Circumstances::at(&host.parse().unwrap());
    let failure = unexpected(circumstances, stage, &reply(line), Kind::Refused);
    failure.hint.unwrap_or_default()
}

/// A reply for each row, in the order of the table.
#[rustfmt::skip]
fn samples() -> Vec<(&'static str, Stage, &'static str)> {
    let auth = Stage::Auth(Plain);
    vec![
        (GMAIL, Stage::FinalDot, "550 5.4.5 Daily user sending limit exceeded."),
        (MICROSOFT, Stage::FinalDot, "550 5.1.90 Your message can't be sent because you've reached your daily limit"),
        (MICROSOFT, auth.clone(), "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant."),
        (MICROSOFT, mail(), "530 5.7.57 Client not authenticated to send mail."),
        (MICROSOFT, Stage::FinalDot, "550 5.7.60 SMTP; Client does not have permissions to send as this sender"),
        (OTHER, rcpt(), "550 5.1.1 <b@example.com>: Recipient address rejected: User unknown"),
        (OTHER, rcpt(), "450 4.1.2 <b@example.con>: Recipient address rejected: Domain not found"),
        (OTHER, mail(), "553 5.1.8 <root@host>: Sender address rejected: Domain not found"),
        (GMAIL, rcpt(), "550 5.2.1 The email account that you tried to reach is inactive."),
        (GMAIL, rcpt(), "452 4.2.2 The recipient's inbox is out of storage space."),
        (OTHER, mail(), "552 5.3.4 Message size exceeds fixed limit"),
        (OTHER, mail(), "452 4.3.1 Insufficient system storage"),
        (OTHER, rcpt(), "550 5.4.1 Recipient address rejected: Access denied."),
        (OTHER, rcpt(), "452 4.5.3 Error: too many recipients"),
        (OTHER, rcpt(), "553 5.6.7 Address requires SMTPUTF8"),
        (OTHER, Stage::FinalDot, "550 5.7.26 This message fails to pass SPF checks"),
        (OTHER, rcpt(), "450 4.7.25 Client host rejected: cannot find your hostname"),
        (SES, Stage::FinalDot, "554 Message rejected: Email address is not verified."),
        (SENDGRID, Stage::FinalDot, "550 The from address does not match a verified Sender Identity."),
        (GMAIL, auth.clone(), "535 5.7.8 Username and Password not accepted."),
        (OTHER, auth.clone(), "534 5.7.9 Application-specific password required."),
        (GMAIL, auth.clone(), "454 4.7.0 Too many login attempts, please try again later."),
        (OTHER, mail(), "530 5.7.0 Must issue a STARTTLS command first"),
        (OTHER, rcpt(), "550 5.7.1 Authentication required"),
        (OTHER, rcpt(), "554 5.7.1 <b@example.org>: Relay access denied"),
        (OTHER, rcpt(), "450 4.7.1 <b@example.com>: Recipient address rejected: Greylisted, see http://postgrey"),
        (OTHER, rcpt(), "504 5.5.2 <host>: Helo command rejected: need fully-qualified hostname"),
        (OTHER, rcpt(), "550 Sender verify failed"),
        (OTHER, rcpt(), "553 5.7.1 <a@example.com>: Sender address rejected: not owned by user bench"),
        (OTHER, rcpt(), "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"),
        (OTHER, rcpt(), "550 No such user here"),
        (OTHER, rcpt(), "552 Mailbox full"),
        (OTHER, mail(), "550 SMTPUTF8 not supported by next hop"),
        (SES, Stage::FinalDot, "454 Throttling failure: Maximum sending rate exceeded."),
        (OTHER, Stage::FinalDot, "554 5.7.1 This looks like spam"),
        (OTHER, auth.clone(), "432 4.7.12 A password transition is needed"),
        (OTHER, auth.clone(), "535 5.7.8 Error: authentication failed"),
        (OTHER, Stage::Auth(ScramSha256), "535 5.7.8 Error: authentication failed"),
        (GMAIL, Stage::Auth(Xoauth2), "535 5.7.8 Username and Password not accepted."),
        (OTHER, Stage::Auth(External), "535 5.7.8 Unknown certificate"),
        (OTHER, auth.clone(), "534 5.7.9 Authentication mechanism is too weak"),
        (OTHER, auth.clone(), "538 5.7.11 Encryption needed for this mechanism"),
        (OTHER, auth.clone(), "504 5.5.4 Unrecognized authentication type"),
        (OTHER, auth.clone(), "503 5.5.1 Error: authentication not enabled"),
        (OTHER, Stage::Ask("VRFY", "b@example.com".to_owned()), "502 5.5.1 VRFY command is disabled"),
        (OTHER, Stage::Greeting, "554 No SMTP service here"),
        (OTHER, mail(), "530 5.5.1 Who are you?"),
        (OTHER, Stage::FinalDot, "552 Too much mail data"),
        (OTHER, rcpt(), "451 4.7.1 Please come again"),
        (OTHER, rcpt(), "556 No mail for this domain"),
        (OTHER, mail(), "555 5.5.4 Unsupported option: SIZE=9"),
        (OTHER, Stage::Data, "503 5.5.1 Error: need RCPT command"),
        (OTHER, mail(), "421 4.3.2 Closing"),
        (OTHER, rcpt(), "554 5.7.1 Access denied"),
        (OTHER, Stage::Ehlo, "550 5.7.1 Go away"),
        (OTHER, Stage::StartTls, "454 4.7.0 TLS not available due to local problem"),
        (OTHER, auth, "454 4.7.0 Temporary authentication failure"),
        (OTHER, Stage::FinalDot, "451 4.3.0 Error: queue file write error"),
    ]
}

#[test]
fn each_row_is_reached_by_its_sample_so_that_none_is_shadowed() {
    let samples = samples();
    for (number, (host, stage, line)) in samples.iter().enumerate() {
        let found = row(host, stage, line);
        assert_eq!(
            found,
            Some(number),
            "{stage}: {line}: {:?} instead of {:?}",
            found.map(|row| &ROWS[row].advice),
            ROWS.get(number).map(|row| &row.advice)
        );
    }
    assert_eq!(samples.len(), ROWS.len());
}

#[test]
fn what_names_more_stands_before_what_names_less() {
    let rank = |row: &Row| {
        (
            !row.enhanced.is_empty(),
            row.whose != Whose::Anybodys,
            !row.says.is_empty(),
            matches!(row.codes, Codes::These(_)),
        )
    };
    for pair in ROWS.windows(2) {
        assert!(rank(&pair[0]) >= rank(&pair[1]), "{:?}", pair[1]);
    }
}

#[test]
fn each_text_is_short_and_ends_with_a_step() {
    let starts = [
        "ask ", "change ", "check ", "choose ", "get ", "give ", "have ", "leave ", "log ",
        "make ", "send ", "set ", "tell ", "try ", "use ", "verify ", "wait ",
    ];
    for row in ROWS {
        let Advice::Words(cause, step) = row.advice else {
            continue;
        };
        let text = row.hint(None);
        assert!(text.len() <= 200, "{text}");
        assert!(starts.iter().any(|start| step.starts_with(start)), "{text}");
        assert!(
            !cause.is_empty() && !text.ends_with('.') && !cause.contains(": "),
            "{text}"
        );
    }
    for host in [
        GMAIL,
        MICROSOFT,
        SES,
        "smtp-mail.outlook.com",
        "smtp.mail.me.com",
        "smtp.fastmail.com",
        SENDGRID,
        "smtp.mailgun.org",
        "smtp.mail.yahoo.com",
        "smtp.aol.com",
    ] {
        let text = hint(host, &Stage::Auth(Plain), "535 no");
        assert!(text.contains(": ") && text.len() <= 200, "{text}");
    }
}

#[test]
fn words_are_in_lower_case_and_stand_once() {
    for row in ROWS {
        for (at, word) in row.says.iter().enumerate() {
            assert_eq!(*word, word.to_lowercase());
            let shorter = row.says.iter().enumerate();
            let mut shorter = shorter.filter(|(other, _)| *other != at);
            assert!(!shorter.any(|(_, other)| word.contains(other)), "{word}");
        }
    }
    let one = row(OTHER, &rcpt(), "554 RELAY Access Denied");
    assert_eq!(one, row(OTHER, &rcpt(), "554 relay access denied"));
}

#[test]
fn a_provider_that_a_row_names_is_in_the_table_of_providers() {
    let known: Vec<&str> = [GMAIL, MICROSOFT, SES, SENDGRID]
        .iter()
        .filter_map(|host| provider_of_host(&host.parse().unwrap()))
        .map(|provider| provider.name)
        .collect();
    for row in ROWS {
        if let Whose::Of(name) = row.whose {
            assert!(known.contains(&name), "{name}");
        }
    }
}

#[test]
fn a_hint_does_not_repeat_the_reply() {
    for (host, stage, line) in samples() {
        let text = hint(host, &stage, line).to_lowercase();
        assert!(
            !text.contains(&reply(line).text().to_lowercase()),
            "{line}: {text}"
        );
    }
}

#[test]
fn a_refused_login_leads_to_what_this_provider_takes() {
    for (host, line, wanted) in [
        (
            GMAIL,
            "535 5.7.8 no",
            "https://myaccount.google.com/apppasswords",
        ),
        (
            GMAIL,
            "534 5.7.9 Application-specific password required",
            "https://myaccount.google.com/apppasswords",
        ),
        (
            MICROSOFT,
            "535 5.7.3 Authentication unsuccessful",
            "SMTP AUTH",
        ),
        (
            "smtp-mail.outlook.com",
            "535 5.7.139 basic authentication is disabled.",
            "OAuth",
        ),
        (
            "smtp.mail.me.com",
            "535 5.7.8 Error: authentication failed",
            "app-specific password",
        ),
        (
            "smtp.fastmail.com",
            "535 5.7.0 Incorrect username or password",
            "app password",
        ),
        (
            "smtp.mail.yahoo.com",
            "535 5.7.0 (#AUTH005) Too many bad auth attempts.",
            "app password",
        ),
        (
            "smtp.aol.com",
            "535 5.7.0 (#AUTH005) Too many bad auth attempts.",
            "app password",
        ),
        (
            SENDGRID,
            "535 Authentication failed: Bad username / password",
            "apikey",
        ),
        (
            SES,
            "535 Authentication Credentials Invalid",
            "not the AWS access keys",
        ),
        (OTHER, "535 5.7.8 no", "app password"),
    ] {
        let text = hint(host, &Stage::Auth(Plain), line);
        assert!(text.contains(wanted), "{host} {line}: {text}");
    }
}

#[test]
fn only_a_stranger_is_told_that_nobody_is_named() {
    let line = "554 5.7.1 Access denied";
    assert_eq!(hint(OTHER, &rcpt(), line), "");
    let unknown = Refusal::new(
        Circumstances::default().as_stranger(),
        &rcpt(),
        &reply("550 no"),
        Kind::Recipient,
    );
    assert!(!ROWS.iter().any(|row| row.fits(&unknown)));
}

#[test]
fn whatever_may_work_later_says_so() {
    for stage in [
        Stage::Greeting,
        Stage::Ehlo,
        Stage::Auth(Plain),
        mail(),
        rcpt(),
        Stage::Data,
        Stage::Body,
    ] {
        for code in 400..500 {
            let line = format!("{code} x");
            assert_ne!(hint(OTHER, &stage, &line), "", "{stage}: {line}");
        }
    }
}

#[test]
fn an_unknown_cause_gets_no_guess() {
    for stage in [mail(), rcpt(), Stage::Data, Stage::FinalDot] {
        for line in ["554 no", "550 no", "554 5.0.0 no", "250 ok", "354 go"] {
            assert_eq!(hint(OTHER, &stage, line), "", "{stage}: {line}");
        }
    }
}
