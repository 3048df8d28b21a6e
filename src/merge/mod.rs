//! A message per row: rows of data, a template, and sending what comes of them.
//!
//! `rows` reads the data, `source` the file of the template, `template` renders a row by it, `names` keeps
//! what is inserted from becoming an address, `letter` makes the message and its envelope, `journal`
//! remembers what was sent, `pace` says when the next may leave, and `run` sends over several connections.
//! Knows no settings and prints nothing. Refuses a row that does not render, and a second message for a row.

mod letter;
mod names;
mod rows;
mod source;
mod template;

pub use letter::{Common, Files, Letters};
pub use rows::{Format, Row, Rows};
pub use source::{Markup, Place, Source};
pub use template::Template;
