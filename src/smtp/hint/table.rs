//! The table of refusals that are understood.
//!
//! In its order what a row names counts like this: the enhanced code (RFC 3463, RFC 5248) before the
//! provider, that before words of the reply, those before the code, and last the phase or only 4yz or 5yz.
//! Codes mean the same everywhere; words are looked for only where the codes cannot tell (5.7.1 is
//! said of everything), without regard to case. A step names the option to use, wherever there is one.

use super::Phase::{
    Ask, Certificate, Data, Digest, Ehlo, Greeting, Mail, Message, Password, Rcpt, StartTls, Token,
};
use super::{Phase, Row};

const LOGIN: &[Phase] = &[Password, Digest];
const AUTH: &[Phase] = &[Password, Digest, Token, Certificate];
const ENVELOPE: &[Phase] = &[Mail, Rcpt, Ask, Data];
const ADDRESSES: &[Phase] = &[Mail, Rcpt];
const SENDING: &[Phase] = &[Mail, Rcpt, Data, Message];

// What is told in more than one way.
const NO_SUCH_SENDER: Row = Row::new(
    "the server cannot find the sender's domain; cron and scripts send as user@host",
    "give an address that can get mail with --from or SMTPSEND_FROM",
);
const NO_SUCH_RECIPIENT: Row = Row::new(
    "the server does not know this address",
    "check it for a typing error",
);
const NO_SUCH_DOMAIN: Row = Row::new(
    "the recipient's domain is not found, or takes no mail",
    "check what stands behind the @",
);
const FULL_MAILBOX: Row = Row::new(
    "the recipient's mailbox is full",
    "tell the recipient, or try again tomorrow",
);
const TOO_LARGE: Row = Row::new(
    "the message is too large",
    "send less, or put what is large elsewhere and send its address",
);
const NOT_ASCII: Row = Row::new(
    "an address has characters outside ASCII, which are not taken on the way to it",
    "use an address in ASCII",
);
const MACHINE_REFUSED: Row = Row::new(
    "the server refuses this machine's address",
    "send by the server of your provider, with --server and --user",
);
const WANTS_LOGIN: Row = Row::new(
    "the server wants to know who you are",
    "give --user and a password",
);
const WANTS_TLS: Row = Row::new("the server wants TLS", "leave out --tls none");
const WANTS_NAME: Row = Row::new(
    "the server does not like the name this machine gives itself",
    "set a full one with --ehlo",
);
const LIMIT_OF_A_DAY: Row = Row::new(
    "the provider's limit for a day is reached",
    "wait until tomorrow, or send by a service made for many messages",
);

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    // An enhanced code and a provider.
    LIMIT_OF_A_DAY
        .enhanced(&[(4, 5)]).by("Gmail and Google Workspace").class(5),
    LIMIT_OF_A_DAY
        .enhanced(&[(1, 90)]).by("Microsoft 365").class(5),

    // An enhanced code.
    Row::new("Microsoft has passwords or SMTP AUTH switched off for this account",
        "have its administrator switch SMTP AUTH on, or use an OAuth 2 token (--token-command)")
        .enhanced(&[(7, 139), (7, 30)]).at(AUTH),
    Row::new("Microsoft's server takes mail only from who is logged in", "give --user and a password, or --token-command")
        .enhanced(&[(7, 57)]),
    Row::new("this account may not send as this sender", "give its own address with --from, or have its administrator grant Send As")
        .enhanced(&[(7, 60), (2, 252)]),
    NO_SUCH_RECIPIENT
        .enhanced(&[(1, 1), (1, 3)]).at(&[Rcpt]),
    NO_SUCH_DOMAIN
        .enhanced(&[(1, 2), (1, 10)]).at(&[Rcpt]),
    NO_SUCH_SENDER
        .enhanced(&[(1, 7), (1, 8), (7, 27)]),
    Row::new("this mailbox is switched off", "ask the recipient for another address")
        .enhanced(&[(2, 1)]).at(&[Rcpt]).class(5),
    FULL_MAILBOX
        .enhanced(&[(2, 2)]),
    TOO_LARGE
        .enhanced(&[(2, 3), (3, 4)]),
    Row::new("the server has no room for the message now", "try again later, for instance with --retry 5")
        .enhanced(&[(3, 1)]),
    Row::new("the recipient's server takes no mail for this address", "check it for a typing error")
        .enhanced(&[(4, 1)]).at(&[Rcpt]).class(5),
    Row::new("the server takes only so many recipients in one transaction",
        "send to fewer at a time, and without --all-or-nothing and --quit-after")
        .enhanced(&[(5, 3)]),
    NOT_ASCII
        .enhanced(&[(6, 7)]),
    Row::new("the sender's domain allows other servers only (SPF, DKIM, DMARC)",
        "send by the server of that domain, with --server, or use another --from")
        .enhanced(&[(7, 20), (7, 21), (7, 22), (7, 23), (7, 26)]).class(5),
    MACHINE_REFUSED
        .enhanced(&[(7, 25)]),

    // A provider, with words or without.
    Row::new("Amazon SES sends only from addresses and domains that are verified, in its sandbox also only to such",
        "verify it in the SES console of this region, or use another --from")
        .by("Amazon SES").says(&["not verified"]).class(5),
    Row::new("SendGrid sends only from senders that are verified", "verify this one in its settings, or use another --from")
        .by("SendGrid").says(&["sender identity"]).class(5),
    Row::of_provider()
        .at(LOGIN).class(5),

    // Words, where the codes cannot tell.
    Row::new("this provider wants an app password instead of the account's own", "make one in the account's security settings")
        .says(&["application-specific", "app password", "apppassword", "app-specific", "web login", "web browser"]).at(AUTH),
    Row::new("there were too many logins, or too many wrong ones", "wait some minutes, and check --user and the password")
        .says(&["too many", "too often", "rate limit", "locked"]).at(AUTH),
    WANTS_TLS
        .says(&["starttls", "must use tls", "tls required", "tls is required", "ssl required", "encryption required"])
        .at(&[Password, Digest, Token, Mail, Rcpt, Ask, Data]).class(5),
    WANTS_LOGIN
        .says(&["authentication required", "authentication is required", "authentication needed", "must authenticate",
            "must be authenticated", "not authenticated", "not logged in", "login required", "log in first"])
        .at(ENVELOPE).class(5),
    Row::new("the server does not send mail on for strangers",
        "give --user and a password, or name the server of your own provider with --server")
        .says(&["relay access denied", "relaying denied", "relay denied", "relay not permitted", "unable to relay",
            "not permitted to relay", "relaying not allowed", "relaying is not allowed", "we do not relay",
            "not an open relay", "relaying is prohibited", "relay prohibited"])
        .at(ADDRESSES),
    Row::new("the server asks unknown senders to come again", "try again in some minutes, with --retry 5")
        .says(&["greylist", "graylist", "grey list", "gray list", "grey-list", "postgrey"]).class(4),
    WANTS_NAME
        .says(&["helo command rejected", "ehlo command rejected", "invalid helo", "invalid ehlo", "bad helo", "helo name",
            "ehlo name", "need fully-qualified hostname", "helo/ehlo"])
        .at(&[Ehlo, Mail, Rcpt]),
    NO_SUCH_SENDER
        .says(&["sender address rejected: domain not found", "domain of sender", "sender domain", "sender verify failed",
            "sender address rejected: need fully-qualified"])
        .at(ADDRESSES),
    Row::new("the server does not take this sender from you", "give an address of your own with --from or --envelope-from")
        .says(&["not owned by user", "sender address rejected", "sender mismatch", "send as", "sendas", "sender not allowed",
            "not allowed to send", "not permitted to send", "not authorized to send", "not authorised to send",
            "sender is not same"])
        .at(SENDING).class(5),
    MACHINE_REFUSED
        .says(&["blocked using", "spamhaus", "spamcop", "barracuda", "blacklist", "blocklist", "block list", "black list",
            "dnsbl", "banned sending ip", "client host rejected", "client host blocked", "reputation"])
        .at(&[Greeting, Ehlo, Mail, Rcpt, Data]),
    NO_SUCH_RECIPIENT
        .says(&["user unknown", "unknown user", "no such user", "does not exist", "unknown recipient", "no such recipient",
            "no mailbox here", "mailbox unavailable", "mailbox not found", "unrouteable address"])
        .at(&[Rcpt]).class(5),
    FULL_MAILBOX
        .says(&["mailbox full", "mailbox is full", "over quota", "quota exceeded", "insufficient mailbox"])
        .at(&[Rcpt, Message]),
    NOT_ASCII
        .says(&["smtputf8", "non-ascii address", "internationalized"]).at(ADDRESSES),
    Row::new("the server limits how much it takes at a time", "try again later (--retry 5), and send fewer in a minute")
        .says(&["too many", "rate limit", "limit exceeded", "sending limit", "limits exceeded", "throttl", "too fast", "too quickly"])
        .at(&[Greeting, Ehlo, Mail, Data, Message]),
    Row::new("the server refuses what is in the message", "change what looks like spam in it, or ask the server's administrator")
        .says(&["spam", "content rejected", "virus", "malware", "policy"]).at(&[Message]).class(5),

    // A code.
    Row::new("the server takes this user with another mechanism from now on", "log in once with --auth PLAIN")
        .codes(&[432]).at(AUTH),
    Row::new("the user or the password is wrong, or the provider may want an app password",
        "check --user (often the whole address) and the password")
        .codes(&[535]).at(&[Password]),
    Row::new("the user or the password is wrong, or the server may not hold it in the form this mechanism needs",
        "check --user and the password, or use --auth PLAIN")
        .codes(&[535]).at(&[Digest]),
    Row::new("the token may have expired, or not be for this user or for sending mail (its scope)", "get a new one, with --token-command")
        .codes(&[535]).at(&[Token]),
    Row::new("the server must know the client certificate, and that it may stand for this user", "check --client-cert and --user")
        .codes(&[535]).at(&[Certificate]),
    Row::new("the server wants a stronger mechanism, or an app password", "try another mechanism with --auth, or make an app password")
        .codes(&[534]).at(AUTH),
    WANTS_TLS
        .codes(&[523, 538]).at(AUTH),
    Row::new("the server does not know this mechanism, although it may offer it", "choose another one with --auth")
        .codes(&[504]).at(AUTH),
    Row::new("the server takes no login here", "use a port for submission (--ports 587,465), or --auth none if none is needed")
        .codes(&[500, 502, 503]).at(AUTH),
    Row::new("many servers have this switched off", "use --quit-after rcpt with a message, which asks by RCPT and sends nothing")
        .codes(&[500, 502, 504]).at(&[Ask]),
    Row::new("there is no mail service for this machine here", "check --server: it has to be your provider's server for submission")
        .codes(&[521, 554]).at(&[Greeting]),
    WANTS_LOGIN
        .codes(&[530]),
    TOO_LARGE
        .codes(&[552]).at(&[Mail, Data, Message]),
    Row::new("the server may ask unknown senders to come again", "try again in some minutes, with --retry 5")
        .codes(&[450, 451]).at(&[Rcpt]),
    NO_SUCH_DOMAIN
        .codes(&[521, 556]).at(&[Rcpt]),
    Row::new("the server does not take a parameter, although it may have offered it",
        "try another port with --ports, or show its administrator the line with -v")
        .codes(&[555]).at(ADDRESSES),
    Row::new("the server may have lost count of commands that came together", "try --no-pipelining")
        .codes(&[503]).at(SENDING),
    Row::new("the server ends the session; it may be busy, or limit you", "try again later, for instance with --retry 5")
        .codes(&[421]),

    // Only the phase, and whether it may work later.
    Row::new("the server offers AUTH and no user is given", "set --user or SMTPSEND_USER")
        .for_strangers().at(ADDRESSES).class(5),
    WANTS_NAME
        .at(&[Ehlo]).class(5),
    Row::new("the server cannot start TLS on this port", "try implicit TLS (--tls implicit), or again later")
        .at(&[StartTls]),
    Row::new("the server cannot check logins now", "try again later, for instance with --retry 5")
        .at(AUTH).class(4),
    Row::new("the server puts it off", "try again later, for instance with --retry 5")
        .class(4),
];
