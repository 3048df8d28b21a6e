//! A message per row: rows of data, a template, and sending what comes of them.
//!
//! `rows` reads the data, `source` the file of the template, `template` renders a row by it, `names` keeps
//! what is inserted from becoming an address, `letter` makes the message and its envelope, `journal`
//! remembers what was sent, `pace` says when the next may leave, and `run` sends over several connections.
//! Knows no settings and prints nothing. Refuses a row that does not render, and a second message for a row.

mod journal;
mod letter;
mod names;
mod pace;
mod rows;
mod run;
mod source;
mod template;

pub use journal::{Journal, Seed};
pub use letter::{Common, Files, Letters};
pub use pace::Rate;
pub use rows::{Format, Row, Rows};
pub use run::{Ended, Office, Run};
pub use source::{Markup, Place, Source};
pub use template::Template;
