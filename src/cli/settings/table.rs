//! The table of settings: each option that is not one message's content stands here once.
//!
//! Its flag, its variable, its key in a settings file, its line in `--help` and in `config show`
//! all come from this table; what a value means is for the code that asks for it.

/// How a setting is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One value.
    Text,
    /// A program and its arguments, which may be secret.
    Command,
    /// The name of a file; in a settings file `~/` and names relative to its folder are understood.
    Path,
    /// A list with commas; its flag may come several times, in a file it may be an array.
    List,
    /// On or off; the flag takes no value, and has an opposite.
    Switch,
}

/// Where a setting may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// As a flag, in the environment and in files.
    Anywhere,
    /// Not as a flag: other users of the machine would see it.
    NoFlag,
    /// Not in a file: it says which file.
    NoFile,
}

/// Under which heading of `--help` a setting stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heading {
    Message,
    Recipients,
    Server,
    Authentication,
    Delivery,
    /// Of the sendmail dialect alone.
    Sendmail,
    /// Of `smtpsend run` alone.
    Run,
    /// Of `smtpsend merge` alone.
    /// Of what takes its time and is watched.
    Progress,
    Output,
    Log,
    Settings,
}

impl Heading {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Message => "Message",
            Self::Recipients => "Recipients",
            Self::Server => "Server",
            Self::Authentication => "Authentication",
            Self::Delivery => "Delivery",
            Self::Sendmail => "Sendmail",
            Self::Run => "Command",
            Self::Progress => "Output",
            Self::Output => "Output",
            Self::Log => "Log",
            Self::Settings => "Settings",
        }
    }
}

/// One setting.
#[derive(Debug)]
pub(crate) struct Setting {
    /// The flag without its hyphens, which is also the key in a file.
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    pub(crate) heading: Heading,
    /// What its value is called in the help; empty for a switch.
    pub(crate) value: &'static str,
    /// One line.
    pub(crate) help: &'static str,
    /// More lines, for the long help.
    pub(crate) more: &'static str,
    pub(crate) short: Option<char>,
    /// What holds when nobody says anything, in words.
    pub(crate) default: Option<&'static str>,
    pub(crate) place: Place,
    /// The flag that switches it off; empty for what is no switch.
    pub(crate) opposite: &'static str,
    /// The word that names something else than a file, alone or before a colon; empty for none.
    pub(crate) word: &'static str,
    /// What its values are, where they are few; shells offer them.
    pub(crate) words: &'static [&'static str],
}

impl Setting {
    const fn new(
        heading: Heading,
        form: Form,
        name: &'static str,
        value: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            name,
            form,
            heading,
            value,
            help,
            more: "",
            short: None,
            default: None,
            place: Place::Anywhere,
            opposite: "",
            word: "",
            words: &[],
        }
    }

    const fn switch(
        heading: Heading,
        name: &'static str,
        opposite: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            opposite,
            ..Self::new(heading, Form::Switch, name, "", help)
        }
    }

    const fn short(self, short: char) -> Self {
        Self {
            short: Some(short),
            ..self
        }
    }

    const fn more(self, more: &'static str) -> Self {
        Self { more, ..self }
    }

    const fn default(self, default: &'static str) -> Self {
        Self {
            default: Some(default),
            ..self
        }
    }

    const fn or(self, word: &'static str) -> Self {
        Self { word, ..self }
    }

    const fn among(self, words: &'static [&'static str]) -> Self {
        Self { words, ..self }
    }

    const fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    /// Whether it can be typed as a flag.
    pub(crate) fn has_flag(&self) -> bool {
        self.place != Place::NoFlag
    }

    /// Whether this value is the name of a file.
    pub(crate) fn is_file(&self, value: &str) -> bool {
        let rest = value
            .strip_prefix(self.word)
            .filter(|_| !self.word.is_empty());
        let is_word = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
        self.form == Form::Path && !is_word
    }

    /// The variable of the environment.
    pub(crate) fn variable(&self) -> String {
        let mut variable = String::with_capacity("SMTPSEND_".len() + self.name.len());
        variable.push_str("SMTPSEND_");
        let letter = |letter: char| match letter {
            '-' => '_',
            letter => letter.to_ascii_uppercase(),
        };
        variable.extend(self.name.chars().map(letter));
        variable
    }

    /// The flag, of a setting that has one.
    pub(crate) fn flag(&self) -> String {
        format!("--{}", self.name)
    }
}

