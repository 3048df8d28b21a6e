//! Writes the ratios into README.md, between two comments that mark their place.

use std::fs;

use anyhow::{Context as _, Result};

use crate::results::Row;
use crate::table;

const START: &str = "<!-- bench -->\n";
const END: &str = "<!-- /bench -->";

const WORDS: &str = "How many times as long as smtpsend each program took, in one run of `cargo bench` on one machine, and in brackets how
often it waited for the server; empty where a program does no such thing, – where it failed.
";

/// Replaces what stands between the marks.
pub(crate) fn write(rows: &[Row]) -> Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = fs::read_to_string(path).context(path)?;
    let section = format!("{WORDS}\n{}", table::ratios(rows));
    let readme = replace(&readme, &section)
        .context("README.md has no <!-- bench --> and <!-- /bench -->")?;
    fs::write(path, readme).context(path)
}

fn replace(readme: &str, section: &str) -> Option<String> {
    let (before, rest) = readme.split_once(START)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{START}{section}{END}{after}"))
}
