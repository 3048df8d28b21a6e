//! Where the password comes from: file, environment, prompt; the first that is there.
//!
//! In this order: `--password-file`, `SMTPSEND_PASSWORD`, `SMTPSEND_PASSWORD_FILE`, a prompt where
//! there is a terminal. Never from the command line, where every user of the machine sees it.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use signal_hook::consts::SIGINT;
use zeroize::{Zeroize as _, Zeroizing};

use super::settings::{Settings, setting};
use crate::failure::{Failure, Kind, printable};
use crate::secret::Secret;

/// Longest password file read, in octets; what is larger is no password file.
const FILE_LIMIT: u64 = 65_536;

/// Finds the password for `user`, and says in a word where it was found.
///
/// # Errors
/// `Input` when the file cannot be read; `Config` when it is readable by others or has no password,
/// or when there is no password anywhere.
pub(crate) fn password(user: &str, settings: &Settings<'_>) -> Result<(Secret, String)> {
    let layers = |name| {
        setting(name)
            .into_iter()
            .flat_map(|setting| settings.layers(setting))
    };
    let sources = ["password", "password-file"];
    // Of one layer the first; the variable of the password goes before that of a file with it.
    let strongest = sources
        .into_iter()
        .flat_map(|name| layers(name).map(move |(origin, value)| (origin, name, value)))
        .reduce(|best, other| {
            if other.0.outranks(&best.0) {
                other
            } else {
                best
            }
        });
    match strongest {
        Some((origin, "password", value)) => {
            return Ok((Secret::new(value.into_vec()), origin.to_string()));
        }
        Some((origin, _, path)) => {
            let path = Path::new(&path);
            let secret = read_file(path).context(origin.to_string())?;
            return Ok((secret, format!("{origin} {}", path.display())));
        }
        None => {}
    }
    Ok((prompt(user)?, "the prompt".to_owned()))
}

fn read_file(path: &Path) -> Result<Secret> {
    let place = path.display();
    let unreadable = |error: std::io::Error| Failure::new(Kind::Input, format!("{place}: {error}"));
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(Failure::new(Kind::Input, format!("{place}: is a directory")).into());
    }
    if metadata.permissions().mode() & 0o044 != 0 {
        return Err(
            Failure::new(Kind::Config, format!("{place}: others can read it"))
                .with_hint(format!("chmod 600 {place}"))
                .into(),
        );
    }
    // Room for all of it from the start: growing would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_LIMIT as usize + 1));
    file.take(FILE_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(Failure::new(
            Kind::Config,
            format!("{place}: too large to be a password file"),
        )
        .into());
    }
    let line = bytes
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err(Failure::new(Kind::Config, format!("{place}: its first line is empty")).into());
    }
    Ok(Secret::new(line.to_vec()))
}

/// Asks on the terminal.
fn prompt(user: &str) -> Result<Secret> {
    // The prompt switches the echo off. Dying of Ctrl-C right there would leave it off, so the
    // signal is only noted until the terminal is as it was.
    let interrupted = Arc::new(AtomicBool::new(false));
    let noted = signal_hook::flag::register(SIGINT, Arc::clone(&interrupted));
    let typed = rpassword::prompt_password(format!("Password for {}: ", printable(user)));
    if let Ok(id) = noted {
        signal_hook::low_level::unregister(id);
    }
    if interrupted.load(Ordering::Relaxed) {
        // Ends the program as Ctrl-C does.
        let _ = signal_hook::low_level::emulate_default_handler(SIGINT);
    }
    let no_password = |why: &str| {
        Failure::new(
            Kind::Config,
            format!("no password for the user {user}{why}"),
        )
        .with_hint("give one with --password-file or SMTPSEND_PASSWORD")
    };
    match typed {
        Ok(mut typed) => {
            let secret = Secret::new(typed.as_bytes().to_vec());
            typed.zeroize();
            Ok(secret)
        }
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Err(no_password(": none was typed").into())
        }
        // ENXIO, ENOENT, ENOTTY.
        Err(_) => Err(no_password(", and no terminal to ask on").into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;

    fn file(content: &[u8], mode: u32) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    fn kind(error: &anyhow::Error) -> Kind {
        error.downcast_ref::<Failure>().unwrap().kind
    }

    #[test]
    fn the_first_line_is_the_password() {
        for content in [&b"hunter2"[..], b"hunter2\n", b"hunter2\r\nmore\n"] {
            let (_folder, path) = file(content, 0o600);
            assert_eq!(read_file(&path).unwrap().expose(), b"hunter2");
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_and_the_chmod_named() {
        for mode in [0o640, 0o604, 0o644] {
            let (_folder, path) = file(b"hunter2\n", mode);
            let error = read_file(&path).unwrap_err();
            let failure = error.downcast_ref::<Failure>().unwrap();
            assert_eq!(failure.kind, Kind::Config);
            assert!(failure.hint.as_ref().unwrap().starts_with("chmod 600 "));
        }
    }

    #[test]
    fn what_holds_no_password_is_refused() {
        let (_folder, path) = file(b"\nhunter2\n", 0o600);
        assert_eq!(kind(&read_file(&path).unwrap_err()), Kind::Config);
        let (_folder, path) = file(&vec![b'x'; 70_000], 0o600);
        assert_eq!(kind(&read_file(&path).unwrap_err()), Kind::Config);
        assert_eq!(
            kind(&read_file(Path::new("/nonexistent")).unwrap_err()),
            Kind::Input
        );
        assert_eq!(kind(&read_file(Path::new("/")).unwrap_err()), Kind::Input);
    }
}
