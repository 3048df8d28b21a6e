//! The text of a file of aliases, as sendmail's `/etc/aliases` is written.
//!
//! `name: target, target`, one a line; a line that starts with white space goes on with the one before;
//! `#` starts a line that does not count; a name may stand in quotes. Of a name that stands twice the
//! first counts. The file is somebody else's: what is no alias in it is warned about, not refused.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The aliases of a file.
#[derive(Debug, Default)]
pub(super) struct AliasFile {
    path: PathBuf,
    /// By local part in lower case: the line, and where mail goes.
    entries: HashMap<String, (usize, String)>,
    warnings: Vec<String>,
}

impl AliasFile {
    /// Reads the text.
    pub(super) fn parse(path: &Path, text: &str) -> Self {
        let mut file = Self {
            path: path.to_owned(),
            ..Self::default()
        };
        let mut entry: Option<(usize, String)> = None;
        for (at, line) in text.lines().enumerate() {
            let content = line.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            match &mut entry {
                Some((_, entry)) if line.starts_with([' ', '\t']) => {
                    entry.push(' ');
                    entry.push_str(content);
                }
                _ => {
                    file.add(entry.replace((at + 1, content.to_owned())));
                }
            }
        }
        file.add(entry);
        file
    }

    fn add(&mut self, entry: Option<(usize, String)>) {
        let Some((line, text)) = entry else {
            return;
        };
        match name_of(&text) {
            Some((name, value)) => {
                let place = self.entries.entry(name.to_lowercase());
                place.or_insert((line, value.trim().to_owned()));
            }
            None => {
                let path = self.path.display();
                let words = format!("{path}:{line}: no alias: it is written \"name: address\"");
                self.warnings.push(words);
            }
        }
    }

    /// Where the alias of this local part, in lower case, stands, and what it says.
    pub(super) fn entry(&self, local: &str) -> Option<(String, &str)> {
        let (line, value) = self.entries.get(local)?;
        Some((format!("{}:{line}", self.path.display()), value))
    }

    /// What is no alias in it.
    pub(super) fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// The name, and what stands behind its colon.
fn name_of(entry: &str) -> Option<(&str, &str)> {
    let (name, value) = match entry.strip_prefix('"') {
        Some(rest) => {
            let (name, rest) = rest.split_once('"')?;
            (name, rest.trim_start().strip_prefix(':')?)
        }
        None => {
            let (name, value) = entry.split_once(':')?;
            let name = name.trim_end();
            (!name.contains([' ', '\t'])).then_some((name, value))?
        }
    };
    (!name.is_empty()).then_some((name, value))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# comment
postmaster:    root
Root: admin@example.com,
\tops@example.com, # no comment here
 # one within
    bob

\"bob smith\" : bob
root: late@example.com
 also: nobody
no alias
: nameless
www-data:
:include:/x
";

    #[test]
    fn entries_go_on_over_lines_and_the_first_of_a_name_counts() {
        let file = AliasFile::parse(Path::new("a"), TEXT);
        for (name, line, value) in [
            ("postmaster", 2, "root"),
            (
                "root",
                3,
                "admin@example.com, ops@example.com, # no comment here bob",
            ),
            ("bob smith", 8, "bob"),
            ("www-data", 13, ""),
        ] {
            let (place, found) = file.entry(name).unwrap();
            assert_eq!((place, found), (format!("a:{line}"), value));
        }
        assert_eq!(file.entry("also"), None);
        assert_eq!(file.warnings().len(), 3, "{:?}", file.warnings());
        assert!(file.warnings()[0].starts_with("a:11: no alias"));
    }

    #[test]
    fn nothing_is_a_file_without_aliases() {
        for text in ["", "\n\n", "# a: b\n", "  a: b"] {
            let file = AliasFile::parse(Path::new("a"), text);
            assert!(file.warnings().is_empty(), "{text:?}");
        }
    }
}
