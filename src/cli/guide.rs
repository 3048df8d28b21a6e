//! What a user is told beside the options: examples, settings, standard input, files, variables, exit codes.
//!
//! Owns these texts, of which `--help` shows some and the manual all, and how the help shows them.

use crate::exit::Exit;

/// A part of the guide.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) content: Content,
    /// Whether `--help` has it, too.
    pub(crate) in_help: bool,
}

/// What a part is made of.
pub(crate) enum Content {
    /// Command lines.
    Commands(&'static [&'static str]),
    /// Paragraphs.
    Prose(&'static str),
    /// Names, and what is said of each.
    Terms(&'static [(&'static str, &'static str)]),
    /// The exit codes, and what is said of all.
    Exits(&'static str),
}

/// All of them, in the order of the manual.
pub(crate) const SECTIONS: [Section; 6] = [
    Section {
        title: "Examples",
        content: Content::Commands(EXAMPLES),
        in_help: true,
    },
    Section {
        title: "Settings",
        content: Content::Prose(SETTINGS),
        in_help: true,
    },
    Section {
        title: "Standard input",
        content: Content::Prose(STANDARD_INPUT),
        in_help: true,
    },
    Section {
        title: "Environment",
        content: Content::Terms(ENVIRONMENT),
        in_help: false,
    },
    Section {
        title: "Files",
        content: Content::Terms(FILES),
        in_help: false,
    },
    Section {
        title: "Exit codes",
        content: Content::Exits(SOME_ACCEPTED),
        in_help: true,
    },
];

const EXAMPLES: &[&str] = &[
    "df -h | smtpsend -S smtp.example.com -u me@example.com --to bob@example.com -s Disks",
    "smtpsend < message.eml",
    "smtpsend --to bob@example.com --body-file report.txt --json",
    "smtpsend --to bob@example.com -s Report --markdown -a data.csv < report.md",
    "smtpsend run --to ops@example.com -- backup --full",
    "smtpsend check --server smtp.example.com --user me@example.com",
];

const SETTINGS: &str = "\
Each option marked [setting] also comes from the environment, as SMTPSEND_ and its name in
capitals with _ for - (SMTPSEND_CA_FILE), and from the settings files, by its name. A flag goes
before the environment; then come the profile, the top of your file, and the system's file,
/etc/smtpsend/config.toml. An empty variable counts as not set. Switches take 1, true, yes, on or
0, false, no, off; each has an opposite flag (--no-json, --pipelining). The password itself is
no flag, since other users would see it: SMTPSEND_PASSWORD, or password in a file.";

const STANDARD_INPUT: &str = "\
A message, when it starts with a header block in which From, To, Cc, Bcc, Subject, Message-ID,
MIME-Version, Reply-To or Sender stands; else a text body. It is not read with --body,
--body-file or --html, unless --attach-stdin or --input asks for it.";

const ENVIRONMENT: &[(&str, &str)] = &[
    ("SMTPSEND_…", "The settings: see there."),
    (
        "SMTPSEND_PASSWORD",
        "The password, or the token. Commands that are run do not get it.",
    ),
    (
        "SMTPSEND_SYSTEM_CONFIG",
        "The system's settings file, instead of /etc/smtpsend/config.toml; empty for that one.",
    ),
    (
        "XDG_CONFIG_HOME, XDG_STATE_HOME, HOME",
        "Where your settings file and your queue are. Without HOME it is the home that /etc/passwd names.",
    ),
    (
        "CREDENTIALS_DIRECTORY",
        "Where systemd puts the credentials of a service: smtpsend.password, or smtpsend.password.PROFILE.",
    ),
    (
        "MAILTO",
        "Who gets the mail of smtpsend run where nobody is typed, as cron sets it.",
    ),
    ("NETRC", "The file of logins, instead of ~/.netrc."),
    (
        "TMPDIR",
        "Where large input from a pipe waits, in a file without a name; else /var/tmp or /tmp.",
    ),
    (
        "TZ, TZDIR",
        "The local time, which dates are told in; else that of /etc/localtime.",
    ),
    (
        "LOGNAME, USER",
        "Who you are, where /etc/passwd does not say: part of the sender when nobody names one.",
    ),
    (
        "MAILTO",
        "Who gets the mail of smtpsend run, where no option says.",
    ),
    ("COLUMNS", "The width of the help."),
];

const FILES: &[(&str, &str)] = &[
    (
        "~/.config/smtpsend/config.toml",
        "Your settings, for you alone to read. smtpsend config init makes it.",
    ),
    ("/etc/smtpsend/config.toml", "The settings of the system."),
    (
        "~/.local/state/smtpsend/queue",
        "Your queue: a file for each message, for you alone.",
    ),
    (
        "~/.netrc",
        "Passwords by server and user, where the settings name none.",
    ),
    (
        "/etc/aliases",
        "Where mail for users of this machine goes, in the sendmail dialect, after [aliases] of the settings.",
    ),
    ("~/.msmtprc", "What smtpsend config import reads."),
    (
        "/etc/resolv.conf",
        "The DNS servers that are asked which server a domain has.",
    ),
];

const SOME_ACCEPTED: &str = "\
When some recipients were accepted and some not, the accepted ones have the message; the exit code is 75 if any
of the others was deferred, else 67 or 69.";

/// Each exit code and when it is given.
pub(crate) const EXITS: [(Exit, &str); 14] = [
    (
        Exit::Ok,
        "every recipient was accepted by the server, or is in the queue",
    ),
    (Exit::Usage, "the command line is wrong"),
    (
        Exit::DataErr,
        "the message or an address is bad, too large for the server, or cannot be represented",
    ),
    (Exit::NoInput, "an input file cannot be read"),
    (Exit::NoUser, "the recipients are unknown to the server"),
    (Exit::NoHost, "the host name is unknown"),
    (
        Exit::Unavailable,
        "the server refused for good; STARTTLS not offered; certificate not valid",
    ),
    (Exit::Software, "a bug in smtpsend"),
    (Exit::CantCreat, "the queue cannot be written to"),
    (Exit::IoErr, "local input or output failed"),
    (
        Exit::TempFail,
        "try again later: 4xx, no connection, timeout; or the outcome is not known",
    ),
    (Exit::Protocol, "the server broke the protocol"),
    (
        Exit::NoPerm,
        "authentication refused for good, or not offered although a user is given",
    ),
    (
        Exit::Config,
        "the settings are wrong, no server is set, or port 25 was asked for",
    ),
];

/// What stands below the options in the long help.
pub(crate) fn after_help() -> String {
    let sections = SECTIONS.iter().filter(|section| section.in_help);
    let texts: Vec<String> = sections.map(in_help).collect();
    texts.join("\n\n")
}

fn in_help(section: &Section) -> String {
    let mut text = format!("{}:", section.title);
    let mut line = |line: &str| {
        text.push_str("\n  ");
        text.push_str(line);
    };
    match &section.content {
        Content::Commands(commands) => commands.iter().for_each(|command| line(command)),
        Content::Prose(prose) => prose.lines().for_each(line),
        Content::Terms(terms) => terms
            .iter()
            .for_each(|(term, said)| line(&format!("{term}: {said}"))),
        Content::Exits(_) => EXITS
            .iter()
            .for_each(|(exit, when)| line(&format!("{:>2}  {when}", exit.code()))),
    }
    text
}
