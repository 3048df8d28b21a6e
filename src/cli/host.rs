//! Who and where we are: the names this machine and this user go by, and the user's folders, without
//! asking the network.

use std::fs;
use std::path::PathBuf;

/// The host's name: the full one if the system knows it, else the short one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HostName {
    /// Has a dot: fit for EHLO and addresses.
    Full(String),
    /// Has none.
    Short(String),
}

impl HostName {
    /// From the kernel, completed from `/etc/hosts`.
    pub(crate) fn of_this_machine() -> Self {
        let node = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
        Self::from(&node, &hosts)
    }

    fn from(node: &str, hosts: &str) -> Self {
        let node = node.trim_end_matches('.');
        if node.contains('.') {
            return Self::Full(node.to_owned());
        }
        let line = hosts
            .lines()
            .map(|line| {
                line.split('#')
                    .next()
                    .unwrap_or_default()
                    .split_ascii_whitespace()
                    .skip(1)
            })
            .find(|names| names.clone().any(|name| name.eq_ignore_ascii_case(node)));
        let full = line.and_then(|mut names| {
            names.find(|name| {
                name.contains('.') && !name.to_ascii_lowercase().starts_with("localhost.")
            })
        });
        match full {
            Some(full) => Self::Full(full.to_owned()),
            None if node.is_empty() => Self::Short("localhost".to_owned()),
            None => Self::Short(node.to_owned()),
        }
    }

    /// The name, whichever it is.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Full(name) | Self::Short(name) => name,
        }
    }
}

/// The name of the user who runs the program: by `/etc/passwd`, else by `LOGNAME` or `USER` (where
/// users come from elsewhere), else the number.
pub(crate) fn user_name(environment: &dyn Fn(&str) -> Option<std::ffi::OsString>) -> String {
    let uid = rustix::process::getuid().as_raw().to_string();
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    entry_of(&uid, &passwd)
        .map(|entry| entry.name.to_owned())
        .or_else(|| {
            ["LOGNAME", "USER"]
                .iter()
                .find_map(|name| environment(name)?.into_string().ok())
        })
        .filter(|name| !name.is_empty())
        .unwrap_or(uid)
}

/// A folder for a kind of this user's files (the XDG base directory specification): the one that
/// `variable` names, else `below` the home. A relative path does not count. Services often run without
/// `HOME`: then the home is by `/etc/passwd`.
pub(crate) fn users_folder(
    environment: &dyn Fn(&str) -> Option<std::ffi::OsString>,
    variable: &str,
    below: &str,
) -> Option<PathBuf> {
    let folder = |name: &str| {
        let path = PathBuf::from(environment(name)?);
        path.is_absolute().then_some(path)
    };
    let home = || folder("HOME").or_else(home_by_passwd);
    folder(variable).or_else(|| Some(home()?.join(below)))
}

fn home_by_passwd() -> Option<PathBuf> {
    let uid = rustix::process::getuid().as_raw().to_string();
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let home = PathBuf::from(entry_of(&uid, &passwd)?.home);
    home.is_absolute().then_some(home)
}

/// What `/etc/passwd` says of a user (passwd(5)).
#[derive(Debug, PartialEq, Eq)]
struct Entry<'p> {
    name: &'p str,
    home: &'p str,
}

fn entry_of<'p>(uid: &str, passwd: &'p str) -> Option<Entry<'p>> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let is_it = fields.nth(1)? == uid;
        let home = fields.nth(2).unwrap_or_default();
        is_it.then_some(Entry { name, home })
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_completed_from_the_hosts_file() {
        let hosts = "127.0.0.1 localhost\n127.0.1.1\tweb1.example.com web1 # here\n";
        assert_eq!(
            HostName::from("web1", hosts),
            HostName::Full("web1.example.com".to_owned())
        );
        assert_eq!(
            HostName::from("web2", hosts),
            HostName::Short("web2".to_owned())
        );
        assert_eq!(
            HostName::from("a.example.com", hosts),
            HostName::Full("a.example.com".to_owned())
        );
    }

    #[test]
    fn a_loopback_alias_is_no_full_name() {
        let hosts = "127.0.0.1 localhost.localdomain localhost web1\n";
        assert_eq!(
            HostName::from("web1", hosts),
            HostName::Short("web1".to_owned())
        );
    }

    #[test]
    fn users_are_found_by_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n";
        let bob = Entry {
            name: "bob",
            home: "/home/bob",
        };
        assert_eq!(entry_of("1000", passwd).unwrap(), bob);
        assert_eq!(entry_of("7", passwd), None);
    }
}
