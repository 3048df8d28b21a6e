//! The files that a merge writes, which must be none of those that it reads.
//!
//! Owns that comparison: by device and inode, so that another name of the same file, a link or a longer path, is seen
//! through. A file that is not there yet is known by its folder and its name.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::cli::args::MergeArgs;
use crate::failure::{Failure, Kind, Result};

/// What makes a file the same under any name: its device and inode, or those of its folder and its name there.
type Identity = (u64, u64, Option<OsString>);

/// Looks at what `--results` would overwrite.
///
/// # Errors
/// `Usage` when it is a file that is read, or the journal.
pub(super) fn check(args: &MergeArgs) -> Result<()> {
    let Some(results) = &args.results else {
        return Ok(());
    };
    let data = match args.data.as_path() {
        it if it == Path::new("-") => Path::new("/dev/stdin"),
        data => data,
    };
    let others = [
        ("the data", Some(data)),
        ("the template", Some(args.template.as_path())),
        ("the template of --html", args.html.as_deref()),
        ("the journal", args.journal.as_deref()),
    ];
    let identity = identity(results);
    for (what, other) in others {
        if identity.is_some() && other.and_then(self::identity) == identity {
            let words = format!("--results: {} is {what}", results.display());
            return Err(
                Failure::new(Kind::Usage, words).with_hint("give the results a file of their own")
            );
        }
    }
    Ok(())
}

fn identity(path: &Path) -> Option<Identity> {
    if let Ok(found) = fs::metadata(path) {
        return Some((found.dev(), found.ino(), None));
    }
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let folder = fs::metadata(folder.unwrap_or(Path::new("."))).ok()?;
    Some((
        folder.dev(),
        folder.ino(),
        Some(path.file_name()?.to_owned()),
    ))
}
