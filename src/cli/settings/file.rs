//! A settings file: TOML with the defaults at the top and a `[profile.NAME]` for each profile.
//!
//! Owns which keys there may be, what they may hold, and who may read the file. An error names the
//! line; a key that is not known is one, since a setting that is misspelt would silently not count.

use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::Environment;
use super::profile::is_pattern;
use super::table::{Form, Place, SETTINGS, Setting, setting};
use crate::cli::secrets::keep_out_of_core_files;
use crate::cli::stdin;
use crate::failure::{Failure, Kind};
use crate::route::Proxy;

/// Longest settings file, in octets.
const FILE_LIMIT: u64 = 1 << 20;

/// The key, only in a profile, with From addresses it is chosen for besides its `from`.
const ADDRESSES: &str = "addresses";

/// The key, only at the top, with the name of the profile that counts when no other is chosen.
pub(crate) const DEFAULT_PROFILE: &str = "default-profile";

/// A settings file that was read.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) defaults: Section,
    pub(crate) profiles: Vec<(String, Section)>,
    /// The name of the profile that counts when no other is chosen.
    pub(crate) default_profile: Option<Entry>,
}

/// The keys of a section.
#[derive(Debug, Default)]
pub(crate) struct Section {
    entries: Vec<(&'static str, Entry)>,
    /// From addresses and patterns, as they are written.
    pub(crate) addresses: Vec<String>,
}

/// A value, and the line it stands in.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// As it would stand behind the flag. It may be a password.
    pub(crate) value: Zeroizing<String>,
    pub(crate) line: usize,
}

/// Whose file it is, which says who may read and write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// One user's: nobody else's business.
    User,
    /// The system's: for all to read, unless it holds a password.
    System,
}

/// Where the user's file is: `smtpsend/config.toml` in `$XDG_CONFIG_HOME` or `~/.config`.
pub(crate) fn users_file(environment: Environment<'_>) -> Option<PathBuf> {
    let folder = |name: &str| {
        let path = PathBuf::from(environment(name)?);
        // The XDG base directory specification: a relative path is to be ignored.
        path.is_absolute().then_some(path)
    };
    let base = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(base.join("smtpsend/config.toml"))
}

/// Where the system's file is: `$SMTPSEND_SYSTEM_CONFIG`, else `/etc/smtpsend/config.toml`.
pub(crate) fn system_file(environment: Environment<'_>) -> PathBuf {
    environment("SMTPSEND_SYSTEM_CONFIG")
        .filter(|path| !path.is_empty())
        .map_or_else(|| PathBuf::from("/etc/smtpsend/config.toml"), PathBuf::from)
}

impl File {
    /// Reads a file; `None` when there is none, or when it is the system's and not for this user.
    ///
    /// # Errors
    /// `Config` when others may read or write what they must not, and for all that is wrong in it;
    /// `Input` when it cannot be read.
    pub(crate) fn read(
        path: &Path,
        owner: Owner,
        environment: Environment<'_>,
    ) -> Result<Option<Self>> {
        let place = path.display();
        let unreadable =
            |error: std::io::Error| Failure::new(Kind::Input, format!("{place}: {error}"));
        let file = match stdin::open(path) {
            Ok(file) => file,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied && owner == Owner::System => {
                return Ok(None);
            }
            Err(error) => return Err(unreadable(error).into()),
        };
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            let failure = Failure::new(Kind::Config, format!("{place}: not a regular file"));
            return Err(failure.into());
        }
        let mode = metadata.permissions().mode();
        let forbidden = |others: &str, mode: &str| {
            Failure::new(Kind::Config, format!("{place}: others can {others} it"))
                .with_hint(format!("chmod {mode} {place}"))
        };
        match owner {
            Owner::User if mode & 0o077 != 0 => {
                return Err(forbidden("read or write", "600").into());
            }
            Owner::System if mode & 0o022 != 0 => return Err(forbidden("write to", "go-w").into()),
            Owner::User | Owner::System => {}
        }
        // It may hold one.
        keep_out_of_core_files();
        // Room for all of it from the start: growing would leave copies of a password behind.
        let length = usize::try_from(metadata.len().min(FILE_LIMIT)).unwrap_or_default();
        let mut text = Zeroizing::new(String::with_capacity(length + 1));
        let mut bounded = file.take(FILE_LIMIT + 1);
        bounded
            .read_to_string(&mut text)
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidData => Failure::new(Kind::Config, format!("{place}: not UTF-8")),
                _ => unreadable(error),
            })?;
        if text.len() as u64 > FILE_LIMIT {
            let words = format!("{place}: too large to be a settings file (1 MiB at most)");
            return Err(Failure::new(Kind::Config, words).into());
        }
        let read = Self::parse(path, &text, environment)?;
        let has_password = read.sections().any(Section::has_password);
        if has_password && mode & 0o004 != 0 {
            return Err(forbidden("read", "o-r").into());
        }
        Ok(Some(read))
    }

    /// Reads the text of a file.
    pub(crate) fn parse(
        path: &Path,
        text: &str,
        environment: Environment<'_>,
    ) -> crate::failure::Result<Self> {
        let reader = Reader {
            path,
            text,
            environment,
        };
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            reader.wrong(at, error.message())
        })?;
        let mut read = Self {
            path: path.to_owned(),
            defaults: Section::default(),
            profiles: Vec::new(),
            default_profile: None,
        };
        for (key, value) in table.get_ref() {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("profile", DeValue::Table(profiles)) => {
                    for (name, section) in profiles {
                        let section = reader.profile(name, section)?;
                        read.profiles.push((name.get_ref().to_string(), section));
                    }
                }
                (DEFAULT_PROFILE, DeValue::String(name)) => {
                    read.default_profile = Some(Entry {
                        value: Zeroizing::new(name.to_string()),
                        line: reader.line(key.span().start),
                    });
                }
                _ => reader.entry(&mut read.defaults, key, value)?,
            }
        }
        Ok(read)
    }

    /// The profile of this name.
    pub(crate) fn profile(&self, name: &str) -> Option<&Section> {
        let found = self.profiles.iter().find(|(known, _)| known == name);
        found.map(|(_, section)| section)
    }

    fn sections(&self) -> impl Iterator<Item = &Section> {
        let profiles = self.profiles.iter().map(|(_, section)| section);
        std::iter::once(&self.defaults).chain(profiles)
    }
}

