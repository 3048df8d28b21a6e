//! What a settings file says of mail that programs of this machine send: `[sendmail]` and `[aliases]`.
//!
//! Owns the shorter names of the settings in `[sendmail]`, and which names aliases may have. Where
//! mail for an alias goes is looked at when some goes there.

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::{Reader, SENDMAIL, nearest};
use crate::cli::settings::file::{Entry, Section};
use crate::cli::settings::table::{SETTINGS, setting};
use crate::failure::Result;

impl Reader<'_> {
    /// The settings of the sendmail dialect, whose names are shorter in a table of their own.
    pub(super) fn sendmail(
        &self,
        section: &mut Section,
        key: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<()> {
        for (key, value) in self.table(key, value)? {
            let name = key.get_ref().as_ref();
            let Some(setting) = setting(&format!("{SENDMAIL}-{name}")) else {
                let keys = SETTINGS.iter().filter_map(|setting| {
                    let name = setting.name.strip_prefix(SENDMAIL)?;
                    name.strip_prefix('-')
                });
                let keys: Vec<&str> = keys.collect();
                let words = format!("there is no setting \"{name}\" in [{SENDMAIL}]");
                let failure = self.wrong(key.span().start, &words);
                return Err(
                    failure.with_hint(match nearest(name, keys.iter().copied()) {
                        Some(known) => format!("did you mean {known}?"),
                        None => format!("there are: {}", keys.join(", ")),
                    }),
                );
            };
            self.set(section, setting, key, value)?;
        }
        Ok(())
    }

    /// Where mail for users of this machine goes: a text, or an array of them.
    pub(super) fn aliases(
        &self,
        key: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Vec<(String, Entry)>> {
        let mut read: Vec<(String, Entry)> = Vec::new();
        for (key, value) in self.table(key, value)? {
            let at = key.span().start;
            let name = key.get_ref().to_lowercase();
            if name.contains('@') {
                let failure = self.wrong(at, &format!("the alias \"{name}\" has a domain"));
                return Err(failure.with_hint(
                    "aliases are for mail to users of this machine: name what stands before the @ alone",
                ));
            }
            if read.iter().any(|(known, _)| *known == name) {
                let words = format!("the alias \"{name}\" stands here twice, in another case");
                return Err(self.wrong(at, &words));
            }
            let value = Zeroizing::new(self.texts(key, value)?.join(", "));
            let line = self.line(at);
            read.push((name, Entry { value, line }));
        }
        Ok(read)
    }

    fn table<'v, 't>(
        &self,
        key: &Spanned<impl AsRef<str>>,
        value: &'v Spanned<DeValue<'t>>,
    ) -> Result<&'v DeTable<'t>> {
        let name = key.get_ref().as_ref();
        value.get_ref().as_table().ok_or_else(|| {
            let failure = self.wrong(key.span().start, &format!("{name} is no table"));
            failure.with_hint(format!("[{name}] on a line of its own begins it"))
        })
    }
}
