//! Which of the [sources](super::secrets) the password comes from: the first that is there.
//!
//! In this order: `--password-file`, `SMTPSEND_PASSWORD`, `SMTPSEND_PASSWORD_FILE`, a prompt where
//! there is a terminal. Never from the command line, where every user of the machine sees it.

use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use anyhow::Result;

use super::secrets::Source;
use super::settings::{Origin, Settings};
use crate::secret::Secret;

/// Finds the password for `user`, and says in a word where it was found.
///
/// # Errors
/// `Input` when the file cannot be read; `Config` when it is readable by others or has no password,
/// or when there is no password anywhere.
pub(crate) fn password(
    user: &str,
    flag: Option<&PathBuf>,
    settings: &Settings<'_>,
) -> Result<(Secret, String)> {
    let source = source(user, flag, settings);
    Ok((source.read(None)?, source.to_string()))
}

fn source(user: &str, flag: Option<&PathBuf>, settings: &Settings<'_>) -> Source {
    let environment = |name: &str| std::env::var_os(name);
    if let Some(path) = flag {
        return Source::file("--password-file", path.clone(), &environment);
    }
    if let Some((origin, value)) = settings.variable("password") {
        return Source::value(origin.name(), Secret::new(value.into_vec()));
    }
    if let Some((Origin::Environment(name), path)) = settings.path("password-file", None) {
        return Source::file(&name, path, &environment);
    }
    Source::prompt(user)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use super::*;

    #[test]
    fn a_flag_goes_before_the_environment() {
        let environment = |name: &str| {
            (name == "SMTPSEND_PASSWORD").then(|| OsString::from("from the environment"))
        };
        let settings = Settings::new(&environment);
        let path = Path::new("/etc/password").to_owned();
        assert_eq!(
            source("bob", Some(&path), &settings).to_string(),
            "--password-file /etc/password"
        );
        let (secret, origin) = password("bob", None, &settings).unwrap();
        assert_eq!(secret.expose(), b"from the environment");
        assert_eq!(origin, "SMTPSEND_PASSWORD");
    }
}