impl Section {
    /// What the section says of a setting.
    pub(crate) fn entry(&self, name: &str) -> Option<&Entry> {
        let found = self.entries.iter().find(|(known, _)| *known == name);
        found.map(|(_, entry)| entry)
    }

    /// Whether a password stands in it, as it is or within a URL.
    fn has_password(&self) -> bool {
        let proxy = self
            .entry("proxy")
            .map(|entry| entry.value.parse::<Proxy>());
        self.entry("password").is_some() || matches!(proxy, Some(Ok(proxy)) if proxy.has_password())
    }
}

/// The text of a file that is being read.
struct Reader<'t> {
    path: &'t Path,
    text: &'t str,
    environment: Environment<'t>,
}

impl Reader<'_> {
    fn profile(
        &self,
        name: &Spanned<impl AsRef<str>>,
        section: &Spanned<DeValue<'_>>,
    ) -> crate::failure::Result<Section> {
        let DeValue::Table(keys) = section.get_ref() else {
            let words = format!("profile.{} is no table", name.get_ref().as_ref());
            return Err(self.wrong(name.span().start, &words));
        };
        let mut read = Section::default();
        for (key, value) in keys {
            match (key.get_ref().as_ref(), value.get_ref()) {
                (ADDRESSES, _) => read.addresses.extend(self.texts(key, value)?),
                ("from", DeValue::String(text)) if is_pattern(text) => {
                    read.addresses.push(text.to_string());
                }
                _ => self.entry(&mut read, key, value)?,
            }
        }
        Ok(read)
    }

    fn entry(
        &self,
        section: &mut Section,
        key: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> crate::failure::Result<()> {
        let name = key.get_ref().as_ref();
        let known = setting(name).filter(|setting| setting.place != Place::NoFile);
        let Some(setting) = known else {
            return Err(self.unknown(key.span().start, name));
        };
        let value = Zeroizing::new(self.value(setting, key, value)?);
        let line = self.line(key.span().start);
        section.entries.push((setting.name, Entry { value, line }));
        Ok(())
    }

    /// A value as it would stand behind the flag.
    fn value(
        &self,
        setting: &Setting,
        key: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> crate::failure::Result<String> {
        let expected = |what: &str| {
            self.wrong(
                value.span().start,
                &format!("{} {what}", key.get_ref().as_ref()),
            )
        };
        Ok(match (setting.form, value.get_ref()) {
            (Form::Switch, DeValue::Boolean(on)) => (if *on { "on" } else { "off" }).to_owned(),
            (Form::Switch, _) => return Err(expected("is true or false")),
            (Form::Path, DeValue::String(text)) => self.path_of(text),
            (Form::List, DeValue::Array(_)) => self.texts(key, value)?.join(", "),
            (_, DeValue::String(text)) => text.to_string(),
            (Form::Text, DeValue::Integer(number)) => number.as_str().to_owned(),
            (Form::Text, DeValue::Float(number)) => number.as_str().to_owned(),
            (Form::List, _) => return Err(expected("is a text in quotes, or an array of them")),
            (Form::Text | Form::Path, _) => return Err(expected("is a text in quotes")),
        })
    }

    fn texts(
        &self,
        key: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> crate::failure::Result<Vec<String>> {
        let items = match value.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![value],
        };
        let text = |item: &Spanned<DeValue<'_>>| match item.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            _ => {
                let words = format!("{} is an array of texts in quotes", key.get_ref().as_ref());
                Err(self.wrong(item.span().start, &words))
            }
        };
        items.into_iter().map(text).collect()
    }

    /// `~/` is the user's home; other relative names are relative to the file's folder.
    fn path_of(&self, text: &str) -> String {
        let home = (self.environment)("HOME").map(PathBuf::from);
        let path = match (text.strip_prefix("~/"), home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.path.parent().unwrap_or(Path::new("")).join(text),
        };
        // Both parts were UTF-8, or the home is not: then its name cannot be written anyway.
        path.to_string_lossy().into_owned()
    }

    fn unknown(&self, at: usize, name: &str) -> Failure {
        let failure = self.wrong(at, &format!("there is no setting \"{name}\""));
        let keys = SETTINGS
            .iter()
            .filter(|setting| setting.place != Place::NoFile);
        let known = keys
            .map(|setting| setting.name)
            .chain([ADDRESSES, DEFAULT_PROFILE]);
        let nearest = known
            .map(|known| (strsim::jaro_winkler(known, name), known))
            .max_by(|(one, _), (other, _)| one.total_cmp(other));
        failure.with_hint(match nearest {
            Some((likeness, known)) if likeness > 0.8 => format!("did you mean {known}?"),
            _ => "smtpsend --help names the settings; message options such as --subject are none"
                .to_owned(),
        })
    }

    fn wrong(&self, at: usize, words: &str) -> Failure {
        let place = self.path.display();
        Failure::new(Kind::Config, format!("{place}:{}: {words}", self.line(at)))
    }

    fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().iter().take(at);
        before.filter(|&&byte| byte == b'\n').count() + 1
    }
}