/// The setting of this name.
pub(crate) fn setting(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

use Form::{Command, List, Path, Text};
use Heading::{
    Authentication, Delivery, Log, Message, Output, Progress, Recipients, Run, Sendmail, Server,
};

/// All of them, in the order of the help.
#[rustfmt::skip]
pub(crate) const SETTINGS: &[Setting] = &[
    Setting::new(Message, Text, "charset", "NAME", "Character set of a text body that is read in")
        .default("UTF-8")
        .more("The text is sent as UTF-8. Bytes that are not valid are never lost: the body is then sent \
               byte for byte as unknown-8bit."),
    Setting::new(Message, Text, "input", "KIND", "What standard input is: auto, body or message")
        .among(&["auto", "body", "message"])
        .default("auto"),
    Setting::new(Message, Path, "dkim-key", "PEM", "Sign by DKIM with the private key in this PEM file; others must not be able to read it")
        .more("RSA of 2048 to 4096 bits, or Ed25519, not encrypted. A queued message is signed before it is queued."),
    Setting::new(Message, Text, "dkim-selector", "NAME", "The public key stands in DNS under NAME._domainkey.DOMAIN"),
    Setting::new(Message, Text, "dkim-domain", "DOMAIN", "The domain that signs")
        .default("that of From"),

    Setting::new(Recipients, Text, "from", "ADDRESS", "The author, and the envelope sender unless that is given")
        .short('f'),
    Setting::new(Recipients, List, "reply-to", "LIST", "Where replies shall go"),
    Setting::new(Recipients, Text, "envelope-from", "ADDRESS",
        "The envelope sender, where failures are reported to; '<>' for nobody"),
    Setting::switch(Recipients, "read-recipients", "no-read-recipients", "Also send to To, Cc and Bcc of the message read")
        .more("Without recipients on the command line this is what happens anyway."),

    Setting::new(Server, List, "server", "SERVER",
        "HOST[:PORT], smtp://[user@]host[:port] or smtps://…; several with commas, tried in order")
        .short('S'),
    Setting::new(Server, Text, "discover", "WHOSE", "Which servers may be found from the From address when none is set")
        .among(&["own", "any", "never"])
        .default("own")
        .more("own: those of large providers, which are built in, and those that the domain's SRV records name \
               within the domain. any: also servers elsewhere; DNS can be forged, and whoever does it gets your \
               password. never: none."),
    Setting::new(Server, List, "dns", "ADDRESS[:PORT]", "The DNS server to ask for them")
        .default("those of /etc/resolv.conf"),
    Setting::new(Server, List, "ports", "LIST", "The port policy")
        .default("587/starttls,2525/starttls,465/implicit"),
    Setting::new(Server, Text, "tls", "MODE", "starttls, implicit or none")
        .among(&["starttls", "implicit", "none"])
        .more("With an explicit port the default is implicit for 465 and starttls for others. Without a \
               port it chooses among the ports of the policy; none means 587 and 2525 in clear."),
    Setting::new(Server, Path, "ca-file", "PEM",
        "A PEM file with the authorities to trust, instead of the built-in ones"),
    Setting::new(Server, Text, "trust", "WHOSE", "webpki (Mozilla's authorities, built in) or system")
        .among(&["webpki", "system"])
        .default("webpki")
        .more("Together with --ca-file both are trusted."),
    Setting::new(Server, List, "tls-pin", "PIN",
        "sha256:HEX of the server's certificate or of its public key; several with commas, any will do")
        .more("A pin is enough: the certificate that has it is trusted whatever its issuer, names and dates are. \
               With --ca-file or --trust both have to hold."),
    Setting::new(Server, Text, "tls-name", "NAME", "The name to ask for and to verify, instead of the server's"),
    Setting::new(Server, Text, "tls-min", "VERSION", "The least version of TLS, 1.2 or 1.3")
        .among(&["1.2", "1.3"])
        .default("1.2"),
    Setting::new(Server, Path, "client-cert", "PEM", "A PEM file with the certificate to show when the server asks for one")
        .more("Its key may be in the same file. Authorities between may stand behind it. It can also say who \
               we are: --auth EXTERNAL."),
    Setting::new(Server, Path, "client-key", "PEM",
        "A PEM file with the key of --client-cert; others must not be able to read it"),
    Setting::new(Server, Text, "proxy", "URL",
        "Connect through socks5://[user:password@]host[:port] or http://[user:password@]host[:port]")
        .more("Without a port it is 1080. The proxy looks the server's name up; connections to this machine go \
               through it too. Others can see a password on the command line: SMTPSEND_PROXY hides it."),
    Setting::new(Server, Text, "bind", "ADDRESS", "Connect from this address of this machine"),
    Setting::switch(Server, "ipv4", "no-ipv4", "Connect over IPv4 only")
        .short('4'),
    Setting::switch(Server, "ipv6", "no-ipv6", "Connect over IPv6 only")
        .short('6'),
    Setting::new(Server, Text, "ehlo", "NAME", "The name given with EHLO")
        .default("this host's full name, else its address"),
    Setting::new(Server, Text, "timeout", "SECONDS", "Longest wait for any one reply")
        .default("RFC 5321's, 2 to 10 minutes"),
    Setting::new(Server, Text, "connect-timeout", "SECONDS", "Longest wait for connecting and the greeting, per port")
        .default("30"),
    Setting::new(Server, Text, "deadline", "SECONDS", "Longest time for the whole run")
        .default("none"),
    Setting::switch(Server, "no-pipelining", "pipelining", "Send each command only after the reply to the one before")
        .more("For a server that loses or refuses commands which come together, although it offers PIPELINING."),
    Setting::switch(Server, "no-chunking", "chunking", "Send the message by DATA, also where the server offers BDAT")
        .more("For a server that offers CHUNKING and stumbles over it. With BDAT a message of up to 32 KiB \
               leaves together with its envelope, and a larger one in chunks of 1 MiB."),
    Setting::switch(Server, "auth-first", "no-auth-first", "Wait for the reply to AUTH before the envelope is sent")
        .more("For a server that answers AUTH PLAIN and nothing that came along with it."),

    Setting::new(Authentication, Text, "user", "NAME", "Authenticate as this user")
        .short('u')
        .more("Where nothing below says where the password is, it is the credential smtpsend.password that systemd \
               gives a service, that of the host and the user in ~/.netrc, or asked for on the terminal."),
    Setting::new(Authentication, Path, "password-file", "PATH",
        "A file whose first line is the password; others must not be able to read it"),
    Setting::new(Authentication, Command, "password-command", "CMD", "A command that prints the password")
        .more("Its first line counts. It runs without a shell, unless something in it needs one."),
    Setting::new(Authentication, Text, "password-fd", "N", "An open descriptor to read the password from")
        .more("smtpsend … --password-fd 3 3< FILE")
        .at(Place::NoFile),
    Setting::new(Authentication, Text, "password", "", "The password itself")
        .at(Place::NoFlag),
    Setting::new(Authentication, Command, "token-command", "CMD", "A command that prints an OAuth 2 access token")
        .more("It is run once more when the server refuses the token. With --auth OAUTHBEARER or XOAUTH2 \
               any source of a password may give the token."),
    Setting::new(Authentication, Text, "auth", "MECHANISM", "auto, none, or the mechanism to use")
        .among(&["auto", "none", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5",
            "PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2", "EXTERNAL"])
        .default("auto")
        .more("SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS, SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5, PLAIN or LOGIN \
               for a password, OAUTHBEARER or XOAUTH2 for a token, EXTERNAL for a client certificate. auto \
               takes the first of these that the server offers, and tries no other after a refusal."),
    Setting::switch(Authentication, "allow-cleartext-auth", "no-allow-cleartext-auth",
        "Send credentials even without TLS, where anybody on the way can read them"),

    Setting::switch(Delivery, "all-or-nothing", "no-all-or-nothing", "Nobody gets the message unless everybody is accepted"),
    Setting::new(Delivery, Text, "retry", "N",
        "Try so many more times after a temporary failure, waiting longer each time")
        .default("0")
        .more("Waits 1 s, 4 s, 16 s and so on up to 5 minutes, within --deadline: 3 cover 21 s, and 5 \
               the 6 minutes that greylisting takes. What may have been delivered is not sent again."),
    Setting::new(Delivery, List, "dsn-notify", "LIST",
        "When you are to be notified: never, or some of success,failure,delay")
        .among(&["never", "success", "failure", "delay"])
        .default("as the server does")
        .more("Notices go to the envelope sender. Only a server that offers DSN can be asked for them; to another \
               the message is sent all the same, and a warning says so. --dsn-id is what they call the message."),
    Setting::new(Delivery, Text, "dsn-return", "HOW", "What a failure notice gives back of the message: full or headers")
        .among(&["full", "headers"])
        .default("as the server does"),
    Setting::switch(Delivery, "require-tls", "no-require-tls",
        "Send only where the server promises verified TLS for the rest of the way too")
        .more("By its extension REQUIRETLS. Where it does not offer it, or there is no TLS to the server, the message is \
               not sent (exit 69)."),
    Setting::new(Delivery, List, "mail-param", "KEY[=VALUE]", "One more parameter of MAIL, sent as it is")
        .more("For extensions without an option of their own, like MT-PRIORITY=3. A server that does not offer the \
               extension gets it too, and may refuse the message. In a variable several are separated by spaces."),

    Setting::new(Delivery, Text, "queue", "WHEN", "Keep the message in the queue: never, on-failure or always")
        .among(&["never", "on-failure", "always"])
        .default("never; on-failure for smtpsend sendmail and run")
        .more("on-failure: when it was put off or no server could be reached, not when it was refused. always: \
               nothing is connected to. smtpsend queue run sends what is due, by the settings it runs with."),
    Setting::new(Delivery, Path, "queue-dir", "DIR", "Where the queue is")
        .default("smtpsend/queue in $XDG_STATE_HOME or ~/.local/state"),
    Setting::new(Delivery, Text, "queue-lifetime", "SPAN", "How long a queued message is tried: 5d, 12h, 90m or seconds")
        .default("5d")
        .more("Then its sender gets a failure notice, and the message is kept under failed."),

    Setting::new(Sendmail, Text, "sendmail-from", "ADDRESS",
        "Who mail is from, whatever the message and its sender say")
        .more("For a provider that takes no other: From and the envelope sender become this address, unless the \
               sender is nobody. The name in From stays (root (host) where there was none), and what stood there \
               goes into X-Original-From."),
    Setting::new(Sendmail, Text, "sendmail-domain", "DOMAIN", "The domain of local parts that stand alone and are no alias"),
    Setting::new(Sendmail, Path, "sendmail-aliases", "PATH", "The file of aliases, beside [aliases] in a settings file")
        .default("/etc/aliases"),
    Setting::new(Sendmail, Text, "sendmail-headers", "HOW", "What becomes of local parts that stand alone in a header: keep or complete")
        .among(&["keep", "complete"])
        .default("keep")
        .more("complete: in From, Sender, Reply-To, To and Cc they become the address that they go to, where it \
               is one and every address of the field is known."),

    Setting::new(Run, Text, "on", "WHAT", "When there is mail: on failure, output, or always")
        .among(&["failure", "output", "always"])
        .default("failure")
        .more("failure: an exit status other than 0, a signal, a timeout, a command that cannot be started, or anything \
               on its standard error (or on /dev/stdout, which is opened anew by that name: --tee tells them apart). \
               output: also anything on its standard output."),
    Setting::new(Run, Text, "timeout-command", "SECONDS", "Longest time for the command; 90m and 12h are understood too")
        .default("none")
        .more("Then it gets SIGTERM, and SIGKILL 10 s later, and so do the processes that it started, unless there is a \
               terminal; the exit code is 124."),
    Setting::switch(Run, "tee", "no-tee", "Pass the output of the command through, as it comes")
        .more("Standard output to standard output, standard error to standard error. In the mail, what is written \
               to both within one moment may then change places."),

    Setting::switch(Output, "verbose", "no-verbose", "Show the dialogue on standard error (secrets as ***)")
        .short('v'),
    Setting::switch(Output, "quiet", "no-quiet", "Say nothing on standard error; the exit code tells")
        .short('q'),
    Setting::switch(Output, "json", "no-json", "Print the result as one JSON object"),
    Setting::new(Progress, Text, "progress", "WHEN", "Show how far a large message or a merge is: auto or never")
        .among(&["auto", "never"])
        .default("auto")
        .more("auto: where standard error is a terminal, unless --verbose or --quiet is given."),

    Setting::new(Log, Path, "log", "FILE|syslog", "Append a line about each message to a file, or to the system's log")
        .more("A file that is not there is made for its owner alone. syslog:PATH is the log behind another socket \
               than /dev/log. When it cannot be opened, nothing is sent.")
        .or("syslog"),
    Setting::new(Log, Text, "log-format", "FORMAT", "text (key=value) or json (an object a line)")
        .among(&["text", "json"])
        .default("text"),

    Setting::new(Heading::Settings, Text, "profile", "NAME", "Use this profile of the settings file")
        .short('p')
        .more("Else the profile whose from or addresses has the From address (as it is, then as *@domain), \
               else the one that default-profile in the file names, else [profile.default].")
        .at(Place::NoFile),
    Setting::new(Heading::Settings, Path, "config", "PATH", "The settings file")
        .default("smtpsend/config.toml in $XDG_CONFIG_HOME or ~/.config")
        .at(Place::NoFile),
];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_and_letters_are_unique() {
        for (at, one) in SETTINGS.iter().enumerate() {
            for other in &SETTINGS[at + 1..] {
                assert_ne!(one.name, other.name);
                assert!(one.short.is_none() || one.short != other.short);
            }
        }
    }

    #[test]
    fn a_switch_has_an_opposite_with_or_without_no() {
        for switch in SETTINGS
            .iter()
            .filter(|setting| setting.form == Form::Switch)
        {
            let (long, short) = (
                switch.name.len().max(switch.opposite.len()),
                switch.name.len().min(switch.opposite.len()),
            );
            assert_eq!(long, short + "no-".len(), "{}", switch.name);
            assert!(
                switch.name.ends_with(switch.opposite) || switch.opposite.ends_with(switch.name)
            );
        }
    }
}
