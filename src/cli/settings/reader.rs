//! The text of a settings file: TOML with the defaults at the top and a `[profile.NAME]` for each
//! profile.
//!
//! Owns which keys there may be and what they may hold. An error names the line; a key that is not
//! known is one, since a setting that is misspelt would silently not count. An empty text counts as
//! not set, as an empty variable does.

mod profile;
mod sendmail;

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::Environment;
use super::file::{Entry, File, Section};
use super::pattern::Pattern;
use super::table::{Form, Place, SETTINGS, Setting, setting};
use crate::failure::{Failure, Kind, Result};

/// The key, only in a profile, with From addresses it is chosen for besides its `from`.
const ADDRESSES: &str = "addresses";

/// The key, only at the top, with the name of the profile that counts when no other is chosen.
pub(crate) const DEFAULT_PROFILE: &str = "default-profile";

/// The table of the profiles.
const PROFILES: &str = "profile";

/// The table of the settings whose names start so, at the top and in profiles; `sendmail` reads it.
const SENDMAIL: &str = "sendmail";

/// The table, only at the top, of local parts and where their mail goes.
const ALIASES: &str = "aliases";

/// The setting that also says whom a profile is for.
const FROM: &str = "from";

const A_TEXT: &str = "is a text in quotes";

impl File {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// `Config` for what is no TOML, no setting, or no value of one.
    pub(crate) fn parse(path: &Path, text: &str, environment: Environment<'_>) -> Result<Self> {
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
            ..Self::default()
        };
        for (key, value) in table.get_ref() {
            match (key.get_ref().as_ref(), value.get_ref()) {
                (PROFILES, DeValue::Table(profiles)) => {
                    for (name, section) in profiles {
                        let section = reader.profile(name, section)?;
                        read.profiles.push((name.get_ref().to_string(), section));
                    }
                }
                (DEFAULT_PROFILE, DeValue::String(name)) => {
                    let entry = Entry {
                        value: Zeroizing::new(name.to_string()),
                        line: reader.line(key.span().start),
                    };
                    read.default_profile = Some(entry).filter(|entry| !entry.value.is_empty());
                }
                (DEFAULT_PROFILE, _) => return Err(reader.expected(key, value, A_TEXT)),
                (FROM, _) => {
                    let meant = reader.from(&mut read.defaults, key, value)?;
                    if meant
                        .iter()
                        .any(|meant| matches!(meant, Pattern::Domain(_)))
                    {
                        let failure = reader.expected(key, value, "is one address here");
                        return Err(failure.with_hint("*@… stands below [profile.NAME]"));
                    }
                }
                (SENDMAIL, _) => reader.sendmail(&mut read.defaults, key, value)?,
                (ALIASES, _) => read.aliases = reader.aliases(key, value)?,
                _ => reader.entry(&mut read.defaults, key, value)?,
            }
        }
        Ok(read)
    }
}

/// The text of a file that is being read.
struct Reader<'t> {
    path: &'t Path,
    text: &'t str,
    environment: Environment<'t>,
}

