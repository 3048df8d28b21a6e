//! What is asked of the server beside delivery, by settings and flags (RFC 3461, RFC 8689).

use anyhow::{Context as _, Result};

use super::args::Args;
use super::settings::{Settings, parsed};
use crate::envelope::{EnvelopeId, MailParameter, Options};

/// The delivery options of the message that `args` are about.
///
/// # Errors
/// What is wrong with one of them, with the place it comes from.
pub(super) fn of_message(args: &Args, settings: &Settings<'_>) -> Result<Options> {
    let envid = args.dsn_id.as_deref().map(parsed::<EnvelopeId>);
    Ok(Options {
        envid: envid.transpose().context("--dsn-id")?,
        ..of_all(settings)?
    })
}

/// Those that the settings give to each message.
///
/// # Errors
/// As [`of_message`].
pub(super) fn of_all(settings: &Settings<'_>) -> Result<Options> {
    Ok(Options {
        notify: settings.value("dsn-notify", parsed)?,
        ret: settings.value("dsn-return", parsed)?,
        envid: None,
        require_tls: settings.switch("require-tls")?,
        parameters: settings
            .value("mail-param", MailParameter::list)?
            .unwrap_or_default(),
    })
}

/// What they are, a line for each, in the words of the flags.
pub(super) fn lines(options: &Options) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(options.notify.map(|notify| format!("dsn-notify {notify}")));
    lines.extend(options.ret.map(|ret| format!("dsn-return {ret}")));
    lines.extend(options.envid.iter().map(|id| format!("dsn-id {id}")));
    lines.extend(options.require_tls.then(|| "require-tls".to_owned()));
    let parameters = options.parameters.iter();
    lines.extend(parameters.map(|parameter| format!("mail-param {parameter}")));
    lines
}
