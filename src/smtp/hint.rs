//! What a refusal means: its cause, and one sentence on what to do about it.
//!
//! One table, read from the top; the first row that fits is used. A hint is given only where the
//! cause is known well enough to be worth a user's time.

use super::dialogue::Stage;
use super::reply::{Enhanced, Reply};
use crate::failure::{Failure, Kind};

/// The failure that a reply means which is not the one due. `permanent` is the kind of a 5yz.
pub(crate) fn unexpected(stage: &Stage, reply: &Reply, permanent: Kind) -> Failure {
    let kind = match reply.code / 100 {
        4 => Kind::Temporary,
        5 => permanent,
        _ => Kind::Protocol,
    };
    let note = if kind == Kind::Protocol {
        " (not a reply that may come here)"
    } else {
        ""
    };
    let failure = Failure::new(kind, format!("{stage}: {reply}{note}"));
    match for_reply(stage, reply) {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

/// One step to take after this reply at this stage, where one is known.
fn for_reply(stage: &Stage, reply: &Reply) -> Option<&'static str> {
    let text = reply.text().to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let subject = reply
        .enhanced
        .map(|Enhanced(_, subject, detail)| (subject, detail));
    let auth = *stage == Stage::Auth;
    let envelope = matches!(
        stage,
        Stage::Mail(_) | Stage::Rcpt(_) | Stage::Ask(..) | Stage::Data
    );
    let rows: [(bool, &'static str); 17] = [
        (
            auth && says(&[
                "application-specific",
                "app password",
                "apppassword",
                "basic authentication is disabled",
                "web login",
            ]),
            "this provider wants an app password, made in the account's security settings, instead of the account's own",
        ),
        (
            auth && reply.code == 535,
            "check user and password; large providers want an app password instead of the account's own, and SMTP switched on for the account",
        ),
        (
            auth && reply.code == 534,
            "the server wants a stronger mechanism or an app password",
        ),
        (
            auth && reply.code == 538,
            "the server wants TLS before AUTH: leave out --tls none",
        ),
        (
            auth && reply.is_temporary(),
            "the server cannot check passwords now: try again later",
        ),
        (
            envelope
                && (reply.code == 530 || subject == Some((7, 0)))
                && says(&["starttls", "tls"]),
            "the server wants TLS: leave out --tls none",
        ),
        (
            envelope
                && (reply.code == 530
                    || says(&[
                        "authentication required",
                        "must authenticate",
                        "not authenticated",
                        "login required",
                    ])),
            "the server wants to know who you are: give --user and a password",
        ),
        (
            says(&[
                "relay access denied",
                "relaying denied",
                "relay not permitted",
                "unable to relay",
                "not permitted to relay",
                "relaying not allowed",
            ]),
            "the server does not send mail on for strangers: give --user and a password, or the server of your own provider",
        ),
        (
            reply.is_temporary() && says(&["greylist", "grey list", "graylist", "greylisted"]),
            "the server asks unknown senders to come again: try again in some minutes, for instance with --retry",
        ),
        (
            matches!(stage, Stage::Mail(_))
                && (subject == Some((1, 8))
                    || says(&[
                        "not owned by user",
                        "sender address rejected",
                        "send as",
                        "sender mismatch",
                        "not allowed to send",
                    ])),
            "the server does not take this sender from you: give one of your own with --from or --envelope-from",
        ),
        (
            reply.code == 552 && subject != Some((2, 2)) || subject == Some((3, 4)),
            "the message is too large for this server",
        ),
        (
            subject == Some((2, 2)) || says(&["mailbox full", "over quota", "quota exceeded"]),
            "the recipient's mailbox is full",
        ),
        (
            matches!(stage, Stage::Rcpt(_))
                && (subject == Some((1, 1))
                    || says(&[
                        "user unknown",
                        "no such user",
                        "unknown user",
                        "does not exist",
                    ])),
            "check the address for a typing error",
        ),
        (
            matches!(stage, Stage::Ehlo) && reply.is_permanent(),
            "the server does not like the name this machine gives itself: set one with --ehlo",
        ),
        (
            matches!(stage, Stage::Greeting)
                && says(&["block", "spam", "blacklist", "blocklist", "reputation"]),
            "the server refuses this machine's address: use the server of your provider",
        ),
        (
            reply.code == 421
                || subject == Some((4, 5))
                || says(&["too many", "rate limit", "try again later"]) && reply.is_temporary(),
            "the server is busy or limits you: try again later, for instance with --retry",
        ),
        (
            *stage == Stage::FinalDot
                && reply.is_permanent()
                && says(&["spam", "content rejected", "virus", "policy"]),
            "the server refuses the content of the message",
        ),
    ];
    rows.into_iter()
        .find(|(fits, _)| *fits)
        .map(|(_, hint)| hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(stage: &Stage, code: u16, enhanced: Option<Enhanced>, text: &str) -> &'static str {
        let reply = Reply {
            code,
            enhanced,
            lines: vec![text.to_owned()],
        };
        for_reply(stage, &reply).unwrap_or("none")
    }

    #[test]
    fn a_refused_password_leads_to_app_passwords() {
        let text = "Username and Password not accepted";
        assert!(hint(&Stage::Auth, 535, Some(Enhanced(5, 7, 8)), text).contains("app password"));
    }

    #[test]
    fn what_the_server_wants_is_named() {
        let mail = Stage::Mail("a@example.com".to_owned());
        let rcpt = Stage::Rcpt("b@example.com".to_owned());
        let cases = [
            (&mail, 530, "Authentication required", "--user"),
            (
                &mail,
                530,
                "Must issue a STARTTLS command first",
                "wants TLS",
            ),
            (&rcpt, 554, "Relay access denied", "for strangers"),
            (&rcpt, 450, "Greylisted, come again", "--retry"),
            (&rcpt, 550, "no such user here", "typing error"),
            (&mail, 552, "message size exceeds limit", "too large"),
            (
                &mail,
                553,
                "Sender address rejected: not owned by user",
                "--from",
            ),
            (&Stage::Ehlo, 550, "invalid name", "--ehlo"),
        ];
        for (stage, code, text, wanted) in cases {
            assert!(
                hint(stage, code, None, text).contains(wanted),
                "{code} {text}"
            );
        }
    }

    #[test]
    fn an_unknown_cause_gets_no_guess() {
        assert_eq!(hint(&Stage::Data, 554, None, "no"), "none");
    }
}
