//! Passwords in `~/.netrc`, as curl reads it: entries of `machine HOST` or `default`, with `login` and
//! `password`, of which the first that fits and has a password counts. One without a login fits
//! any user. Values may stand in double quotes, where a backslash escapes; `#` starts a comment
//! where a keyword could stand; `account` and macros are passed over, as are words it does not know.
//!
//! Refuses a file with a fitting entry that others can read. No error repeats what it says.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use zeroize::Zeroizing;

use super::bounded::{self, Until};
use super::file::refuse_readable_by_others;
use crate::cli::settings::Environment;
use crate::cli::stdin;
use crate::failure::{Failure, Kind, Result};
use crate::secret::Secret;

/// The password for `user` on `host`, and where it stands.
pub(super) fn find(
    host: &str,
    user: &str,
    environment: Environment<'_>,
    deadline: Option<Instant>,
) -> Result<Option<(String, Secret)>> {
    let variable = |name| environment(name).filter(|value| !value.is_empty());
    let (path, name) = match (variable("NETRC"), variable("HOME")) {
        (Some(path), _) => {
            let path = PathBuf::from(path);
            let name = path.display().to_string();
            (path, name)
        }
        (None, Some(home)) => (PathBuf::from(home).join(".netrc"), "~/.netrc".to_owned()),
        (None, None) => return Ok(None),
    };
    find_in(&path, host.as_bytes(), user.as_bytes(), deadline)
        .map(|found| found.map(|(machine, secret)| (format!("{name} ({machine})"), secret)))
        .map_err(|failure| failure.at(name))
}

fn find_in(
    path: &Path,
    host: &[u8],
    user: &[u8],
    deadline: Option<Instant>,
) -> Result<Option<(String, Secret)>> {
    let unreadable = |error: io::Error| Failure::new(Kind::Input, error.to_string());
    let file = match stdin::open(path) {
        Err(error) if is_as_none(&error) => return Ok(None),
        opened => opened.map_err(unreadable)?,
    };
    let text = bounded::read(&file, Until::End, deadline)?;
    let Some((machine, secret)) = Entries::of(&text).first_for(host, user)? else {
        return Ok(None);
    };
    refuse_readable_by_others(&file.metadata().map_err(unreadable)?, path)?;
    Ok(Some((machine, secret)))
}

/// Nobody said that there is one; and one of somebody else (`sudo` can leave `HOME`) is not ours.
fn is_as_none(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    matches!(error.kind(), NotFound | NotADirectory | PermissionDenied)
}

/// One `machine` or `default`.
#[derive(Default)]
struct Entry {
    /// None for `default`.
    machine: Option<Zeroizing<Vec<u8>>>,
    login: Option<Zeroizing<Vec<u8>>>,
    password: Option<Zeroizing<Vec<u8>>>,
}

impl Entry {
    fn fits(&self, host: &[u8], user: &[u8]) -> bool {
        let machine = self.machine.as_deref();
        let login = self.login.as_deref();
        machine.is_none_or(|machine| machine.eq_ignore_ascii_case(host))
            && login.is_none_or(|login| login == user)
    }

    fn name(&self) -> String {
        match self.machine.as_deref() {
            Some(machine) => format!("machine {}", String::from_utf8_lossy(machine)),
            None => "default".to_owned(),
        }
    }
}

