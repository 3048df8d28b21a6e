//! What a settings file says in a profile, and whom it is for.
//!
//! Owns `addresses`, and the two meanings of `from` there: the author, and the addresses that choose
//! the profile. Everything else is a setting as at the top.

use toml::Spanned;
use toml::de::DeValue;

use super::{ADDRESSES, FROM, Reader, SENDMAIL};
use crate::cli::settings::file::Section;
use crate::cli::settings::pattern::Pattern;
use crate::failure::Result;

impl Reader<'_> {
    /// A profile of this name.
    pub(super) fn profile(
        &self,
        name: &Spanned<impl AsRef<str>>,
        section: &Spanned<DeValue<'_>>,
    ) -> Result<Section> {
        let DeValue::Table(keys) = section.get_ref() else {
            let words = format!("profile.{} is no table", name.get_ref().as_ref());
            return Err(self.wrong(name.span().start, &words));
        };
        let mut read = Section::default();
        for (key, value) in keys {
            match key.get_ref().as_ref() {
                ADDRESSES => read.patterns.extend(self.patterns(key, value)?),
                FROM => {
                    let meant = self.from(&mut read, key, value)?;
                    read.patterns.extend(meant);
                }
                SENDMAIL => self.sendmail(&mut read, key, value)?,
                _ => self.entry(&mut read, key, value)?,
            }
        }
        Ok(read)
    }

    /// Whom a profile is for by its `from`. It is also the author, unless it is patterns, which are
    /// nobody's address.
    pub(super) fn from(
        &self,
        section: &mut Section,
        key: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Vec<Pattern>> {
        let meant = self.patterns(key, value)?;
        match meant.as_slice() {
            [] | [Pattern::Address(_)] => self.entry(section, key, value)?,
            all if all.iter().any(|one| matches!(one, Pattern::Address(_))) => {
                return Err(self
                    .expected(key, value, "names more than one author")
                    .with_hint(format!(
                        "name one; whom else a profile is for stands in its {ADDRESSES}"
                    )));
            }
            _ => {}
        }
        Ok(meant)
    }

    fn patterns(
        &self,
        key: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Vec<Pattern>> {
        let texts = self.texts(key, value)?;
        let texts = texts.iter().filter(|text| !text.is_empty());
        let lists = texts.map(|text| {
            let name = key.get_ref().as_ref();
            let place = format!("{}: {name}", self.place(value.span().start));
            Pattern::list(text).map_err(|failure| failure.at(place))
        });
        Ok(lists.collect::<Result<Vec<_>>>()?.concat())
    }
}
