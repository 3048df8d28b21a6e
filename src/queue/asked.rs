//! The delivery options of a message in the queue, as text.
//!
//! Owns how they are written into the first line of its file. Each is the text that its flag takes.
//! Refuses what is none when it is read again: a message is not sent with less than was asked for.
//! RFC 3461, RFC 8689.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::envelope::Options;
use crate::failure::{Failure, Result};

/// The delivery options, each as its text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(skip_serializing_if = "Option::is_none")]
    notify: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "return")]
    ret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    require_tls: bool,
    parameters: Vec<String>,
}

impl Asked {
    /// Whether nothing is asked for.
    pub(super) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// The texts of these options.
    pub(super) fn of(options: &Options) -> Self {
        Self {
            notify: options.notify.as_ref().map(ToString::to_string),
            ret: options.ret.as_ref().map(ToString::to_string),
            id: options.envid.as_ref().map(ToString::to_string),
            require_tls: options.require_tls,
            parameters: options.parameters.iter().map(ToString::to_string).collect(),
        }
    }

    /// The options that these are the texts of.
    ///
    /// # Errors
    /// When one of them is none.
    pub(super) fn options(&self) -> Result<Options> {
        fn read<T: FromStr<Err = Failure>>(text: &Option<String>) -> Result<Option<T>> {
            text.as_deref().map(str::parse).transpose()
        }
        Ok(Options {
            notify: read(&self.notify)?,
            ret: read(&self.ret)?,
            envid: read(&self.id)?,
            require_tls: self.require_tls,
            parameters: self
                .parameters
                .iter()
                .map(|text| text.parse())
                .collect::<Result<_>>()?,
        })
    }
}
