//! The options that name what works, to be pasted behind `smtpsend`: the server as it was found, and what
//! else was typed for this run.
//!
//! What settings and variables say counts in the next run too, and is left out. So is what a typed option
//! may tell to whom the text is shown: a login at a proxy, and the words of a command.

use anyhow::Result;

use crate::cli::credentials;
use crate::cli::settings::{Form, Heading, SETTINGS, Setting, Settings};
use crate::route::Rung;

/// What the server that was found stands in place of.
const REPLACED: [&str; 5] = ["server", "discover", "dns", "ports", "tls"];

/// The options that name this rung and no other, whatever the settings say.
pub(super) fn server(rung: &Rung) -> String {
    format!("--server {rung} --tls {}", rung.security.name())
}

/// What was typed and is needed beside the server, with a space before each option.
///
/// # Errors
/// As for any setting.
pub(super) fn typed(settings: &Settings<'_>) -> Result<String> {
    let mut words = String::new();
    for setting in SETTINGS {
        if setting.heading == Heading::Output || REPLACED.contains(&setting.name) {
            continue;
        }
        let found = match setting.name {
            // It may have been named with the server.
            "user" => credentials::user(settings)?.map(|(origin, user)| (origin, user.into())),
            name => settings.raw(name)?,
        };
        if let Some((_, value)) = found.filter(|(origin, _)| origin.is_flag()) {
            words.push(' ');
            words += &option(setting, &value.to_string_lossy());
        }
    }
    Ok(words)
}

/// The option as a shell takes it.
fn option(setting: &Setting, value: &str) -> String {
    let flag = setting.flag();
    let is_login = setting.name == "proxy" && value.contains('@');
    match setting.form {
        Form::Switch if value == "off" => format!("--{}", setting.opposite),
        Form::Switch => flag,
        Form::Command => format!("{flag} …"),
        _ if is_login => format!("{flag} …"),
        Form::Text | Form::Path | Form::List => format!("{flag} {}", quoted(value)),
    }
}

fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./:@%+=,".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::cli::settings::setting;

    #[test]
    fn an_option_can_be_pasted_into_a_shell() {
        for (name, value, expected) in [
            ("user", "bob@x.org", "--user bob@x.org"),
            ("user", "", "--user ''"),
            ("ca-file", "my ca's.pem", r"--ca-file 'my ca'\''s.pem'"),
            ("ipv4", "on", "--ipv4"),
            ("no-pipelining", "off", "--pipelining"),
        ] {
            assert_eq!(option(setting(name).unwrap(), value), expected);
        }
    }

    #[test]
    fn what_may_be_secret_is_not_repeated() {
        for (name, value, expected) in [
            ("password-command", "echo hunter2", "--password-command …"),
            ("proxy", "socks5://u:hunter2@p.test", "--proxy …"),
            ("proxy", "socks5://p.test", "--proxy socks5://p.test"),
        ] {
            assert_eq!(option(setting(name).unwrap(), value), expected);
        }
    }
}
