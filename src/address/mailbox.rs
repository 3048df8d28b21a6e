//! A mailbox: an address and the name people show beside it.
//!
//! Owns the pair and its form in a header. Refuses control characters in the name. A name read
//! from a header keeps its RFC 2047 encoded words as they stand, and they are written back so.

use std::fmt;

use email_encoding::headers::writer::EmailWriter;

use super::Address;
use super::words::{self, Charset};
use crate::failure::{Failure, Kind, Result};

/// An address with an optional display name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mailbox {
    name: Option<String>,
    address: Address,
}

impl Mailbox {
    /// A mailbox with this display name; a name of white space only is none.
    ///
    /// # Errors
    /// [`Kind::Message`] when the name holds a control character.
    pub fn new(name: Option<&str>, address: Address) -> Result<Self> {
        let name = name.map(str::trim).filter(|name| !name.is_empty());
        match name.and_then(|name| name.chars().find(|c| c.is_control())) {
            Some(c) => Err(Failure::new(
                Kind::Message,
                format!(
                    "control character {} in the name of <{address}>",
                    super::named(c)
                ),
            )),
            None => Ok(Self {
                name: name.map(str::to_owned),
                address,
            }),
        }
    }

    /// The display name, as people read it.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Writes it as part of a header.
    pub(super) fn write(&self, charset: Charset, w: &mut EmailWriter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => {
                words::phrase(name, charset, w)?;
                w.space();
                words::unbroken(&format!("<{}>", self.address), w)
            }
            None => words::unbroken(&self.address.to_string(), w),
        }
    }
}

impl From<Address> for Mailbox {
    fn from(address: Address) -> Self {
        Self {
            name: None,
            address,
        }
    }
}

/// `Name <address>` for a person to read; not fit for a header.
impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => self.address.fmt(f),
        }
    }
}
