//! An SMTP submission client that tells the truth about every recipient.
#![warn(missing_docs)]

pub mod address;
pub mod envelope;
pub mod exit;
pub mod failure;
pub mod message;
pub mod secret;