impl Reader<'_> {
    fn entry(
        &self,
        section: &mut Section,
        key: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<()> {
        let name = key.get_ref().as_ref();
        let known = setting(name).filter(|setting| setting.place != Place::NoFile);
        let Some(setting) = known else {
            return Err(self.unknown(key.span().start, name));
        };
        self.set(section, setting, key, value)
    }

    fn set(
        &self,
        section: &mut Section,
        setting: &'static Setting,
        key: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<()> {
        if section.entry(setting.name).is_some() {
            let words = format!("{} stands here twice", setting.name);
            return Err(self.wrong(key.span().start, &words));
        }
        let value = Zeroizing::new(self.value(setting, key, value)?);
        let line = self.line(key.span().start);
        if !value.is_empty() {
            section.entries.push((setting.name, Entry { value, line }));
        }
        Ok(())
    }

    /// A value as it would stand behind the flag.
    fn value(
        &self,
        setting: &Setting,
        key: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<String> {
        let expected = |what: &str| self.expected(key, value, what);
        Ok(match (setting.form, value.get_ref()) {
            (_, DeValue::String(text)) if text.is_empty() => String::new(),
            (Form::Switch, DeValue::Boolean(on)) => (if *on { "on" } else { "off" }).to_owned(),
            (Form::Switch, _) => return Err(expected("is true or false")),
            (Form::List, _) => self.texts(key, value)?.join(", "),
            (Form::Path, DeValue::String(text)) if setting.is_file(text) => {
                self.path_of(value.span().start, text)?
            }
            (Form::Text | Form::Path | Form::Command, DeValue::String(text)) => text.to_string(),
            (Form::Text, DeValue::Integer(number)) if number.radix() == 10 => {
                number.as_str().to_owned()
            }
            (Form::Text, DeValue::Integer(_)) => return Err(expected("is written in decimal")),
            (Form::Text, DeValue::Float(number)) => number.as_str().to_owned(),
            (Form::Text | Form::Path | Form::Command, _) => return Err(expected(A_TEXT)),
        })
    }

    fn texts(
        &self,
        key: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Vec<String>> {
        let text = |item: &Spanned<DeValue<'_>>| match item.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            _ => Err(self.expected(key, item, "is an array of texts in quotes")),
        };
        match value.get_ref() {
            DeValue::Array(items) => items.iter().map(text).collect(),
            DeValue::String(text) => Ok(vec![text.to_string()]),
            _ => Err(self.expected(key, value, "is a text in quotes, or an array of them")),
        }
    }

    /// `~` is the user's home; other relative names are relative to the file's folder.
    fn path_of(&self, at: usize, text: &str) -> Result<String> {
        let home = (self.environment)("HOME").map(PathBuf::from);
        let (first, rest) = text.split_once('/').unwrap_or((text, ""));
        let path = match (first, home) {
            ("~", Some(home)) => home.join(rest.trim_start_matches('/')),
            (user, _) if user.len() > 1 && user.starts_with('~') => {
                let words = format!("the home of another, {user}, is not looked up");
                let hint = format!("write its name; a file that is called so is ./{user}");
                return Err(self.wrong(at, &words).with_hint(hint));
            }
            _ => self.path.parent().unwrap_or(Path::new("")).join(text),
        };
        // Both parts were UTF-8, or the home is not: then its name cannot be written anyway.
        Ok(path.to_string_lossy().into_owned())
    }

    fn unknown(&self, at: usize, name: &str) -> Failure {
        match name {
            ADDRESSES => {
                let failure = self.wrong(at, "addresses does not stand at the top");
                return failure
                    .with_hint("it says whom a profile is for: put it below [profile.NAME]");
            }
            DEFAULT_PROFILE => {
                let failure = self.wrong(at, "default-profile does not stand in a profile");
                return failure.with_hint("put it at the top, before the first [profile.NAME]");
            }
            ALIASES => {
                let failure = self.wrong(at, "aliases do not stand in a profile");
                return failure.with_hint("they count for all mail: put them under [aliases]");
            }
            _ => {}
        }
        let failure = self.wrong(at, &format!("there is no setting \"{name}\""));
        if name == PROFILES {
            let hint = "[profile.NAME] begins a profile, default-profile = \"NAME\" at the top chooses one";
            return failure.with_hint(hint);
        }
        let keys = SETTINGS
            .iter()
            .filter(|setting| setting.place != Place::NoFile);
        let known = keys.map(|setting| setting.name);
        let known = known.chain([ADDRESSES, DEFAULT_PROFILE, SENDMAIL, ALIASES]);
        failure.with_hint(match nearest(name, known) {
            Some(known) => format!("did you mean {known}?"),
            None => {
                "smtpsend --help names the settings; message options such as --subject are none"
                    .to_owned()
            }
        })
    }

    fn expected(
        &self,
        key: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
        what: &str,
    ) -> Failure {
        let words = format!("{} {what}", key.get_ref().as_ref());
        self.wrong(value.span().start, &words)
    }

    fn wrong(&self, at: usize, words: &str) -> Failure {
        Failure::new(Kind::Config, words).at(self.place(at))
    }

    /// The file and the line.
    fn place(&self, at: usize) -> String {
        format!("{}:{}", self.path.display(), self.line(at))
    }

    fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().iter().take(at);
        before.filter(|&&byte| byte == b'\n').count() + 1
    }
}

/// The name that is most like this one, where one is like it.
fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let likenesses = known.map(|known| (strsim::jaro_winkler(known, name), known));
    let (likeness, known) = likenesses.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (likeness > 0.8).then_some(known)
}
