//! The files that rows name: where they are, and that they can be read.
//!
//! What the template names is sought from its folder, what a flag names from where the user is. A file that many rows
//! name is opened once.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::cli::stdin;
use crate::failure::{Failure, Kind, Result};
use crate::merge::Place;
use crate::message::{Attachment, Store};

/// Files that are kept open.
const MOST_OPEN: usize = 16;

/// Where files are sought, and those that were found last.
pub(super) struct Files {
    folder: PathBuf,
    found: Mutex<Vec<(PathBuf, Attachment)>>,
}

impl Files {
    /// For the template in this file.
    pub(super) fn of(template: &Path) -> Self {
        Self {
            folder: template.parent().unwrap_or(Path::new("")).to_owned(),
            found: Mutex::default(),
        }
    }

    /// The file that was named there.
    ///
    /// # Errors
    /// `Message` when it cannot be read.
    pub(super) fn attachment(&self, path: &str, place: Place) -> Result<Attachment> {
        let path = match place {
            Place::Line(_) => self.folder.join(path),
            Place::Flag(_) => PathBuf::from(path),
        };
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, attachment)) = found.iter().find(|(known, _)| *known == path) {
            return Ok(attachment.clone());
        }
        let attachment = open(&path).map_err(|why| {
            let words = format!("{place}: {}: {why}", path.display());
            Failure::new(Kind::Message, words)
        })?;
        if found.len() == MOST_OPEN {
            found.remove(0);
        }
        found.push((path, attachment.clone()));
        Ok(attachment)
    }
}

/// A regular file, which stays where it is.
fn open(path: &Path) -> std::result::Result<Attachment, String> {
    let file = stdin::open(path).map_err(|error| error.to_string())?;
    let is_file = file.metadata().is_ok_and(|it| it.is_file());
    if !is_file {
        return Err("not a regular file".to_owned());
    }
    let store = Store::in_place(file, 0).map_err(|error| error.to_string())?;
    Attachment::new(&path.to_string_lossy(), store).map_err(|failure| failure.message)
}