/// The text, read up to some word.
struct Entries<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Entries<'t> {
    fn of(text: &'t [u8]) -> Self {
        Self { text, at: 0 }
    }

    fn first_for(mut self, host: &[u8], user: &[u8]) -> Result<Option<(String, Secret)>> {
        let mut entry = None;
        loop {
            let keyword = self.keyword();
            let starts = matches!(
                keyword.as_deref().map(Vec::as_slice),
                None | Some(b"machine" | b"default")
            );
            if starts
                && let Some(whole) = entry.take_if(|entry: &mut Entry| entry.fits(host, user))
                && let Some(password) = &whole.password
            {
                return Ok(Some((whole.name(), Secret::new(password.to_vec()))));
            }
            let Some(keyword) = keyword else {
                return Ok(None);
            };
            match (keyword.as_slice(), &mut entry) {
                (b"machine", _) => {
                    let machine = Some(self.value()?);
                    entry = Some(Entry {
                        machine,
                        ..Entry::default()
                    });
                }
                (b"default", _) => entry = Some(Entry::default()),
                (b"macdef", _) => self.skip_macro(),
                (b"login" | b"user", Some(entry)) => entry.login = Some(self.value()?),
                (b"password" | b"passwd", Some(entry)) => entry.password = Some(self.value()?),
                (b"login" | b"user" | b"password" | b"passwd" | b"account", _) => {
                    self.value()?;
                }
                _ => {}
            }
        }
    }

    /// The next keyword, in lower case.
    fn keyword(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        loop {
            self.skip(|octet| octet.is_ascii_whitespace());
            match self.text.get(self.at)? {
                b'#' => self.skip(|octet| octet != b'\n'),
                _ => return Some(Zeroizing::new(self.word().to_ascii_lowercase())),
            }
        }
    }

    /// The value after a keyword.
    fn value(&mut self) -> Result<Zeroizing<Vec<u8>>> {
        self.skip(|octet| octet.is_ascii_whitespace());
        match self.text.get(self.at) {
            None => Err(self.wrong("a value is missing")),
            Some(b'"') => self.quoted(),
            Some(_) => Ok(Zeroizing::new(self.word().to_vec())),
        }
    }

    fn word(&mut self) -> &'t [u8] {
        let start = self.at;
        self.skip(|octet| !octet.is_ascii_whitespace());
        &self.text[start..self.at]
    }

    fn quoted(&mut self) -> Result<Zeroizing<Vec<u8>>> {
        let rest = &self.text[self.at + 1..];
        let line = rest.split(|&octet| octet == b'\n').next();
        let line = line.unwrap_or_default();
        // Room for all of it from the start: growing would leave copies behind.
        let mut value = Zeroizing::new(Vec::with_capacity(line.len()));
        let mut octets = line.iter().enumerate();
        while let Some((at, &octet)) = octets.next() {
            let octet = match octet {
                b'"' => {
                    self.at += at + 2;
                    return Ok(value);
                }
                b'\\' => match octets.next() {
                    Some((_, b'n')) => b'\n',
                    Some((_, b'r')) => b'\r',
                    Some((_, b't')) => b'\t',
                    Some((_, &other)) => other,
                    None => break,
                },
                octet => octet,
            };
            value.push(octet);
        }
        Err(self.wrong("a quote is not closed"))
    }

    /// To the empty line at its end.
    fn skip_macro(&mut self) {
        loop {
            self.skip(|octet| octet != b'\n');
            self.at = (self.at + 1).min(self.text.len());
            let rest = &self.text[self.at..];
            if rest.is_empty() || rest.starts_with(b"\n") || rest.starts_with(b"\r\n") {
                return;
            }
        }
    }

    fn skip(&mut self, passed: impl Fn(u8) -> bool) {
        let rest = &self.text[self.at..];
        let end = rest.iter().position(|&octet| !passed(octet));
        self.at += end.unwrap_or(rest.len());
    }

    fn wrong(&self, what: &str) -> Failure {
        let before = &self.text[..self.at];
        let line = 1 + before.iter().filter(|&&octet| octet == b'\n').count();
        Failure::new(Kind::Config, format!("line {line}: {what}"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::ffi::OsString;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const HOST: &[u8] = b"smtp.example.com";

    fn password(text: &str) -> Option<String> {
        let found = Entries::of(text.as_bytes()).first_for(HOST, b"bob");
        found
            .unwrap()
            .map(|(_, secret)| String::from_utf8(secret.expose().to_vec()).unwrap())
    }

    #[test]
    fn the_first_entry_that_fits_and_has_a_password_counts() {
        for (text, expected) in [
            (
                "machine smtp.example.com login bob password hunter2",
                Some("hunter2"),
            ),
            (
                "machine SMTP.example.COM\n\tpassword hunter2\n\tlogin bob\n",
                Some("hunter2"),
            ),
            ("MACHINE smtp.example.com PASSWORD hunter2", Some("hunter2")),
            (
                "machine other login bob password no\nmachine smtp.example.com login bob \
                 password hunter2",
                Some("hunter2"),
            ),
            (
                "machine smtp.example.com login eve password no default login bob passwd hunter2",
                Some("hunter2"),
            ),
            (
                "machine smtp.example.com login bob default password hunter2",
                Some("hunter2"),
            ),
            (
                "machine smtp.example.com password one machine smtp.example.com login bob \
                 password two",
                Some("one"),
            ),
            ("machine smtp.example.com login Bob password no", None),
            ("machine smtp.example.com.evil login bob password no", None),
            ("login bob password no", None),
            ("", None),
        ] {
            assert_eq!(password(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn values_are_taken_as_they_stand_or_in_double_quotes() {
        for (value, expected) in [
            ("#not#a#comment", "#not#a#comment"),
            ("pa\"ss", "pa\"ss"),
            ("'pass'", "'pass'"),
            ("machine", "machine"),
            (
                "\"pass word # \\\"x\\\" \\\\ \\t.\"",
                "pass word # \"x\" \\ \t.",
            ),
            ("\"\"", ""),
            ("\n\n  hunter2\r\n", "hunter2"),
        ] {
            let text = format!("machine smtp.example.com password {value} login bob");
            assert_eq!(password(&text).as_deref(), Some(expected), "{value}");
        }
    }

    #[test]
    fn comments_macros_and_unknown_words_are_passed_over() {
        let text = "# machine smtp.example.com password no\n\
                    macdef init\n\
                    machine smtp.example.com password no\n\
                    password no \"\n\
                    \n\
                    machine smtp.example.com # of work\n\
                    account password port 587 login bob password hunter2\n";
        assert_eq!(password(text).as_deref(), Some("hunter2"));
        let windows = "macdef a\r\npassword no\r\n\r\nmachine smtp.example.com password hunter2";
        assert_eq!(password(windows).as_deref(), Some("hunter2"));
        assert_eq!(
            password("macdef a\nmachine smtp.example.com password no"),
            None
        );
    }

    #[test]
    fn what_is_not_well_formed_is_told_by_its_line_and_not_repeated() {
        for (text, expected) in [
            (
                "machine smtp.example.com\nlogin bob\npassword \"hunter2\nmachine x",
                "line 3: a quote is not closed",
            ),
            (
                "machine smtp.example.com password \"hunter2\\",
                "line 1: a quote is not closed",
            ),
            (
                "machine smtp.example.com\npassword\n",
                "line 3: a value is missing",
            ),
        ] {
            let failure = Entries::of(text.as_bytes()).first_for(HOST, b"bob").err();
            let failure = failure.unwrap();
            assert_eq!(failure.message, expected);
            assert_eq!(failure.kind, Kind::Config);
        }
        let later = "machine smtp.example.com password hunter2\nmachine x password \"";
        assert_eq!(password(later).as_deref(), Some("hunter2"));
    }

    #[test]
    fn octets_that_are_no_text_are_a_password_like_others() {
        let found =
            Entries::of(b"\0\xff machine smtp.example.com password \xff\0x").first_for(HOST, b"");
        assert_eq!(found.unwrap().unwrap().1.expose(), b"\xff\0x");
    }

    #[test]
    fn the_mode_matters_only_where_an_entry_fits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".netrc");
        let home = |name: &str| (name == "HOME").then(|| OsString::from(folder.path()));
        let find = |user| find("smtp.example.com", user, &home, None);
        assert!(find("bob").unwrap().is_none(), "there is no such file");
        fs::write(&path, "machine smtp.example.com login bob password hunter2").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(find("eve").unwrap().is_none());
        let failure = find("bob").err().unwrap();
        assert_eq!(failure.message, "~/.netrc: others can read it");
        assert!(failure.hint.unwrap().starts_with("chmod 600 "));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let (origin, secret) = find("bob").unwrap().unwrap();
        assert_eq!(origin, "~/.netrc (machine smtp.example.com)");
        assert_eq!(secret.expose(), b"hunter2");
    }

    #[test]
    fn the_variable_names_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine");
        fs::write(&path, "default password hunter2").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let variable = |name: &str| (name == "NETRC").then(|| OsString::from(&path));
        let find =
            |environment: Environment<'_>| find("smtp.example.com", "bob", environment, None);
        let (origin, _) = find(&variable).unwrap().unwrap();
        assert_eq!(origin, format!("{} (default)", path.display()));
        assert!(find(&|_| None).unwrap().is_none());
        let folder = find(&|_| Some(OsString::from("/"))).err().unwrap();
        assert_eq!(folder.kind, Kind::Input);
    }
}
