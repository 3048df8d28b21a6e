//! Secrets in files: those that the user keeps, and the credentials of a systemd service
//! (systemd.exec(5), "Credentials").
//!
//! Refuses a file that others can read.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::time::Instant;

use zeroize::Zeroizing;

use super::bounded::{self, Until};
use crate::cli::settings::Environment;
use crate::cli::stdin;
use crate::failure::{Failure, Kind, Result};
use crate::secret::Secret;

/// Who shall be able to read the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    /// Its owner, by its mode.
    Owner,
    /// The service: systemd lets it in by an access list, whose mask shows as the group's mode.
    OfTheService,
}

impl Readers {
    pub(super) fn of(path: &Path, environment: Environment<'_>) -> Self {
        let climbs = path.components().any(|part| part == Component::ParentDir);
        match environment("CREDENTIALS_DIRECTORY") {
            Some(folder) if !folder.is_empty() && path.starts_with(&folder) && !climbs => {
                Self::OfTheService
            }
            _ => Self::Owner,
        }
    }
}

/// Reads the first line of the file.
pub(super) fn read(path: &Path, readers: Readers, deadline: Option<Instant>) -> Result<Secret> {
    octets(path, readers, deadline)
        .and_then(|octets| bounded::first_line(&octets))
        .map_err(|failure| failure.at(path.display()))
}

/// Reads all of the file.
pub(super) fn read_whole(
    path: &Path,
    readers: Readers,
    deadline: Option<Instant>,
) -> Result<Secret> {
    octets(path, readers, deadline)
        .map(|octets| Secret::new(octets.to_vec()))
        .map_err(|failure| failure.at(path.display()))
}

const ANOTHERS: &str = "it is another user's: each user needs a file of its own, named in its \
                        ~/.config/smtpsend/config.toml";

fn octets(path: &Path, readers: Readers, deadline: Option<Instant>) -> Result<Zeroizing<Vec<u8>>> {
    let unreadable = |error: std::io::Error| Failure::new(Kind::Input, error.to_string());
    let file = stdin::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => unreadable(error).with_hint(ANOTHERS),
        _ => unreadable(error),
    })?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(Failure::new(Kind::Input, "is a directory"));
    }
    if readers == Readers::Owner {
        refuse_readable_by_others(&metadata, path)?;
    }
    bounded::read(&file, Until::End, deadline)
}

/// Refuses a file that its group or everybody can read.
///
/// # Errors
/// `Config`, with the `chmod` to run.
pub(super) fn refuse_readable_by_others(metadata: &std::fs::Metadata, path: &Path) -> Result<()> {
    if metadata.permissions().mode() & 0o044 == 0 {
        return Ok(());
    }
    let hint = format!("chmod 600 {}", path.display());
    Err(Failure::new(Kind::Config, "others can read it").with_hint(hint))
}

/// The name and path of the credential for this profile, else for all.
pub(super) fn credential(
    profile: Option<&str>,
    environment: Environment<'_>,
) -> Option<(String, PathBuf)> {
    let folder = environment("CREDENTIALS_DIRECTORY").filter(|folder| !folder.is_empty())?;
    let folder = PathBuf::from(folder);
    let general = "smtpsend.password";
    let own = profile
        .filter(|profile| !profile.contains('/'))
        .map(|profile| format!("{general}.{profile}"));
    let found = |name: String| (folder.join(&name), name);
    own.into_iter()
        .chain([general.to_owned()])
        .map(found)
        .find(|(path, _)| path.exists())
        .map(|(path, name)| (name, path))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::ffi::OsString;
    use std::fs;

    use super::*;

    fn file(content: &[u8], mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    fn kind(path: &Path) -> Kind {
        read(path, Readers::Owner, None).unwrap_err().kind
    }

    #[test]
    fn the_first_line_is_the_password() {
        for content in [&b"hunter2"[..], b"hunter2\n", b"hunter2\r\nmore\n"] {
            let (_folder, path) = file(content, 0o600);
            let secret = read(&path, Readers::Owner, None).unwrap();
            assert_eq!(secret.expose(), b"hunter2");
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_and_the_chmod_named() {
        for mode in [0o640, 0o604, 0o644] {
            let (_folder, path) = file(b"hunter2\n", mode);
            let failure = read(&path, Readers::Owner, None).unwrap_err();
            assert_eq!(failure.kind, Kind::Config);
            let hint = format!("chmod 600 {}", path.display());
            assert_eq!(failure.hint, Some(hint));
        }
    }

    #[test]
    fn what_holds_no_password_is_refused() {
        let (_folder, path) = file(b"\nhunter2\n", 0o600);
        assert_eq!(kind(&path), Kind::Config);
        let (_folder, path) = file(&vec![b'x'; 70_000], 0o600);
        assert_eq!(kind(&path), Kind::Config);
        assert_eq!(kind(Path::new("/nonexistent")), Kind::Input);
        assert_eq!(kind(Path::new("/")), Kind::Input);
    }

    #[test]
    fn below_the_credentials_directory_systemd_says_who_reads() {
        let (folder, path) = file(b"hunter2\n", 0o440);
        let environment =
            |name: &str| (name == "CREDENTIALS_DIRECTORY").then(|| OsString::from(folder.path()));
        let readers = Readers::of(&path, &environment);
        assert_eq!(read(&path, readers, None).unwrap().expose(), b"hunter2");
        let aside = folder.path().join("..").join("password");
        assert!(Readers::of(&aside, &environment) == Readers::Owner);
        assert!(Readers::of(&path, &|_| None) == Readers::Owner);
        assert!(Readers::of(&path, &|_| Some(OsString::new())) == Readers::Owner);
    }

    #[test]
    fn the_credential_of_the_profile_goes_before_that_for_all() {
        let folder = tempfile::tempdir().unwrap();
        let environment = |_: &str| Some(OsString::from(folder.path()));
        let name = |profile| credential(profile, &environment).map(|(name, _)| name);
        assert_eq!(name(Some("work")), None);
        fs::write(folder.path().join("smtpsend.password"), "all").unwrap();
        fs::write(folder.path().join("smtpsend.password.work"), "work").unwrap();
        assert_eq!(
            name(Some("work")).as_deref(),
            Some("smtpsend.password.work")
        );
        for profile in [None, Some("home"), Some("/../smtpsend.password.work")] {
            assert_eq!(name(profile).as_deref(), Some("smtpsend.password"));
        }
        assert!(credential(None, &|_| None).is_none());
    }
}
